//! Random numbers that a seed repeats (xorshift64*), or that somebody wrote down as bytes.

pub(super) struct Rng {
    state: u64,
    /// Goes first, while it lasts.
    script: std::vec::IntoIter<u8>,
}

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        // Neighbouring seeds must not begin alike, and zero would stay zero.
        let state = (seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1;
        Self { state, script: Vec::new().into_iter() }
    }

    /// What the bytes say, and behind their end what a seed would: that nobody starves holds where things
    /// end well now and then, not where somebody says that they never do.
    #[cfg(feature = "unstable")]
    pub(super) fn scripted(script: &[u8]) -> Self {
        Self { script: Vec::from(script).into_iter(), ..Self::new(script.len() as u64) }
    }

    /// Whether there are bytes left.
    #[cfg(feature = "unstable")]
    pub(super) fn is_scripted(&self) -> bool {
        self.script.len() > 0
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        if let Some(low) = self.script.next() {
            let high = if end > 256 { self.script.next().unwrap_or_default() } else { 0 };
            return usize::from(u16::from_le_bytes([low, high])) % end;
        }
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let high = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).expect("31 bits") % end
    }

    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// Takes one out, whichever; `None` if there is none.
    pub(super) fn take<T>(&mut self, from: &mut Vec<T>) -> Option<T> {
        if from.is_empty() { None } else { Some(from.swap_remove(self.below(from.len()))) }
    }
}
