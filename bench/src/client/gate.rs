//! What users put before a client that has no limit of open sockets when they want one: a semaphore, held
//! from before the request until its response has been read. It stands there only where more requests are
//! under way than there are to be sockets.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::Failure;
use crate::job::Job;

/// First in, first out.
#[derive(Clone)]
pub(super) struct Gate(Option<Arc<Semaphore>>);

impl Gate {
    pub(super) fn of(job: &Job) -> Self {
        Self(is_wanted(job).then(|| Arc::new(Semaphore::new(job.sockets))))
    }

    pub(super) async fn enter(&self) -> Result<Option<SemaphorePermit<'_>>, Failure> {
        match &self.0 {
            Some(semaphore) => Ok(Some(semaphore.acquire().await?)),
            None => Ok(None),
        }
    }
}

/// The same for threads; which of them is next is the system's choice.
#[derive(Clone)]
pub(super) struct BlockingGate(Option<Arc<(Mutex<usize>, Condvar)>>);

impl BlockingGate {
    pub(super) fn of(job: &Job) -> Self {
        Self(is_wanted(job).then(|| Arc::new((Mutex::new(job.sockets), Condvar::new()))))
    }

    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let Some(gate) = &self.0 else { return work() };
        let (free, freed) = &**gate;
        let lock = || free.lock().unwrap_or_else(PoisonError::into_inner);
        *freed.wait_while(lock(), |free| *free == 0).unwrap_or_else(PoisonError::into_inner) -= 1;
        let result = work();
        *lock() += 1;
        freed.notify_one();
        result
    }
}

/// A cold start is to show what a client opens by itself, and a stream of HTTP/2 is no socket.
fn is_wanted(job: &Job) -> bool {
    job.tasks > job.sockets && job.requests.is_none() && !job.http2
}
