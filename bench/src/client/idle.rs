//! Weighs sockets that rest: as many requests as there are to be sockets, all at once, wait for each other at
//! the server's gate, so that each has a socket of its own. Then their sockets are idle.

use std::time::{Duration, Instant};
use std::{fs, io, thread};

use http::Uri;
use http::uri::PathAndQuery;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Failure;
use super::driver::Client;
use crate::heap;
use crate::job::{Idle, Job, Outcome};

/// What `job` asks of a client that is to have `count` idle sockets.
pub(super) fn job(job: &Job, count: usize) -> Result<Job, Failure> {
    let mut parts = job.url.parse::<Uri>()?.into_parts();
    parts.path_and_query = Some(format!("/gate/{count}").parse::<PathAndQuery>()?);
    let url = Uri::from_parts(parts)?.to_string();
    Ok(Job { url, tasks: count, sockets: count, requests: None, http2: false, upload: 0, ..job.clone() })
}

/// What `count` sockets of a client hold, whose pool `make` keeps.
pub(super) fn weigh<C: Client>(
    count: usize,
    make: &impl AsyncFn() -> Result<C, Failure>,
) -> Result<Outcome, Failure> {
    // Threads that have looked up names are to be gone when wake-ups are counted.
    let runtime = Builder::new_current_thread().enable_all().thread_keep_alive(SETTLE / 4).build()?;
    runtime.block_on(async {
        let (begun, live) = (Instant::now(), heap::live());
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let mut client = make().await?;
            tasks.spawn(async move { client.exchange().await });
        }
        let mut body_bytes = 0;
        while let Some(result) = tasks.join_next().await {
            body_bytes += result??;
        }
        drop(tasks);
        sleep(SETTLE).await;
        let heap_per_socket = (heap::live() - live) as f64 / count as f64;
        Ok(Outcome {
            requests: count as u64,
            body_bytes,
            errors: 0,
            wall_s: begun.elapsed().as_secs_f64(),
            cpu_s: super::meter::cpu_time().as_secs_f64(),
            latency_us: None,
            turns: None,
            allocs_per_req: None,
            idle: Some(Idle { heap_per_socket, wakeups: wakeups().await?, sockets: count as u64 }),
        })
    })
}

/// How often the process is woken in [`WATCHED`]; the thread that counts is not counted.
async fn wakeups() -> Result<u64, Failure> {
    let (report, reported) = oneshot::channel();
    thread::spawn(move || {
        // Until the runtime has gone to sleep, for it waits for this.
        thread::sleep(SETTLE);
        let count = switches_of_others().and_then(|before| {
            thread::sleep(WATCHED);
            Ok(switches_of_others()? - before)
        });
        report.send(count)
    });
    Ok(reported.await??)
}

/// How often threads of this process have gone to sleep, all but this one.
fn switches_of_others() -> io::Result<u64> {
    let own = rustix::thread::gettid().as_raw_nonzero().to_string();
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let thread = thread?;
        if thread.file_name() == *own {
            continue;
        }
        let status = fs::read_to_string(thread.path().join("status"))?;
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sum += count.and_then(|count| count.trim().parse::<u64>().ok()).ok_or(io::ErrorKind::InvalidData)?;
    }
    Ok(sum)
}

/// Until what follows the last response is done.
const SETTLE: Duration = Duration::from_millis(500);

const WATCHED: Duration = Duration::from_secs(2);
