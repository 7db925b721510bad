//! What is wrong with a file of cases, and where.

use std::fmt;

/// A file of cases cannot be read as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseError {
    file: String,
    line: usize,
    text: String,
}

impl CaseError {
    pub(super) fn new(file: &str, line: usize, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

impl std::error::Error for CaseError {}
