//! HTTP/1.1, as little as the bench's clients need: a request is known by its path.
//!
//! - `/get/N`: a body of N bytes and its length;
//! - `/chunked/N`: the same in chunks of 16 KiB;
//! - `/up/N`: reads a body of N bytes, whose length the head must have said;
//! - `/gate/N`: 12 bytes, when N such requests are here;
//! - `/stats`, `/reset`: the server's counters;
//! - `/awake`, `/asleep`: whether the server spins while it has nothing to do.

use std::collections::HashMap;
use std::io;

use memchr::memmem;

use super::out::{Out, Piece};
use super::site::Site;

/// A connection's place in its requests.
#[derive(Default)]
pub(super) struct Reader {
    /// The beginning of a head whose end has not come.
    rest: Vec<u8>,
    /// How much of a request's body is still to come, and what follows it.
    body: Option<(u64, Reply)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Reply {
    Sized(u64),
    Chunked(u64),
}

/// The responses so far, ready to be written.
#[derive(Default)]
pub(super) struct Replies(HashMap<Reply, Vec<Piece>>);

impl Reader {
    /// Takes what has come, and puts what it asks for into `out`.
    pub(super) fn receive(&mut self, mut bytes: &[u8], site: &mut Site, out: &mut Out) -> io::Result<()> {
        while !bytes.is_empty() {
            if let Some((left, reply)) = &mut self.body {
                let part = (*left).min(bytes.len() as u64);
                *left -= part;
                bytes = &bytes[part as usize..];
                if *left == 0 {
                    out.extend(site.replies.get(*reply));
                    self.body = None;
                }
                continue;
            }
            if !self.rest.is_empty() {
                self.rest.extend_from_slice(bytes);
                let whole = std::mem::take(&mut self.rest);
                return self.heads(&whole, site, out);
            }
            return self.heads(bytes, site, out);
        }
        Ok(())
    }

    fn heads(&mut self, bytes: &[u8], site: &mut Site, out: &mut Out) -> io::Result<()> {
        let mut from = 0;
        while from < bytes.len() {
            let Some(end) = memmem::find(&bytes[from..], b"\r\n\r\n") else {
                self.rest.extend_from_slice(&bytes[from..]);
                return Ok(());
            };
            let head = &bytes[from..from + end];
            from += end + 4;
            match target(head) {
                Some(Target::Reply(reply)) => {
                    site.stats.requests += 1;
                    out.extend(site.replies.get(reply));
                }
                Some(Target::Upload(length)) => {
                    site.stats.requests += 1;
                    self.body = Some((length, Reply::Sized(2)));
                    return self.receive(&bytes[from..], site, out);
                }
                Some(Target::Gate(count)) => {
                    site.stats.requests += 1;
                    site.gate.enter(site.key, count);
                }
                Some(Target::Awake(awake)) => {
                    site.stays_awake = awake;
                    out.push(Piece::new(text("{}"), 1));
                }
                Some(Target::Stats) => out.push(Piece::new(text(&site.stats.to_json()), 1)),
                Some(Target::Reset) => {
                    site.stats.reset();
                    out.push(Piece::new(text("{}"), 1));
                }
                None => out.push(Piece::new(*b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 1)),
            }
        }
        Ok(())
    }
}

enum Target {
    Reply(Reply),
    Upload(u64),
    Gate(usize),
    Awake(bool),
    Stats,
    Reset,
}

fn target(head: &[u8]) -> Option<Target> {
    let path = head.split(|&byte| byte == b' ').nth(1)?;
    let mut parts = std::str::from_utf8(path).ok()?.strip_prefix('/')?.split('/');
    let kind = parts.next()?;
    let mut number = || parts.next()?.parse().ok();
    match kind {
        "get" => Some(Target::Reply(Reply::Sized(number()?))),
        "chunked" => Some(Target::Reply(Reply::Chunked(number()?))),
        "up" => Some(Target::Upload(number()?)),
        "gate" => Some(Target::Gate(number()? as usize)),
        "awake" => Some(Target::Awake(true)),
        "asleep" => Some(Target::Awake(false)),
        "stats" => Some(Target::Stats),
        "reset" => Some(Target::Reset),
        _ => None,
    }
}

impl Replies {
    pub(super) fn at_the_gate(&mut self) -> &[Piece] {
        self.get(Reply::Sized(12))
    }

