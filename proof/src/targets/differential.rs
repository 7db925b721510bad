//! The same bytes to our decoder and to hyper's client: the same response comes of them, and the same word on
//! whether the socket may be used again, or the difference is one of those in [`known`], which say why.
//!
//! Input: what was asked (bits 0 to 3) and whether the connection ends (bit 4), how to split, the response.

mod hyper;
mod known;

use keepalive::unstable::Asked;

use self::hyper::{Theirs, exchange};
use crate::input::{Input, cut};
use crate::reading::{Reading, Stand, read};

/// One response, as both see it.
struct Case<'a> {
    asked: Asked,
    wire: &'a [u8],
    ours: Reading,
    theirs: Theirs,
}

/// See the module's header.
///
/// # Panics
///
/// A difference that is not known.
pub fn differential(data: &[u8]) {
    let mut input = Input::new(data);
    let (flags, seed) = (input.byte(), input.byte());
    let mut asked = super::response::asked(flags);
    // There is one method.
    asked.connect &= !asked.head;
    let eof = flags & 16 != 0;
    let wire = &input.rest()[..input.rest().len().min(MOST)];
    let pieces = cut(wire, seed);
    let case = Case { asked, wire, ours: read(asked, &pieces, eof), theirs: exchange(asked, &pieces, eof) };
    if let Some(what) = case.difference(eof) {
        assert!(
            known::explains(&case).is_some(),
            "{what}\n{}\nours:   {:?}\ntheirs: {:?}",
            wire.escape_ascii(),
            case.ours,
            case.theirs
        );
    }
}

impl Case<'_> {
    /// The first thing they disagree about.
    fn difference(&self, eof: bool) -> Option<&'static str> {
        let (ours, theirs) = (&self.ours, &self.theirs);
        if kind(&ours.stand) != kind(&theirs.stand) {
            return Some("how it ended");
        }
        // Behind an error it is chance how much came out before.
        if matches!(ours.stand, Stand::Failed(_)) {
            return None;
        }
        if ours.head != theirs.head {
            return Some("the head");
        }
        if ours.data != theirs.data {
            return Some("the content");
        }
        if ours.trailers != theirs.trailers {
            return Some("the trailers");
        }
        // At the end of the connection nothing is left to be used again.
        let reusable = ours.verdict.is_none();
        (!eof && reusable != theirs.reusable).then_some("whether the socket may be used again")
    }
}

/// hyper does not say that the protocol changed but by an end that is final.
fn kind(stand: &Stand) -> u8 {
    match stand {
        Stand::Waiting => 0,
        Stand::Whole | Stand::Switched => 1,
        Stand::Failed(_) => 2,
    }
}

/// Beyond our limits and below hyper's there is nothing to compare.
const MOST: usize = 16 * 1024;
