//! Inputs for the targets without a fuzzer: those of the corpus, changed at random as a seed says.
//!
//! It learns nothing from what a target does; `cargo fuzz` does.

/// Random numbers that a seed repeats (splitmix64).
#[derive(Debug)]
pub struct Rng(u64);

impl Rng {
    /// Neighbouring seeds begin differently.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).expect("31 bits") % end
    }

    /// One of them.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn choose<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// An input that comes of those in the corpus, as the seed says; of an empty one random bytes.
#[must_use]
pub fn input(corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    if corpus.is_empty() || rng.below(32) == 0 {
        return (0..rng.below(400)).map(|_| random(&mut rng)).collect();
    }
    let mut bytes = corpus[rng.below(corpus.len())].clone();
    for _ in 0..=rng.below(4) {
        change(&mut bytes, corpus, &mut rng);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], rng: &mut Rng) {
    let at = rng.below(bytes.len() + 1);
    let end = (at + rng.below(16)).min(bytes.len());
    match rng.below(8) {
        0 if at < bytes.len() => bytes[at] = random(rng),
        1 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
        2 => bytes.insert(at, random(rng)),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copied = bytes[at..end].to_vec();
            let to = rng.below(bytes.len() + 1);
            bytes.splice(to..to, copied);
        }
        5 => {
            let other = &corpus[rng.below(corpus.len())];
            let from = rng.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => {
            let word = rng.choose(WORDS).iter().copied();
            let over = if rng.below(2) == 0 { at..at } else { at..end };
            drop(bytes.splice(over, word));
        }
    }
}

/// Half of them bytes that mean something on the wire.
fn random(rng: &mut Rng) -> u8 {
    const SPECIAL: &[u8] = b"\r\n\0 \t:;,=\"0159afF+-x\x7f\x80\xff";
    if rng.below(2) == 0 { SPECIAL[rng.below(SPECIAL.len())] } else { rng.below(256).to_le_bytes()[0] }
}

/// What decides something in a response or a request.
const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\r\n ",
    b"HTTP/1.0 ",
    b"HTTP/1.1 ",
    b"HTTP/1.1 100 \r\n\r\n",
    b"HTTP/1.1 101 \r\n\r\n",
    b"HTTP/1.1 204 \r\n",
    b"HTTP/1.1 304 \r\n",
    b"\r\nContent-Length: 0",
    b"\r\nContent-Length: 5",
    b"\r\nContent-Length: 18446744073709551616",
    b"\r\nTransfer-Encoding: chunked",
    b"\r\nTransfer-Encoding: identity",
    b"\r\nTransfer-Encoding: gzip, chunked",
    b"\r\nConnection: close",
    b"\r\nConnection: keep-alive",
    b"\r\nConnection: upgrade",
    b"\r\nKeep-Alive: timeout=5, max=7",
    b"\r\nTrailer: x",
    b", ",
    b"+5",
    b"0x5",
    b" 5",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"0\r\nx: y\r\n\r\n",
    b";ext=\"a\"",
    b"timeout=",
    b"max=",
    b"\"",
    b"%0d%0a",
    b"http://a.example/",
    b"http://[::1]:80",
    b"user:pass@",
    b":65536",
    b"*",
    b"Host",
    b"Content-Length",
    b"Transfer-Encoding",
    b"Expect",
    b"100-continue",
    b"CONNECT",
    b"OPTIONS",
];
