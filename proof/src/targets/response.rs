//! The response decoder: it never panics, works no more than the bytes are worth, keeps no more than a head,
//! and says the same however the bytes are split. A response that ends by itself ends there whatever follows.
//!
//! Input: what was asked (bits 0 to 3) and whether the connection ends (bit 4), how to split, the response.

use keepalive::CloseReason;
use keepalive::unstable::Asked;

use crate::input::{Input, cut};
use crate::reading::{Stand, read};

/// See the module's header.
///
/// # Panics
///
/// A promise is broken.
pub fn response(data: &[u8]) {
    let mut input = Input::new(data);
    let (flags, seed) = (input.byte(), input.byte());
    let (asked, eof) = (asked(flags), flags & 16 != 0);
    let wire = input.rest();
    let whole = read(asked, &[wire], eof);
    assert_eq!(read(asked, &wire.chunks(1).collect::<Vec<_>>(), eof), whole, "byte by byte");
    assert_eq!(read(asked, &cut(wire, seed), eof), whole, "in pieces");

    if !eof && whole.stand == Stand::Whole {
        let longer = read(asked, &[wire, NEXT], eof);
        assert_eq!(longer.unread, [&whole.unread, NEXT].concat(), "what follows is not the response's");
        assert_eq!((&longer.head, &longer.data), (&whole.head, &whole.data));
        assert_eq!((&longer.trailers, &longer.stand), (&whole.trailers, &whole.stand));
        let surplus = Some(CloseReason::SurplusBytes);
        assert_eq!(longer.verdict, surplus, "nobody asked for what follows");
    }
    if eof {
        assert_ne!(whole.stand, Stand::Waiting, "nothing will come");
    }
}

/// What the flags say that was asked.
pub(super) fn asked(flags: u8) -> Asked {
    let bit = |at: u8| flags & (1 << at) != 0;
    Asked { head: bit(0), connect: bit(1), upgrade: bit(2), close: bit(3) }
}

const NEXT: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnot";
