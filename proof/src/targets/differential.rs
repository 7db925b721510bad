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
    eof: bool,
    ours: Reading,
    theirs: Theirs,
}

/// See the module's header.
///
/// # Panics
///
/// A difference that is not known.
pub fn differential(data: &[u8]) {
    let case = Case::of(data);
    if let Some(what) = case.difference() {
        assert!(
            known::reasons(&case).next().is_some(),
            "{what}\n{}\nours:   {:?}\ntheirs: {:?}",
            case.wire.escape_ascii(),
            case.ours,
            case.theirs
        );
    }
}

impl<'a> Case<'a> {
    fn of(data: &'a [u8]) -> Self {
        let mut input = Input::new(data);
        let (flags, seed) = (input.byte(), input.byte());
        let mut asked = super::response::asked(flags);
        // There is one method.
        asked.connect &= !asked.head;
        let eof = flags & 16 != 0;
        let wire = &input.rest()[..input.rest().len().min(MOST)];
        let pieces = cut(wire, seed);
        let (ours, theirs) = (read(asked, &pieces, eof), exchange(asked, &pieces, eof));
        Self { asked, wire, eof, ours, theirs }
    }

    /// The first thing they disagree about.
    fn difference(&self) -> Option<&'static str> {
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
        (!self.eof && reusable != theirs.reusable).then_some("whether the socket may be used again")
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A reason that explains nothing that was seen may explain too much one day.
    #[test]
    fn each_known_difference_is_shown_by_the_corpus() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/differential");
        let files = std::fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("a file").path());
        let mut shown = Vec::new();
        for file in files {
            let input = std::fs::read(file).expect("a file");
            let case = Case::of(&input);
            if case.difference().is_some() {
                shown.extend(known::reasons(&case));
            }
        }
        let missing: Vec<_> = known::all().filter(|why| !shown.contains(why)).collect();
        assert!(missing.is_empty(), "no input shows that {missing:#?}");
    }
}
