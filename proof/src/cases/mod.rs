//! The conformance table: what a server sends, what a client makes of it, and the rule that says so.
//!
//! Not here: who sends and who reads (`proof/tests`). Called by those, and by whoever wants real responses as
//! seeds.
//!
//! A file is a list of cases; `#` begins a comment line, and blank lines mean nothing:
//!
//! ```text
//! [trailers-behind-a-chunked-body]           its name, once in the whole table
//! rule: RFC 9112 §7.1.2                      or `rule: decision: …` where it is ours; several: one a line
//! why: a sentence, if the name does not say it
//! ask: GET                                   the method; `GET one_shot` for a one-shot agent
//! ask-field: te: trailers                    fields of the request, any number
//! ask-body: hello                            its body
//! > HTTP/1.1 200 OK\r\n                      the server's bytes; line ends of the file mean nothing
//! > Transfer-Encoding: chunked\r\n\r\n
//! pause:                                     what follows is sent later, as a segment of its own
//! > 2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n
//! end: open                                  or `fin`, `reset`, after the last byte; default `open`
//! status: 200                                the head that the caller gets
//! version: 1.1                               only if it matters
//! field: x-name: value                       all values of a field, in their order
//! no-field: x-other                          a field that must not be there
//! body: ok                                   exactly; with an error: what came before it
//! trailer: x-sum: 7                          all that there are, in their order
//! error: protocol: part of its text          protocol, truncated, stale or io; without `status` it comes
//!                                            instead of the head
//! upgraded: bytes                            instead of `body`: the connection is handed out with these
//! next:                                      the next request on the same connection, from `ask` on
//! verdict: reused                            or `closed surplus_bytes`, by the name of a `CloseReason`;
//!                                            `or other_reason` where it depends on how the bytes came
//! ```
//!
//! Bytes are ASCII with `\r`, `\n`, `\t`, `\\`, `\{`, `\xHH`, and `{a*65536}` for a repetition. A line must not
//! end in a blank: write `\x20`.

mod bytes;
mod compare;
mod error;
mod load;
mod parse;
#[cfg(test)]
mod tests;

use http::{HeaderName, HeaderValue, Method, Version};
use keepalive::CloseReason;

pub use self::bytes::{escape, unescape};
pub use self::compare::{Difference, Seen};
pub use self::error::CaseError;
pub use self::load::{load, load_from};
pub use self::parse::parse;

/// One row of the table: exchanges on one connection, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Unique in the whole table.
    pub name: String,
    /// The file it stands in, and the line of its name.
    pub file: String,
    /// See `file`.
    pub line: usize,
    /// Sections of RFCs, or decisions of ours. Never empty.
    pub rules: Vec<String>,
    /// Why it is so, if the name does not say it.
    pub why: Option<String>,
    /// Never empty. Only the last one may fail.
    pub exchanges: Vec<Exchange>,
    /// What the server does after its last byte.
    pub end: End,
    /// What becomes of the connection after the last exchange.
    pub verdict: Verdict,
}

/// A request, the bytes that answer it, and what the caller is to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The request.
    pub ask: Ask,
    /// The server's bytes. Empty only if it answers nothing.
    pub segments: Vec<Vec<u8>>,
    /// What the caller is to see.
    pub expected: Expected,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The method.
    pub method: Method,
    /// Through an agent whose sockets serve once.
    pub one_shot: bool,
    /// Fields beside those that the client writes itself.
    pub fields: Vec<(HeaderName, HeaderValue)>,
    /// The request's body.
    pub body: Vec<u8>,
}

/// What the server does after its last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing.
    Open,
    /// It closes its sending half.
    Fin,
    /// It resets the connection.
    Reset,
}

/// What a caller is to see. What is `None` is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// The status; `None` if there is no response.
    pub status: Option<u16>,
    /// The version.
    pub version: Option<Version>,
    /// All values of these fields, in their order; no values: it must not be there.
    pub fields: Vec<(HeaderName, Vec<HeaderValue>)>,
    /// The body. With an error: what of it came before.
    pub body: Option<Vec<u8>>,
    /// All trailers, in their order.
    pub trailers: Vec<(HeaderName, HeaderValue)>,
    /// The bytes behind the head of a connection that is handed out.
    pub upgraded: Option<Vec<u8>>,
    /// The kind of the error, and a piece of its text.
    pub error: Option<(Kind, String)>,
}

/// What kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The bytes are no valid response.
    Protocol,
    /// They were fine as far as they came.
    Truncated,
    /// The connection had served before, and brought nothing this time.
    Stale,
    /// Reading or writing failed.
    Io,
}

/// What becomes of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The next request goes over it.
    Reused,
    /// It is closed for the first of these reasons if the bytes came in one piece, else for any of them.
    Closed(Vec<CloseReason>),
}

impl Case {
    /// `file:line name`, for messages.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{} [{}]", self.file, self.line, self.name)
    }

    /// All bytes that the server sends, exchange by exchange.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.exchanges.iter().flat_map(|exchange| exchange.segments.concat()).collect()
    }
}

impl Default for Ask {
    fn default() -> Self {
        Self { method: Method::GET, one_shot: false, fields: Vec::new(), body: Vec::new() }
    }
}

impl Kind {
    /// As the table writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::Truncated => "truncated",
            Self::Stale => "stale",
            Self::Io => "io",
        }
    }
}
