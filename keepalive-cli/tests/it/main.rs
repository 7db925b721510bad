//! Integration tests: the real binary against origins of the testkit, and against nginx.

mod bodies;
mod broken_pipe;
mod concurrency;
mod demo;
mod failures;
mod http2;
mod input;
mod limits;
mod lines;
#[cfg(unix)]
mod nginx;
mod program;
mod progress;
mod requests;
#[cfg(unix)]
mod signals;
mod summary;
mod tls;
mod usage;
