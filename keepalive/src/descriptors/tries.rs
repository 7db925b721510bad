//! What a failed try says about descriptors, and what the caller is told in the end.

use std::io;
use std::time::Duration;

use super::limit::{hard_limit, soft_limit};
use super::probe::{is_crowded, is_shortage, note_shortage, shortages, try_open};
use super::registry;
use crate::pool::Seconds;
use crate::{Error, Origin};

/// Tries of something that hides why it failed, as getaddrinfo does: without descriptors it says that the
/// name is not known, that it should be asked again, or that some system call failed.
#[derive(Debug)]
pub(crate) struct Doubts {
    /// How many descriptors it may need at once.
    need: usize,
    /// As they were when the present try began.
    shortages: u64,
    /// Tries that were made for no more than a suspicion.
    spent: usize,
}

impl Doubts {
    pub(crate) fn new(need: usize) -> Self {
        Self { need, shortages: shortages(), spent: 0 }
    }

    /// A try begins.
    pub(crate) fn begin(&mut self) {
        self.shortages = shortages();
    }

    /// Whether the try may have failed for want of descriptors, so that it must be made again.
    ///
    /// They may have come free since, so that there are some proves nothing if somebody lacked them
    /// meanwhile, or if most are in use. That much is only a suspicion, and a name that does not exist must
    /// not be asked for for ever: it counts a few times only.
    pub(crate) fn may_be_shortage(&mut self, error: &io::Error) -> bool {
        if is_shortage(error) || try_open(self.need).is_err() {
            note_shortage();
            return true;
        }
        let suspicious = is_suspicious(self.spent, shortages() != self.shortages, is_crowded());
        self.spent += usize::from(suspicious);
        suspicious
    }
}

/// Whether one more try is worth it after so many: somebody `lacked` descriptors during the last one, or
/// the process is `crowded`.
fn is_suspicious(spent: usize, lacked: bool, crowded: bool) -> bool {
    lacked && spent < MOST_DOUBTS || crowded && spent == 0
}

/// With room for it before and after each of them, so many failures are the answer.
const MOST_DOUBTS: usize = 5;

/// The error of a dial that found no descriptor in `waited`; `met` is what the system said.
pub(crate) fn explain(origin: &Origin, waited: Duration, met: io::Error) -> Error {
    let shown = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    let text = format!(
        "no file descriptor came free for a connection to {origin} within {} (connect_timeout): sockets of \
         keepalive agents hold {} of the {} that this process may open (hard limit {}); read or drop \
         response bodies, lower max_total_sockets, or raise the limit with keepalive::raise_fd_limit()",
        Seconds(waited),
        registry::descriptors(),
        shown(soft_limit()),
        shown(hard_limit()),
    );
    Error::connect(text, met)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_asked_for_for_ever() {
        for (spent, quiet, crowded, lacked) in [
            (0, false, true, true),
            (1, false, false, true),
            (4, false, false, true),
            (5, false, false, false),
            (6, false, false, false),
        ] {
            assert_eq!(is_suspicious(spent, false, false), quiet);
            assert_eq!(is_suspicious(spent, false, true), crowded, "after {spent}");
            assert_eq!(is_suspicious(spent, true, false), lacked, "after {spent}");
        }
    }

    /// What the resolver says without descriptors, told by somebody who met a shortage meanwhile.
    #[test]
    fn what_somebody_lacked_during_a_try_makes_it_a_doubt() {
        let unknown = || io::Error::other("failed to lookup address information: Name or service not known");
        let mut doubts = Doubts::new(1);
        for _ in 0..MOST_DOUBTS {
            doubts.begin();
            note_shortage();
            assert!(doubts.may_be_shortage(&unknown()));
        }
        note_shortage();
        assert!(!doubts.may_be_shortage(&unknown()), "so often is the answer");
    }

    #[test]
    fn the_error_says_what_holds_the_descriptors_and_what_to_do() {
        let origin = Origin::from_uri(&"http://example.org/".parse().unwrap()).unwrap();
        let met = crate::descriptors::probe::shortage();
        let error = explain(&origin, Duration::from_secs(10), met);
        assert!(error.is_descriptor_limit() && error.is_connect());
        let text = error.to_string();
        let begin = "no file descriptor came free for a connection to http://example.org:80 within 10 s \
                     (connect_timeout): sockets of keepalive agents hold ";
        let end = "read or drop response bodies, lower max_total_sockets, or raise the limit with \
                   keepalive::raise_fd_limit()";
        assert!(text.starts_with(begin) && text.ends_with(end), "{text}");
    }
}
