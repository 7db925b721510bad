//! How many requests come at once, and how often.

use std::time::Duration;

/// Waves of requests; the next begins when all answers of the one before are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) requests: usize,
    pub(crate) max_sockets: usize,
    /// The requests of every wave; the last may have fewer.
    pub(crate) wave: usize,
}

impl Plan {
    /// Waves that are larger than the limit of sockets, so that some requests must wait, and at least two
    /// of them, so that there is a pause in which nobody does.
    pub(crate) fn new(requests: usize, max_sockets: usize) -> Self {
        let wave = max_sockets.saturating_mul(4).min(LARGEST_WAVE).min(requests.div_ceil(2));
        Self { requests, max_sockets, wave }
    }

    /// How many requests each wave has.
    pub(crate) fn waves(&self) -> impl Iterator<Item = usize> + use<> {
        let Self { requests, wave, .. } = *self;
        (0..requests.div_ceil(wave)).map(move |nth| wave.min(requests - nth * wave))
    }

    /// What is about to be seen, as a line.
    pub(crate) fn describe(&self) -> String {
        let Self { requests, max_sockets, wave } = self;
        let waves = requests.div_ceil(*wave);
        let of = if requests % wave == 0 { "of" } else { "of up to" };
        let requests = if *requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") };
        let waves = if waves == 1 { "1 wave".to_owned() } else { format!("{waves} waves {of} {wave}") };
        let sockets =
            if *max_sockets == 1 { "1 socket".to_owned() } else { format!("{max_sockets} sockets") };
        format!(
            "{requests} in {waves}, answered after {} ms by an origin on the loopback address;\n\
             an agent may have {sockets} open at once.\n",
            DELAY.as_millis()
        )
    }
}

/// How long the origin takes for an answer: long enough that a queue forms, short enough that the demo is
/// over in a moment.
pub(crate) const DELAY: Duration = Duration::from_millis(2);

/// With a socket for each request, and both ends of it in this process, this needs 200 descriptors; macOS
/// gives 256.
const LARGEST_WAVE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(requests: usize, max_sockets: usize) -> Vec<usize> {
        Plan::new(requests, max_sockets).waves().collect()
    }

    #[test]
    fn every_request_is_in_one_wave() {
        assert_eq!(waves(200, 5), [20; 10]);
        assert_eq!(waves(1, 1), [1]);
        assert_eq!(waves(1, usize::MAX), [1]);
        assert_eq!(waves(2, 5), [1, 1]);
        assert_eq!(waves(3, 5), [2, 1]);
        assert_eq!(waves(10, 1), [4, 4, 2]);
        assert_eq!(waves(250, 1000), [100, 100, 50]);
    }

    #[test]
    fn the_description_counts_in_plain_words() {
        let first = |requests, max_sockets| {
            let text = Plan::new(requests, max_sockets).describe();
            text.split(',').next().unwrap().to_owned()
        };
        assert_eq!(first(200, 5), "200 requests in 10 waves of 20");
        assert_eq!(first(10, 1), "10 requests in 3 waves of up to 4");
        assert_eq!(first(1, 5), "1 request in 1 wave");
    }
}
