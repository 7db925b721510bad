//! Chance that can be repeated: SplitMix64. Not for secrets.

/// A sequence of numbers that its seed decides.
#[derive(Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// From 0 to `end`, which is left out.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).expect("below a usize")
    }

    /// True so many times of 1000.
    pub(crate) fn often(&mut self, per_mille: usize) -> bool {
        self.below(1000) < per_mille
    }
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Any two inputs that differ give outputs that look unrelated.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A seed of its own for each use of a pair.
pub(crate) fn seed(seed: u64, n: u64, uses: u64) -> u64 {
    mix(mix(seed ^ mix(n.wrapping_add(STEP))) ^ uses.wrapping_mul(STEP))
}

/// The contents of a body: what its seed says, at each place.
pub(crate) fn contents(seed: u64, len: usize) -> Vec<u8> {
    let words = (0..len.div_ceil(8) as u64).map(|word| mix(seed ^ word.wrapping_mul(STEP)));
    let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    bytes.truncate(len);
    bytes
}
