//! What the origins saw of each request, counted before anything of an answer is written.
//!
//! Called by the connections of the origins; read by the judge when all is over.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the origins saw of one request, all its visits together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its head was read.
    pub(crate) heads: usize,
    /// It was read to its end: that is when an origin executes it.
    pub(crate) whole: usize,
    /// It was answered before its body was read.
    pub(crate) early: usize,
    /// HTTP/2: the origin said that it did not look at it.
    pub(crate) refused: usize,
}

/// What all origins saw.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) seed: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    seen: Vec<Seen>,
    /// How often an origin did what.
    deeds: BTreeMap<&'static str, usize>,
    /// What no client of ours may send.
    offences: Vec<String>,
}

impl Ledger {
    pub(crate) fn new(seed: u64, requests: usize) -> Self {
        let seen = vec![Seen::default(); requests];
        Self { seed, inner: Mutex::new(Inner { seen, deeds: BTreeMap::new(), offences: Vec::new() }) }
    }

    pub(crate) fn requests(&self) -> usize {
        self.lock().seen.len()
    }

    /// Counts something of a request; returns what was seen of it before.
    pub(crate) fn saw(&self, n: usize, count: impl FnOnce(&mut Seen)) -> Seen {
        let mut inner = self.lock();
        let before = inner.seen[n];
        count(&mut inner.seen[n]);
        before
    }

    pub(crate) fn did(&self, deed: &'static str) {
        *self.lock().deeds.entry(deed).or_default() += 1;
    }

    pub(crate) fn offence(&self, text: String) {
        self.lock().offences.push(text);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }

    pub(crate) fn deeds(&self) -> BTreeMap<&'static str, usize> {
        self.lock().deeds.clone()
    }

    pub(crate) fn offences(&self) -> Vec<String> {
        self.lock().offences.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
