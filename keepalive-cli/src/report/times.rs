//! Durations: collected in histograms of microseconds, shown in milliseconds.

use std::time::Duration;

use hdrhistogram::Histogram;

/// An empty histogram for durations up to [`LONGEST`], exact to three digits, of fixed size.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("these bounds are valid")
}

/// Adds a duration; one that is longer counts as the longest.
pub(crate) fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
}

/// A quantile of the histogram in milliseconds.
pub(crate) fn quantile_ms(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1000.0
}

/// A duration in milliseconds, to the microsecond.
pub(crate) fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1000.0
}

/// A duration in milliseconds as text.
pub(crate) fn ms_text(ms: f64) -> String {
    if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

/// One hour, in microseconds.
const LONGEST: u64 = 3_600_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_keep_the_microseconds() {
        assert_eq!(ms(Duration::from_nanos(1_234_567)), 1.235);
        assert_eq!([ms_text(0.04), ms_text(99.94), ms_text(1234.5)], ["0.0 ms", "99.9 ms", "1234 ms"]);
    }

    #[test]
    fn quantiles_are_in_milliseconds_and_endless_ones_saturate() {
        let mut times = histogram();
        for ms in 1..=100 {
            record(&mut times, Duration::from_millis(ms));
        }
        assert!((quantile_ms(&times, 0.5) - 50.0).abs() < 0.1);
        record(&mut times, Duration::MAX);
        assert!(quantile_ms(&times, 1.0) > 3_599_000.0);
    }
}
