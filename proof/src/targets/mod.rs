//! What a fuzzer runs: functions of any bytes that panic if a promise is broken.
//!
//! `fuzz/` has a program for each; `tests/fuzz.rs` runs each over its corpus and some thousand inputs that
//! come of it. A target's first bytes say what is done with the others.

mod chunked;
mod differential;
mod keep_alive;
mod machine;
mod request;
mod response;

pub use self::chunked::chunked;
pub use self::differential::differential;
pub use self::keep_alive::keep_alive;
pub use self::machine::machine;
pub use self::request::request;
pub use self::response::response;

/// Runs one input.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const ALL: [(&str, Target); 6] = [
    ("chunked", chunked),
    ("differential", differential),
    ("keep_alive", keep_alive),
    ("machine", machine),
    ("request", request),
    ("response", response),
];
