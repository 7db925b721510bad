//! An origin's hash, computed once when it is made, and the hasher of the maps that take it as it is.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

/// For a map by [`Origin`](super::Origin): the origin's own hash is good, and nobody can foresee it.
#[derive(Debug, Default, Clone)]
pub(crate) struct ByOrigin;

impl BuildHasher for ByOrigin {
    type Hasher = Carried;

    fn build_hasher(&self) -> Carried {
        Carried(0)
    }
}

/// Hands on the one number that an origin hashes as.
#[derive(Debug)]
pub(crate) struct Carried(u64);

impl Hasher for Carried {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("an origin hashes as one number")
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(super) fn of(key: &impl Hash) -> u64 {
    /// Random: whoever chooses the URLs must not be able to choose hashes.
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEYS.hash_one(key)
}
