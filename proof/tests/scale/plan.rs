//! What request number n is, what its answer is, and what its user does: all of it follows from the seed, so
//! that both sides know it without a word between them, and a failure can be repeated.
//!
//! Not here: what goes wrong (`origin`), which each visit of a request to an origin has its own chance of.

use crate::rng::{self, Rng, contents};

/// How many origins of each kind there are: HTTP/1.1, HTTP/1.1 over TLS, HTTP/2.
pub(crate) const PLAIN: usize = 6;
pub(crate) const TLS: usize = 1;
pub(crate) const HTTP2: usize = 1;

/// A request, its answer, and its use.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) n: usize,
    /// In the path, in a field, and in the trailer of answers that have one.
    pub(crate) token: String,
    pub(crate) origin: usize,
    pub(crate) method: &'static str,
    /// Carries an `Idempotency-Key`.
    pub(crate) key: bool,
    pub(crate) expect: bool,
    pub(crate) upload: Upload,
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    /// How many bytes the body of the answer has, and how many a HEAD is told.
    pub(crate) len: usize,
    /// Interim heads before the answer.
    pub(crate) interim: usize,
    pub(crate) reading: Reading,
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upload {
    Empty,
    /// At hand as a whole.
    Whole(usize),
    /// In pieces, with its length told or not; broken ones fail after so many bytes.
    Streamed {
        len: usize,
        told: bool,
        breaks: Option<usize>,
    },
}

/// How the end of an answer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
    ChunkedWithTrailer,
    /// By the end of the connection.
    Close,
    /// The status says that there is no body.
    Bare,
}

/// What its user does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Whole,
    /// Drops the body after so many frames.
    Drop(usize),
    /// Drops the request after so many polls, if it has not ended.
    Polls(usize),
    /// Drops request or body after so many turns of its own task.
    Turns(usize),
}

impl Plan {
    pub(crate) fn of(seed: u64, n: usize) -> Self {
        let mut rng = Rng::new(rng::seed(seed, n as u64, 0));
        let origin = match rng.below(100) {
            0..86 => rng.below(PLAIN),
            86..92 => PLAIN + rng.below(TLS),
            _ => PLAIN + TLS + rng.below(HTTP2),
        };
        let method =
            ["GET", "GET", "GET", "HEAD", "PUT", "PUT", "POST", "POST", "POST", "POST"][rng.below(10)];
        let upload = match method {
            "GET" | "HEAD" => Upload::Empty,
            _ => upload(&mut rng),
        };
        let (status, framing) = match rng.below(100) {
            0..50 => (200, Framing::Length),
            50..80 => (200, Framing::Chunked),
            80..88 => (200, Framing::ChunkedWithTrailer),
            88..92 => (404, Framing::Length),
            92..94 => (200, Framing::Close),
            94..97 => (204, Framing::Bare),
            _ => (304, Framing::Bare),
        };
        Self {
            n,
            token: token(seed, n),
            origin,
            method,
            key: method == "POST" && rng.often(500),
            expect: upload != Upload::Empty && rng.often(50),
            upload,
            status,
            framing,
            len: if framing == Framing::Bare { 0 } else { length(&mut rng) },
            interim: if rng.often(50) { 1 + rng.below(3) } else { 0 },
            reading: reading(&mut rng),
            seed,
        }
    }

    /// Whether it may be sent a second time although it may have been executed.
    pub(crate) fn repeatable(&self) -> bool {
        self.method != "POST" || self.key
    }

    pub(crate) fn request_body(&self) -> Vec<u8> {
        let len = match self.upload {
            Upload::Empty => 0,
            Upload::Whole(len) | Upload::Streamed { len, .. } => len,
        };
        contents(rng::seed(self.seed, self.n as u64, 1), len)
    }

    /// What the client gets of it.
    pub(crate) fn answer_body(&self) -> Vec<u8> {
        let len = if self.method == "HEAD" { 0 } else { self.len };
        contents(rng::seed(self.seed, self.n as u64, 2), len)
    }

    /// What chance one visit to an origin has.
    pub(crate) fn visit(&self, nth: usize) -> Rng {
        Rng::new(rng::seed(self.seed, self.n as u64, 3 + nth as u64))
    }

    /// The request that a token belongs to.
    pub(crate) fn by_token(seed: u64, text: &str, count: usize) -> Option<Self> {
        let n: usize = text.rsplit_once('-')?.1.parse().ok()?;
        (n < count && token(seed, n) == text).then(|| Self::of(seed, n))
    }
}

fn token(seed: u64, n: usize) -> String {
    format!("{:016x}-{n}", rng::seed(seed, n as u64, u64::MAX))
}

fn upload(rng: &mut Rng) -> Upload {
    let len = length(rng);
    match rng.below(100) {
        0..15 => Upload::Empty,
        15..60 => Upload::Whole(len),
        60..98 => Upload::Streamed { len, told: rng.often(500), breaks: None },
        _ => Upload::Streamed { len: len + 1, told: rng.often(500), breaks: Some(rng.below(len + 1)) },
    }
}

fn length(rng: &mut Rng) -> usize {
    let end = match rng.below(100) {
        0..10 => 1,
        10..75 => 200,
        75..96 => 8 * 1024,
        _ => 100 * 1024,
    };
    rng.below(end)
}

fn reading(rng: &mut Rng) -> Reading {
    match rng.below(100) {
        0..82 => Reading::Whole,
        82..88 => Reading::Drop(rng.below(4)),
        88..94 => Reading::Polls(1 + rng.below(8)),
        _ => Reading::Turns(rng.below(200)),
    }
}
