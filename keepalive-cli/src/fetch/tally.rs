//! The counts that the summary is made of. Its size does not depend on the number of requests, only (16
//! bytes each) on that of origins.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use hdrhistogram::Histogram;
use http::Version;

use super::job::{Failure, Outcome};
use crate::report::times;

/// What was counted so far.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Requests that ended, failed ones included.
    pub(crate) requests: usize,
    pub(crate) failed: usize,
    /// Requests that were in flight when the program was stopped.
    pub(crate) abandoned: usize,
    pub(crate) answered: usize,
    /// Of those, how many came over a socket that had served before.
    pub(crate) reused: usize,
    /// How long whole requests took that got a complete response, in microseconds.
    pub(crate) total: Histogram<u64>,
    /// The most sockets that can be of use to one origin at once.
    limit: usize,
    /// Requests of each origin that got a connection, by the origin's hash: names of a million hosts would
    /// fill the memory.
    reached: HashMap<u64, Reached>,
    hasher: RandomState,
}

/// What reached one origin.
#[derive(Debug, Default)]
struct Reached {
    requests: usize,
    /// Its connections carry many requests at once.
    http2: bool,
}

impl Tally {
    pub(super) fn new(max_sockets: usize, concurrency: usize) -> Self {
        Self {
            requests: 0,
            failed: 0,
            abandoned: 0,
            answered: 0,
            reused: 0,
            total: times::histogram(),
            limit: max_sockets.min(concurrency),
            reached: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    pub(super) fn count(&mut self, outcome: &Outcome) {
        self.requests += 1;
        self.failed += usize::from(outcome.failure.is_some());
        if let Some(answer) = &outcome.answer {
            self.answered += 1;
            self.reused += usize::from(answer.info.as_ref().is_some_and(|info| info.reused));
        }
        if let Some(origin) = &outcome.reached {
            let reached = self.reached.entry(self.hasher.hash_one(origin)).or_default();
            reached.requests += 1;
            reached.http2 |= outcome.answer.as_ref().is_some_and(|it| it.version == Version::HTTP_2);
        }
        if !matches!(outcome.failure, Some(Failure::Request(_))) {
            times::record(&mut self.total, outcome.total);
        }
    }

    /// The fewest sockets that could have done the same without more waiting: for each origin the smallest
    /// of `max_sockets`, `concurrency` and the number of its requests that got a connection; one with HTTP/2.
    pub(crate) fn perfect(&self) -> usize {
        let of_one = |it: &Reached| if it.http2 { 1 } else { it.requests.min(self.limit) };
        self.reached.values().map(of_one).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keepalive::Origin;

    use super::*;

    fn perfect(max_sockets: usize, concurrency: usize, urls: &[&str]) -> usize {
        let mut tally = Tally::new(max_sockets, concurrency);
        for url in urls {
            tally.count(&Outcome {
                id: 1,
                url: (*url).to_owned(),
                answer: None,
                bytes: 0,
                failure: None,
                total: Duration::ZERO,
                reached: Origin::from_uri(&url.parse().unwrap()).ok(),
            });
        }
        tally.perfect()
    }

    #[test]
    fn perfect_is_the_smallest_of_three_for_each_origin() {
        let urls = ["http://a/1", "http://a/2", "http://A:80/3", "http://b/", "ftp://c/"];
        assert_eq!(perfect(5, 64, &urls), 3 + 1);
        assert_eq!(perfect(2, 64, &urls), 2 + 1);
        assert_eq!(perfect(5, 1, &urls), 1 + 1);
        assert_eq!(perfect(5, 64, &[]), 0);
    }
}
