//! The evidence that `keepalive` reads and writes HTTP/1.1 as it says, kept apart from the library because it
//! needs other clients and parsers beside it.
//!
//! - [`cases`]: the conformance table (`proof/cases/*.txt`) as values.
//! - [`targets`]: what any bytes must not break, with [`mutate`] for those who have no fuzzer.
//!
//! Not here: what one rule of the codec says (`keepalive/src/h1/codec/tests`) and what a promise of the pool is
//! (`keepalive/tests/it`).

pub mod cases;
pub mod mutate;
pub mod targets;

mod input;
mod reading;
mod reference;
