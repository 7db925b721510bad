//! The ways in which the same bytes arrive.

use proof::cases::Case;

use crate::wire::Random;

/// How the bytes of a case are sent.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// As the table has them: segment by segment.
    Whole,
    /// Byte by byte, a long one in larger pieces, as fast as it goes: some will come together.
    Bytewise,
    /// In pieces, the next one only when the client has read the last one. Each number is a place in all the
    /// bytes of an exchange; those beyond its end cut nothing.
    Cut(Vec<usize>),
}

/// Above this, byte by byte takes long and shows no more.
const LONG: usize = 2048;

/// So much behind the head is sent byte by byte, each one when the last one is read.
const FRAMED: usize = 96;

/// What a long one is sent in: not a divisor of anything.
const PIECE: usize = 509;

/// The ways for a case: whole, byte by byte, in two at places where something begins or ends, behind each byte of
/// the body, and cut anywhere.
pub(crate) fn ways(case: &Case, seed: u64) -> Vec<Way> {
    let mut random = Random::new(
        seed ^ case.name.bytes().fold(7_u64, |sum, it| sum.wrapping_mul(31).wrapping_add(u64::from(it))),
    );
    let longest =
        case.exchanges.iter().map(|it| it.segments.concat()).max_by_key(Vec::len).unwrap_or_default();
    let is_mark = |byte: u8| b"\r\n :;,".contains(&byte);
    let mut marks: Vec<_> =
        (1..longest.len()).filter(|&at| is_mark(longest[at - 1]) || is_mark(longest[at])).collect();
    let mut ways = vec![Way::Whole, Way::Bytewise];
    // The last ones are where bodies end; the others are chosen.
    for _ in 0..2 {
        ways.extend(marks.pop().map(|at| Way::Cut(vec![at])));
    }
    for _ in 0..2 {
        if !marks.is_empty() {
            let at = marks.swap_remove(random.below(marks.len()));
            ways.push(Way::Cut(vec![at]));
        }
    }
    // Where what is framed begins: behind the first head.
    let head = longest.windows(4).position(|it| it == b"\r\n\r\n").map_or(0, |at| at + 4);
    if (2..=FRAMED).contains(&(longest.len() - head)) {
        ways.push(Way::Cut((head..longest.len()).collect()));
    }
    if longest.len() > 4 {
        let mut places: Vec<_> = (0..3).map(|_| 1 + random.below(longest.len() - 1)).collect();
        places.sort_unstable();
        places.dedup();
        ways.push(Way::Cut(places));
    }
    ways
}

impl Way {
    /// The pieces in which an exchange's bytes are sent, none of them empty.
    pub(crate) fn pieces(&self, segments: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let bytes = segments.concat();
        match self {
            Self::Whole => segments.to_vec(),
            Self::Bytewise if bytes.len() > LONG => bytes.chunks(PIECE).map(<[u8]>::to_vec).collect(),
            Self::Bytewise => bytes.chunks(1).map(<[u8]>::to_vec).collect(),
            Self::Cut(places) => {
                let mut pieces = Vec::new();
                let mut from = 0;
                for &at in places.iter().filter(|&&at| at < bytes.len()).chain([&bytes.len()]) {
                    pieces.push(bytes[from..at].to_vec());
                    from = at;
                }
                pieces.retain(|piece| !piece.is_empty());
                pieces
            }
        }
    }

    /// Whether each piece waits until the client has read the one before.
    pub(crate) fn is_slow(&self) -> bool {
        !matches!(self, Self::Bytewise)
    }
}
