//! What is printed, one file for each report, and the two places it goes to.
//!
//! Reports take plain values and give text; nothing here decides anything.

pub(crate) mod demo_json;
pub(crate) mod demo_table;
pub(crate) mod demo_text;
pub(crate) mod fetch_line;
pub(crate) mod lines;
pub(crate) mod progress;
pub(crate) mod summary;
pub(crate) mod times;

use std::error::Error;
use std::io::{self, Write as _};

use crate::exit::Fault;

/// Writes data to standard output.
pub(crate) fn print(text: &str) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Fault::stdout(&error))
}

/// Writes a message to standard error, as a line that begins with the program's name.
pub(crate) fn complain(text: &str) {
    note(&format!("keepalive: {text}"));
}

/// Writes a message to standard error. If that is gone, nobody is there to be told.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// An error and all its sources as one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text.replace(|c: char| c.is_control(), " ")
}

/// `part` of `whole`, in percent; of nothing it is 0.
pub(crate) fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// A share as text. It says 0 or 100 only where that is the exact value.
pub(crate) fn percent_text(part: usize, whole: usize) -> String {
    let share = percent(part, whole);
    if part == 0 || part == whole {
        format!("{share:.0}%")
    } else {
        format!("{:.1}%", share.clamp(0.1, 99.9))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Self>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|layer| layer as _)
        }
    }

    #[test]
    fn a_chain_is_one_line() {
        let error = Layer("top", Some(Box::new(Layer("mid\r\ndle", Some(Box::new(Layer("end", None)))))));
        assert_eq!(chain(&error), "top: mid  dle: end");
    }

    #[test]
    fn a_share_is_not_rounded_to_all_or_nothing() {
        let texts = [(0, 0), (0, 9), (1, 100_000), (1, 3), (99_999, 100_000), (9, 9)]
            .map(|(part, whole)| percent_text(part, whole));
        assert_eq!(texts, ["0%", "0%", "0.1%", "33.3%", "99.9%", "100%"]);
    }
}