    fn get(&mut self, reply: Reply) -> &[Piece] {
        self.0.entry(reply).or_insert_with(|| match reply {
            Reply::Sized(length) if length <= BLOCK => {
                let mut whole = head(&format!("content-length: {length}"));
                whole.resize(whole.len() + length as usize, b'x');
                vec![Piece::new(whole, 1)]
            }
            Reply::Sized(length) => vec![
                Piece::new(head(&format!("content-length: {length}")), 1),
                Piece::new(vec![b'x'; BLOCK as usize], length / BLOCK),
                Piece::new(vec![b'x'; (length % BLOCK) as usize], 1),
            ],
            Reply::Chunked(length) => {
                let mut last = if length % CHUNK > 0 { chunk(length % CHUNK) } else { Vec::new() };
                last.extend_from_slice(b"0\r\n\r\n");
                vec![
                    Piece::new(head("transfer-encoding: chunked"), 1),
                    Piece::new(chunk(CHUNK), length / CHUNK),
                    Piece::new(last, 1),
                ]
            }
        })
    }
}

fn head(framing: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{framing}\r\ndate: Tue, 24 Nov 2026 12:00:00 GMT\r\n\r\n"
    )
    .into_bytes()
}

fn text(body: &str) -> Vec<u8> {
    let mut whole = head(&format!("content-length: {}", body.len()));
    whole.extend_from_slice(body.as_bytes());
    whole
}

fn chunk(length: u64) -> Vec<u8> {
    let mut chunk = format!("{length:x}\r\n").into_bytes();
    chunk.resize(chunk.len() + length as usize, b'x');
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// The largest body that is written from one buffer with its head.
const BLOCK: u64 = 64 * 1024;

const CHUNK: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(site: &mut Site, sent: &[u8], cut: usize) -> String {
        let (mut reader, mut out, mut written) = (Reader::default(), Out::default(), Vec::new());
        reader.receive(&sent[..cut], site, &mut out).unwrap();
        reader.receive(&sent[cut..], site, &mut out).unwrap();
        assert!(out.write_to(&mut written).unwrap());
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn requests_are_answered_wherever_they_are_cut() {
        let sent = b"GET /get/3 HTTP/1.1\r\nhost: a\r\n\r\n\
            POST /up/5 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n\r\n\r\n!\
            GET /chunked/20000 HTTP/1.1\r\n\r\n\
            GET /get/200000 HTTP/1.1\r\n\r\n\
            GET /nothing HTTP/1.1\r\n\r\n";
        let x = |count| "x".repeat(count);
        let expected = [
            String::from_utf8(head("content-length: 3")).unwrap() + "xxx",
            String::from_utf8(head("content-length: 2")).unwrap() + "xx",
            String::from_utf8(head("transfer-encoding: chunked")).unwrap(),
            format!("4000\r\n{}\r\ne20\r\n{}\r\n0\r\n\r\n", x(16_384), x(3_616)),
            String::from_utf8(head("content-length: 200000")).unwrap() + &x(200_000),
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ]
        .concat();
        for cut in 0..=sent.len() {
            let mut site = Site::default();
            assert!(answers(&mut site, sent, cut) == expected, "cut at {cut}");
            assert_eq!(site.stats.requests, 4, "cut at {cut}");
        }
    }

    #[test]
    fn the_gate_opens_when_all_are_there() {
        let mut site = Site::default();
        let arrive = |site: &mut Site, key| {
            site.key = key;
            assert_eq!(answers(site, b"GET /gate/3 HTTP/1.1\r\n\r\n", 5), "");
        };
        arrive(&mut site, 1);
        arrive(&mut site, 2);
        site.gate.leave(2);
        arrive(&mut site, 4);
        assert_eq!(site.gate.next_released(), None);
        arrive(&mut site, 7);
        let mut released: Vec<_> = std::iter::from_fn(|| site.gate.next_released()).collect();
        released.sort_unstable();
        assert_eq!(released, [1, 4, 7]);
    }
}
