//! The pool.

mod state;
