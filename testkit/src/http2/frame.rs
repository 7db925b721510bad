//! Frames as bytes (RFC 9113 §4.1), right or wrong, and header blocks (RFC 7541) without tables.

use std::fmt;

/// One frame: any type, any flags, any payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Which kind it is (RFC 9113 §6).
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The kinds by name.
    pub const DATA: u8 = 0;
    /// Begins a stream.
    pub const HEADERS: u8 = 1;
    /// Ends a stream at once.
    pub const RST_STREAM: u8 = 3;
    /// What the sender allows.
    pub const SETTINGS: u8 = 4;
    /// Asks whether the peer is there.
    pub const PING: u8 = 6;
    /// No more streams.
    pub const GOAWAY: u8 = 7;
    /// More may be sent.
    pub const WINDOW_UPDATE: u8 = 8;
    /// More of a header block.
    pub const CONTINUATION: u8 = 9;

    /// The flag of the last frame of a stream.
    pub const END_STREAM: u8 = 1;
    /// The flag of the last frame of a header block.
    pub const END_HEADERS: u8 = 4;
    /// The flag of an answer, to SETTINGS and PING.
    pub const ACK: u8 = 1;

    /// Any frame.
    #[must_use]
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// SETTINGS with these values by number (RFC 9113 §6.5.2).
    #[must_use]
    pub fn settings(values: &[(u16, u32)]) -> Self {
        let bytes = values.iter().flat_map(|(id, value)| {
            let mut bytes = id.to_be_bytes().to_vec();
            bytes.extend(value.to_be_bytes());
            bytes
        });
        Self::new(Self::SETTINGS, 0, 0, bytes.collect::<Vec<_>>())
    }

    /// The answer to SETTINGS.
    #[must_use]
    pub fn settings_ack() -> Self {
        Self::new(Self::SETTINGS, Self::ACK, 0, [])
    }

    /// A whole head: status and fields; it is the end of the stream if that is said.
    #[must_use]
    pub fn head(stream: u32, status: u16, fields: &[(&str, &str)], end: bool) -> Self {
        let flags = Self::END_HEADERS | if end { Self::END_STREAM } else { 0 };
        let status = status.to_string();
        let all: Vec<_> = [(":status", status.as_str())].into_iter().chain(fields.iter().copied()).collect();
        Self::new(Self::HEADERS, flags, stream, block(&all))
    }

    /// A piece of a body.
    #[must_use]
    pub fn data(stream: u32, bytes: impl Into<Vec<u8>>, end: bool) -> Self {
        Self::new(Self::DATA, u8::from(end), stream, bytes)
    }

    /// Ends a stream for this reason (RFC 9113 §7).
    #[must_use]
    pub fn reset(stream: u32, reason: u32) -> Self {
        Self::new(Self::RST_STREAM, 0, stream, reason.to_be_bytes())
    }

    /// No stream above `last` was or will be looked at.
    #[must_use]
    pub fn go_away(last: u32, reason: u32) -> Self {
        Self::new(Self::GOAWAY, 0, 0, [last.to_be_bytes(), reason.to_be_bytes()].concat())
    }

    /// A PING with that content, or the answer to one.
    #[must_use]
    pub fn ping(content: [u8; 8], ack: bool) -> Self {
        Self::new(Self::PING, u8::from(ack), 0, content)
    }

    /// So many bytes more may be sent.
    #[must_use]
    pub fn window(stream: u32, more: u32) -> Self {
        Self::new(Self::WINDOW_UPDATE, 0, stream, more.to_be_bytes())
    }

    /// Whether it has that flag.
    #[must_use]
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The number that is its whole payload, of RST_STREAM and WINDOW_UPDATE.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        Some(u32::from_be_bytes(self.payload.as_slice().try_into().ok()?))
    }

    /// As bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).expect("a payload of less than 16 MiB").to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// The first frame of these bytes, taken off them; `None` while it has not come as a whole.
    pub(crate) fn take(bytes: &mut Vec<u8>) -> Option<Self> {
        let head: [u8; 9] = bytes.get(..9)?.try_into().ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        if bytes.len() < 9 + length {
            return None;
        }
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        let frame = Self::new(head[3], head[4], stream, &bytes[9..9 + length]);
        bytes.drain(..9 + length);
        Some(frame)
    }
}

/// In one line, whatever it carries.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, flags, stream, payload } = self;
        write!(f, "frame {kind} flags {flags:#x} stream {stream}: {} bytes", payload.len())
    }
}

/// A header block in which each field is spelt out (RFC 7541 §6.2.2).
#[must_use]
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        text(&mut bytes, name);
        text(&mut bytes, value);
    }
    bytes
}

/// RFC 7541 §5.2, with the length as in §5.1.
fn text(bytes: &mut Vec<u8>, text: &str) {
    if text.len() < 127 {
        bytes.push(u8::try_from(text.len()).expect("less than 127"));
    } else {
        bytes.push(127);
        let mut rest = text.len() - 127;
        while rest >= 128 {
            bytes.push(u8::try_from(rest % 128).expect("less than 128") | 128);
            rest /= 128;
        }
        bytes.push(u8::try_from(rest).expect("less than 128"));
    }
    bytes.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let frames = [Frame::settings(&[(3, 10)]), Frame::data(5, "hi", true), Frame::reset(7, 8)];
        let mut bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        assert_eq!(&bytes[..15], [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 10]);
        for frame in frames {
            assert_eq!(Frame::take(&mut bytes), Some(frame));
        }
        assert_eq!(Frame::take(&mut bytes), None);
    }

    #[test]
    fn long_texts_have_their_length_in_several_bytes() {
        assert_eq!(block(&[("a", "bc")]), [0, 1, b'a', 2, b'b', b'c']);
        let long = "x".repeat(1337 + 127);
        assert_eq!(block(&[("a", &long)])[3..6], [127, 0b1011_1001, 0b0000_1010]);
    }
}
