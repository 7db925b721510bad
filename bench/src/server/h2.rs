//! HTTP/2, as little as the bench's clients need: every request gets the same small response, for a header
//! block is not decoded. Request bodies, CONTINUATION and padding are not spoken; they end the connection.
//!
//! WINDOW_UPDATE is read and ignored. A stream's 12 bytes fit any window that a client here sets. The
//! connection's window is 65,535 bytes at least, of which a client gives back what it has read when half of
//! it is used at the latest; the other half is more than the 12 bytes of each of [`STREAMS`] at once.

use std::io;

use super::out::{Out, Piece};
use super::stats::Stats;

/// What a client begins with.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Default)]
pub(super) struct Reader {
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
}

/// What a server begins with: its settings.
pub(super) fn greet(out: &mut Out) {
    let mut greeting = frame(SETTINGS, 0, 0, 6).to_vec();
    greeting.extend_from_slice(&MAX_CONCURRENT_STREAMS.to_be_bytes());
    greeting.extend_from_slice(&STREAMS.to_be_bytes());
    out.push(Piece::new(greeting, 1));
}

impl Reader {
    /// Takes what has come, and puts what it asks for into `out`.
    pub(super) fn receive(&mut self, bytes: &[u8], stats: &mut Stats, out: &mut Out) -> io::Result<()> {
        if self.rest.is_empty() {
            return self.frames(bytes, stats, out);
        }
        self.rest.extend_from_slice(bytes);
        let whole = std::mem::take(&mut self.rest);
        self.frames(&whole, stats, out)
    }

    /// All answers go out in one piece, and so in one write.
    fn frames(&mut self, mut bytes: &[u8], stats: &mut Stats, out: &mut Out) -> io::Result<()> {
        let mut answers = Vec::new();
        while let Some((head, after)) = bytes.split_first_chunk::<HEAD>() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            if length > MAX_LENGTH {
                return Err(not_spoken("a frame of more than 16 KiB"));
            }
            let Some((payload, following)) = after.split_at_checked(length) else { break };
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & !(1 << 31);
            answer(head[3], head[4], stream, payload, &mut answers, stats)?;
            bytes = following;
        }
        self.rest.extend_from_slice(bytes);
        if !answers.is_empty() {
            out.push(Piece::new(answers, 1));
        }
        Ok(())
    }
}

fn answer(
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &[u8],
    answers: &mut Vec<u8>,
    stats: &mut Stats,
) -> io::Result<()> {
    match kind {
        HEADERS if flags & (END_STREAM | END_HEADERS) == END_STREAM | END_HEADERS => {
            stats.requests += 1;
            answers.extend_from_slice(&frame(HEADERS, END_HEADERS, stream, FIELDS.len()));
            answers.extend_from_slice(FIELDS);
            answers.extend_from_slice(&frame(DATA, END_STREAM, stream, BODY.len()));
            answers.extend_from_slice(BODY);
        }
        SETTINGS if flags & ACK == 0 => answers.extend_from_slice(&frame(SETTINGS, ACK, 0, 0)),
        PING if flags & ACK == 0 => {
            answers.extend_from_slice(&frame(PING, ACK, 0, payload.len()));
            answers.extend_from_slice(payload);
        }
        DATA | HEADERS | CONTINUATION => return Err(not_spoken("more than a head in one frame")),
        _ => {}
    }
    Ok(())
}

fn frame(kind: u8, flags: u8, stream: u32, length: usize) -> [u8; HEAD] {
    let [_, a, b, c] = (length as u32).to_be_bytes();
    let [e, f, g, h] = stream.to_be_bytes();
    [a, b, c, kind, flags, e, f, g, h]
}

fn not_spoken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The fields of the HTTP/1.1 response: `:status` is an entry of the static table, the names of the others
/// are (28, 31, 33), and their values stand as they are.
const FIELDS: &[u8] = b"\x88\x0f\x0d\x0212\x0f\x10\x0atext/plain\x0f\x12\x1dTue, 24 Nov 2026 12:00:00 GMT";
const BODY: &[u8; 12] = b"xxxxxxxxxxxx";

/// How many streams a client may have at once.
const STREAMS: u32 = 1_000;

/// Of a frame.
const HEAD: usize = 9;
/// What no client may exceed without having been allowed to.
const MAX_LENGTH: usize = 16 * 1024;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const MAX_CONCURRENT_STREAMS: u16 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(frames: &[(u8, u8, u32, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &(kind, flags, stream, payload) in frames {
            bytes.extend_from_slice(&frame(kind, flags, stream, payload.len()));
            bytes.extend_from_slice(payload);
        }
        bytes
    }

    #[test]
    fn frames_are_answered_wherever_they_are_cut() {
        let asked = sent(&[
            (SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]),
            (SETTINGS, ACK, 0, &[]),
            (HEADERS, END_STREAM | END_HEADERS, 1, b"\x82\x86\x84"),
            (PING, 0, 0, b"12345678"),
            (8, 0, 0, &[0, 0, 1, 0]),
            (HEADERS, END_STREAM | END_HEADERS, 3, b"\x82\x86\x84"),
        ]);
        let reply = |stream| {
            sent(&[(HEADERS, END_HEADERS, stream, FIELDS), (DATA, END_STREAM, stream, b"xxxxxxxxxxxx")])
        };
        let expected =
            [sent(&[(SETTINGS, ACK, 0, &[])]), reply(1), sent(&[(PING, ACK, 0, b"12345678")]), reply(3)];
        for cut in 0..=asked.len() {
            let (mut reader, mut stats, mut out) = (Reader::default(), Stats::default(), Out::default());
            reader.receive(&asked[..cut], &mut stats, &mut out).unwrap();
            reader.receive(&asked[cut..], &mut stats, &mut out).unwrap();
            let mut written = Vec::new();
            assert!(out.write_to(&mut written).unwrap());
            assert_eq!(written, expected.concat(), "cut at {cut}");
            assert_eq!(stats.requests, 2, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_spoken_is_an_error() {
        for bad in [
            sent(&[(HEADERS, END_HEADERS, 1, b"\x83")]),
            sent(&[(HEADERS, END_STREAM, 1, b"\x82")]),
            sent(&[(DATA, END_STREAM, 1, b"x")]),
            frame(DATA, 0, 1, MAX_LENGTH + 1).to_vec(),
        ] {
            let (mut reader, mut out) = (Reader::default(), Out::default());
            assert!(reader.receive(&bad, &mut Stats::default(), &mut out).is_err(), "{bad:?}");
        }
    }
}
