//! An error where tokio panics: on a runtime that lacks I/O or time, or that is being shut down.
//!
//! tokio has no question for that; it panics in whoever makes or polls a socket or a sleep there. Called
//! around those few places. The panic hook still prints the panic, and a program that aborts on panics
//! does so.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The work's outcome, or what the panic said. What the work borrowed must not be used again after that,
/// only dropped.
pub(crate) fn or_lacking<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| said(&*panic))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::or_lacking;

    #[test]
    fn a_panic_is_told_in_its_own_words() {
        assert_eq!(or_lacking(|| 1), Ok(1));
        assert_eq!(or_lacking(|| panic!("no timer")), Err::<(), _>("no timer".to_owned()));
        assert_eq!(or_lacking(|| panic!("no {}", "timer")), Err::<(), _>("no timer".to_owned()));
        assert_eq!(or_lacking(|| std::panic::panic_any(1)), Err::<(), _>("it panicked".to_owned()));
    }
}
