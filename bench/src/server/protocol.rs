//! Which protocol a connection speaks: its first bytes tell, over TLS as without it.

use std::io;

use super::h2::PREFACE;
use super::out::Out;
use super::site::Site;
use super::{h1, h2};

pub(super) enum Protocol {
    /// What has come could be the beginning of HTTP/2's preface.
    Unknown(Vec<u8>),
    Http1(h1::Reader),
    Http2(h2::Reader),
}

impl Default for Protocol {
    fn default() -> Self {
        Self::Unknown(Vec::new())
    }
}

impl Protocol {
    /// Takes what has come, and puts what it asks for into `out`.
    pub(super) fn receive(&mut self, bytes: &[u8], site: &mut Site, out: &mut Out) -> io::Result<()> {
        match self {
            Self::Http1(reader) => reader.receive(bytes, site, out),
            Self::Http2(reader) => reader.receive(bytes, &mut site.stats, out),
            Self::Unknown(begun) => {
                begun.extend_from_slice(bytes);
                if begun.len() < PREFACE.len() && PREFACE.starts_with(begun) {
                    return Ok(());
                }
                let begun = std::mem::take(begun);
                if let Some(rest) = begun.strip_prefix(PREFACE) {
                    h2::greet(out);
                    *self = Self::Http2(h2::Reader::default());
                    return self.receive(rest, site, out);
                }
                *self = Self::Http1(h1::Reader::default());
                self.receive(&begun, site, out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_wherever_they_are_cut() {
        let get = b"POST /get/3 HTTP/1.1\r\nhost: a\r\n\r\n".to_vec();
        for (sent, requests) in [(get, 1), (PREFACE.to_vec(), 0)] {
            for cut in 0..=sent.len() {
                let (mut protocol, mut site) = (Protocol::default(), Site::default());
                let mut out = Out::default();
                protocol.receive(&sent[..cut], &mut site, &mut out).unwrap();
                protocol.receive(&sent[cut..], &mut site, &mut out).unwrap();
                assert_eq!(matches!(protocol, Protocol::Http1(_)), requests == 1, "cut at {cut}");
                assert_eq!(matches!(protocol, Protocol::Http2(_)), requests == 0, "cut at {cut}");
                assert_eq!(site.stats.requests, requests, "cut at {cut}");
            }
        }
    }
}
