//! The pool's state machine, its events chosen by the bytes: after each of them the model's promises hold, the
//! accounts balance, and at the end nobody starved and nothing is left.
//!
//! The promises are those of the model test (`pool/state/model`), which chooses events at random.

/// The first byte chooses between sockets that carry one request and sockets that carry many.
///
/// # Panics
///
/// A promise is broken.
pub fn machine(data: &[u8]) {
    // A life of so many bytes has some hundred events, and each is compared with everything there is.
    keepalive::unstable::live(&data[..data.len().min(MOST)]);
}

const MOST: usize = 1024;
