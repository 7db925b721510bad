//! What the server has seen, for the rows that count sockets.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Stats {
    /// Connections since the last reset, the one that asks included.
    pub(crate) accepted: u64,
    /// Of those over TLS, how many finished a handshake.
    pub(crate) handshakes: u64,
    pub(crate) open: u64,
    pub(crate) most_open: u64,
    pub(crate) requests: u64,
}

impl Stats {
    pub(super) fn opened(&mut self) {
        self.accepted += 1;
        self.open += 1;
        self.most_open = self.most_open.max(self.open);
    }

    pub(super) fn reset(&mut self) {
        let open = self.open;
        *self = Self { open, most_open: open, ..Self::default() };
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers alone")
    }
}
