//! Which of the fields that mean something to the codec a head has.
//!
//! A head has few fields, and seldom more than one of these. One look at each name costs less than the
//! hashes of all the names that would be asked for.

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Present(u8);

/// The fields of a request, with that look taken once for all who ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(super) map: &'a HeaderMap,
    pub(super) present: Present,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(map: &'a HeaderMap) -> Self {
        Self { map, present: Present::of(map) }
    }
}

impl Present {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        headers.keys().map(Self::of_name).fold(Self::NONE, Self::and)
    }

    /// What one field of that name makes present.
    pub(super) fn of_name(name: &HeaderName) -> Self {
        Self(match *name {
            CONNECTION => Self::CONNECTION,
            CONTENT_LENGTH => Self::CONTENT_LENGTH,
            EXPECT => Self::EXPECT,
            HOST => Self::HOST,
            TRANSFER_ENCODING => Self::TRANSFER_ENCODING,
            _ if name.as_str() == KEEP_ALIVE => Self::KEEP_ALIVE,
            _ => 0,
        })
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn connection(self) -> bool {
        self.0 & Self::CONNECTION != 0
    }

    pub(super) fn content_length(self) -> bool {
        self.0 & Self::CONTENT_LENGTH != 0
    }

    pub(super) fn expect(self) -> bool {
        self.0 & Self::EXPECT != 0
    }

    pub(super) fn host(self) -> bool {
        self.0 & Self::HOST != 0
    }

    pub(super) fn keep_alive(self) -> bool {
        self.0 & Self::KEEP_ALIVE != 0
    }

    pub(super) fn transfer_encoding(self) -> bool {
        self.0 & Self::TRANSFER_ENCODING != 0
    }

    pub(super) const NONE: Self = Self(0);

    const CONNECTION: u8 = 1;
    const CONTENT_LENGTH: u8 = 1 << 1;
    const EXPECT: u8 = 1 << 2;
    const HOST: u8 = 1 << 3;
    const KEEP_ALIVE: u8 = 1 << 4;
    const TRANSFER_ENCODING: u8 = 1 << 5;
}

/// A field that `http` has no constant for.
pub(super) const KEEP_ALIVE: &str = "keep-alive";
