//! A fuzzer's bytes, taken apart from the front. What is missing at their end is zero or empty, so that
//! every input means something.

/// What is left of the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// A number below `end`, which is 1 to 256.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// At most so many bytes.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A text behind a byte that says how long it is.
    pub(crate) fn text(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte());
        self.take(length)
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// Cuts the bytes into pieces of 1 to 16 bytes, which `seed` chooses.
pub(crate) fn cut(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut rng = crate::mutate::Rng::new(u64::from(seed));
    // Small pieces find what is wrong between bytes, larger ones what is wrong between lines.
    let most = [2, 4, 16][rng.below(3)];
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at((1 + rng.below(most)).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
