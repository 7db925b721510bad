//! Counts of instructions, allocations, bytes and wake-ups of keepalive's own code. They hardly depend on
//! the machine or its mood, so that a limit can be set and CI can fail.
//!
//! Not here: time, which is printed for people and judged by nobody, and other clients. The binary of
//! this package is the usual caller. Another one must make [`Counting`] its global allocator and hand its
//! arguments to [`assist`] first: servers and what valgrind runs are processes of the same program.

mod alloc;
mod bare;
mod baseline;
mod callgrind;
mod figure;
mod idle;
mod machine;
mod request;
mod server;

use std::error::Error;

use serde_json::{Map, Value, json};

pub use self::alloc::{Counting, Counts, counts};
pub use self::baseline::Baseline;
pub use self::figure::{Figure, Rule, Verdict};

/// All figures, in the order in which they are told.
///
/// # Errors
///
/// If a server or valgrind cannot be started, or does what it should not. `None` beside the figures:
/// nothing was skipped; else what, and how to enable it.
pub fn measure() -> Result<(Vec<Figure>, Option<String>), Box<dyn Error>> {
    let mut figures = Vec::new();
    let server = server::Server::start()?;
    let skipped = if callgrind::is_there() {
        let counted = callgrind::count(&[&server.url("/")])?;
        figures.extend(machine::instructions(&counted)?);
        figures.extend(request::instructions(&counted)?);
        None
    } else {
        Some("instructions are not counted; install valgrind".to_owned())
    };
    figures.extend(machine::allocations());
    figures.extend(request::allocations(&server)?);
    figures.extend(idle::figures(&server)?);
    figures.extend(machine::times());
    Ok((figures, skipped))
}

/// Plays the part that the arguments (without the program's name) name, if they do; then the program is
/// to end.
///
/// # Errors
///
/// What goes wrong in that part.
pub fn assist(arguments: &[String]) -> Result<bool, Box<dyn Error>> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [server::PART] => server::serve()?,
        [callgrind::PART, url] => {
            machine::count();
            request::count(url)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The figures for a report.
#[must_use]
pub fn to_json(figures: &[Figure]) -> Value {
    let figures: Map<_, _> =
        figures.iter().map(|figure| (figure.name.clone(), figure.value.into())).collect();
    json!({ "v": 1, "arch": std::env::consts::ARCH, "figures": figures })
}
