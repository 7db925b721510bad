//! The counts of a plain origin, and its requests where it was told to keep them.
//!
//! Plain values, without locks. Filled by the plain origin; tests and the demo see [`Stats`].

#[cfg(feature = "http2")]
use std::collections::HashMap;
use std::collections::HashSet;
use std::net::SocketAddr;

use crate::record::End;
use crate::request::Request;
use crate::server::Ledger;

/// The counts of a plain origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections accepted.
    pub accepted: usize,
    /// Connections open now.
    pub open: usize,
    /// The largest number of connections open at once, counted as in [`Record::peak_open`](crate::Record).
    pub peak_open: usize,
    /// Requests read as a whole, answered or not.
    pub requests: usize,
    /// HTTP/2 streams open now.
    pub streams: usize,
    /// The largest number of them open at once on one connection.
    pub peak_streams: usize,
}

/// What a plain origin keeps.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) stats: Stats,
    pub(crate) requests: Vec<Request>,
    open: HashSet<usize>,
    /// Open streams by connection.
    #[cfg(feature = "http2")]
    streams: HashMap<usize, usize>,
}

#[cfg(feature = "http2")]
impl Tally {
    pub(crate) fn begin_stream(&mut self, connection: usize) {
        let streams = self.streams.entry(connection).or_default();
        *streams += 1;
        self.stats.streams += 1;
        self.stats.peak_streams = self.stats.peak_streams.max(*streams);
    }

    pub(crate) fn end_stream(&mut self, connection: usize) {
        self.streams.entry(connection).and_modify(|streams| *streams -= 1);
        self.stats.streams -= 1;
    }
}

impl Ledger for Tally {
    fn admit(&mut self, _peer: Option<SocketAddr>) -> usize {
        let order = self.stats.accepted;
        self.open.insert(order);
        self.stats.accepted += 1;
        self.stats.open = self.open.len();
        self.stats.peak_open = self.stats.peak_open.max(self.stats.open);
        order
    }

    fn end(&mut self, order: usize, _end: End) {
        self.open.remove(&order);
        self.stats.open = self.open.len();
    }

    #[cfg(feature = "case")]
    fn open(&self) -> usize {
        self.stats.open
    }
}
