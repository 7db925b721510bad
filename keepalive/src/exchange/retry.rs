//! The retry table: what becomes of a request whose connection ended before a byte of its response.
//!
//! All of the policy is here, as one pure function of the evidence; `exchange` carries it out. RFC 9110
//! §9.2.2 lets a client repeat an idempotent request on its own; what is not idempotent may have been
//! executed and is never sent twice.
//!
//! | socket | written | may be sent twice | then |
//! |---|---|---|---|
//! | HTTP/2, and the server says that it did not look at the request | | | moves, as often as is bearable |
//! | HTTP/2, and its stream alone was reset | | | fails: that was the server's answer |
//! | fresh | | | fails: that was the server's answer |
//! | reused or parked | nothing | | goes to another socket, which is no retry |
//! | reused or parked | something | yes | is sent once more, on a socket just dialled |
//! | reused or parked | something | no | fails, and the error says why |

use crate::Error;
use crate::h1::{Loss, REPLAY_BUFFER};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It asks for another socket, any.
    Move,
    /// It is written again, on a fresh socket.
    Resend,
    /// It fails.
    Fail(Why),
}

/// Why a request is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The connection was new: it is not a matter of a stale socket.
    Fresh,
    /// `retry(false)`.
    Off,
    /// It may have been executed.
    NotIdempotent,
    /// More of the body was taken than is kept.
    BodyGone,
    /// That was the second time.
    Again,
    /// Servers did not look at it, too often in a row.
    Unseen,
}

pub(super) fn verdict(loss: &Loss) -> Verdict {
    match *loss {
        Loss { unseen: true, replayable: true, may_move: true, .. } => Verdict::Move,
        Loss { unseen: true, replayable: true, .. } => Verdict::Fail(Why::Unseen),
        Loss { unseen: true, .. } => Verdict::Fail(Why::BodyGone),
        Loss { again: true, .. } => Verdict::Fail(Why::Again),
        Loss { parked: false, .. } => Verdict::Fail(Why::Fresh),
        Loss { untouched: true, .. } => Verdict::Move,
        Loss { repeatable: false, .. } => Verdict::Fail(Why::NotIdempotent),
        Loss { retry: false, .. } => Verdict::Fail(Why::Off),
        Loss { replayable: false, .. } => Verdict::Fail(Why::BodyGone),
        Loss { .. } => Verdict::Resend,
    }
}

/// The error with the reason why it was not made good.
pub(super) fn explain(error: Error, why: Why) -> Error {
    match why {
        Why::Fresh => error,
        Why::Off => error.note("the request was not sent again, since retry is off"),
        Why::NotIdempotent => error.note(
            "the request was not sent again, since the server may have executed it and its method is not idempotent; an `idempotency-key` field would allow it",
        ),
        Why::BodyGone => error.note(format_args!(
            "the request was not sent again, since more than {} KiB of its body had been taken, and no more is kept",
            REPLAY_BUFFER / 1024
        )),
        Why::Unseen => error.note("that happened to it too often in a row"),
        Why::Again => error.note("that was its second attempt, after a stale connection"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALE: Loss = Loss {
        parked: true,
        untouched: false,
        repeatable: true,
        replayable: true,
        retry: true,
        again: false,
        unseen: false,
        may_move: false,
    };

    /// Every row, and for each reason to fail that nothing weaker hides it.
    #[test]
    fn the_table() {
        for (loss, expected) in [
            (STALE, Verdict::Resend),
            (Loss { parked: false, ..STALE }, Verdict::Fail(Why::Fresh)),
            (Loss { parked: false, untouched: true, ..STALE }, Verdict::Fail(Why::Fresh)),
            (Loss { repeatable: false, ..STALE }, Verdict::Fail(Why::NotIdempotent)),
            (Loss { retry: false, ..STALE }, Verdict::Fail(Why::Off)),
            (Loss { replayable: false, ..STALE }, Verdict::Fail(Why::BodyGone)),
            (Loss { again: true, ..STALE }, Verdict::Fail(Why::Again)),
            (Loss { again: true, untouched: true, ..STALE }, Verdict::Fail(Why::Again)),
            (Loss { untouched: true, ..STALE }, Verdict::Move),
            (Loss { unseen: true, may_move: true, parked: false, ..STALE }, Verdict::Move),
            (Loss { unseen: true, may_move: true, again: true, retry: false, ..STALE }, Verdict::Move),
            (Loss { unseen: true, may_move: true, repeatable: false, ..STALE }, Verdict::Move),
            (Loss { unseen: true, ..STALE }, Verdict::Fail(Why::Unseen)),
            (Loss { unseen: true, may_move: true, replayable: false, ..STALE }, Verdict::Fail(Why::BodyGone)),
        ] {
            assert_eq!(verdict(&loss), expected, "{loss:?}");
        }
    }

    /// Nobody saw anything of it: neither method nor option nor body matter.
    #[test]
    fn what_was_not_written_moves_whatever_it_is() {
        for bits in 0..8 {
            let [repeatable, replayable, retry] = [1, 2, 4].map(|bit| bits & bit != 0);
            let loss = Loss { untouched: true, repeatable, replayable, retry, ..STALE };
            assert_eq!(verdict(&loss), Verdict::Move, "{loss:?}");
        }
    }

    /// What was written and may have been executed is never sent again, whatever else holds.
    #[test]
    fn nothing_that_may_have_been_executed_is_sent_again() {
        for bits in 0..16 {
            let [parked, replayable, retry, again] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            let loss = Loss { parked, repeatable: false, replayable, retry, again, ..STALE };
            assert!(matches!(verdict(&loss), Verdict::Fail(_)), "{loss:?}");
        }
    }
}
