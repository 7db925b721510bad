//! A seam for this project's own benches and fuzzers; no promise, not even between two commits.
//!
//! What is here wraps something `pub(crate)` and has functions of its own, so that nothing inside becomes
//! public for the sake of a bench.

mod machine;

pub use self::machine::{Crowd, Machine, Work};
