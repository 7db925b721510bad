//! Drives a client whose futures stay on their thread: each thread has a client of its own, with its share of
//! the tasks and of the sockets.

use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};

use super::Failure;
use super::driver::watch;
use super::meter::Meter;
use crate::job::{Job, Outcome};

/// A thread's pool.
pub(super) trait LocalClient: Sized + 'static {
    /// `sockets`: how many this thread may have.
    fn new(job: &Job, sockets: usize) -> Result<Self, Failure>;

    /// One request, and its response to the last byte; gives the bytes of the body.
    async fn exchange(&self) -> Result<u64, Failure>;
}

pub(super) fn drive<C: LocalClient>(job: &Job) -> Result<Outcome, Failure> {
    let meter = Meter::new(job);
    watch(job, &meter, || {
        let start = |index| {
            let (job, meter) = (job.clone(), meter.clone());
            let share = |whole| whole / job.threads + usize::from(index < whole % job.threads);
            let (tasks, sockets) = (share(job.requests.unwrap_or(job.tasks)), share(job.sockets));
            thread::spawn(move || work::<C>(&job, &meter, tasks, sockets))
        };
        (0..job.threads).map(start).collect()
    })
}

fn work<C: LocalClient>(job: &Job, meter: &Arc<Meter>, tasks: usize, sockets: usize) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(LocalSet::new().run_until(async {
        let client = Rc::new(C::new(job, sockets)?);
        let once = job.requests.is_some();
        let mut running = JoinSet::new();
        for _ in 0..tasks {
            let (client, meter, counter) = (Rc::clone(&client), meter.clone(), meter.counter());
            running.spawn_local(async move {
                loop {
                    let asked = meter.start(&counter);
                    let result = client.exchange().await;
                    if !meter.note(&counter, asked, result) || once {
                        return;
                    }
                }
            });
        }
        while running.join_next().await.transpose()?.is_some() {}
        Ok(())
    }))
}
