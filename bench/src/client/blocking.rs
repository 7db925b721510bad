//! Drives a client that blocks: a thread for each task.

use std::thread;

use super::Failure;
use super::driver::watch;
use super::meter::Meter;
use crate::job::{Job, Outcome};

/// What one thread has of a client.
pub(super) trait BlockingClient: Clone + Send + 'static {
    /// One request, and its response to the last byte; gives the bytes of the body.
    fn exchange(&mut self) -> Result<u64, Failure>;
}

pub(super) fn drive(job: &Job, client: &impl BlockingClient) -> Result<Outcome, Failure> {
    let meter = Meter::new(job);
    let once = job.requests.is_some();
    watch(job, &meter, || {
        let start = |_| {
            let (meter, counter, mut client) = (meter.clone(), meter.counter(), client.clone());
            thread::spawn(move || {
                loop {
                    let asked = meter.start(&counter);
                    let result = client.exchange();
                    if !meter.note(&counter, asked, result) || once {
                        return Ok(());
                    }
                }
            })
        };
        (0..job.requests.unwrap_or(job.tasks)).map(start).collect()
    })
}
