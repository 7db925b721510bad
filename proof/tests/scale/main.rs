//! Never twice, never mixed, at scale: many requests, each with a token of its own in every part of it and of
//! its answer, through one agent with few sockets, to origins that die in every way and at every place.
//!
//! Looked at when all is over: that each answer was its request's own, byte for byte; that no POST without an
//! `Idempotency-Key` was executed twice, and nothing else three times; that every error says truly whether its
//! request may have run; that each request ended, the agent's accounts agree with the users', and nothing is
//! left open.
//!
//! Faults that were planted in the library to see them caught, one by one: a POST without a key sent again, a
//! third attempt, every error called safe, a cancelled request's socket given back, a body left unread on a
//! socket given back, an answer too many left on one (each with nobody looking at the socket any more), an
//! HTTP/2 stream's reset taken for a refusal, a socket kept for ever, a failed request that is not counted.
//!
//! `scripts/scale` runs it with 200,000 requests. `KEEPALIVE_REQUESTS` and `KEEPALIVE_SEED` say how many and
//! which; what each request is and what happens to it follows from the seed, which of them meet on a socket is
//! up to the scheduler.

mod client;
mod judge;
mod ledger;
mod origin;
mod plan;
mod report;
mod rng;

use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keepalive::{Agent, Tls};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use self::judge::{Fate, judge};
use self::ledger::Ledger;
use self::origin::Origins;
use self::plan::Plan;

/// Requests under way at once: some for each socket, so that there is a queue.
const AT_ONCE: usize = 48;

/// A run that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(60);
const LIMIT_EACH: Duration = Duration::from_millis(5);

#[test]
fn never_twice_never_mixed() {
    let seed = from_environment("KEEPALIVE_SEED").unwrap_or_else(by_the_clock);
    let count = from_environment("KEEPALIVE_REQUESTS").unwrap_or(10_000);
    println!("{count} requests\nKEEPALIVE_SEED={seed}");
    let ledger = Arc::new(Ledger::new(seed, count));
    let origins = Arc::new(Origins::start(&ledger));
    let fates = Arc::new(Mutex::new(vec![Fate::Open; count]));
    let tls = Tls::builder().builtin_roots(false).add_root_pem(&origins.root).build().unwrap();
    let agent = Agent::builder().tls(tls).max_sockets(3).max_total_sockets(20).build().unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let limit = LIMIT + LIMIT_EACH * u32::try_from(count).unwrap();
    let ended = runtime.block_on(async {
        let work = tokio::spawn(work(agent.clone(), Arc::clone(&origins), seed, Arc::clone(&fates)));
        // On a worker, so that this thread can end what hangs.
        tokio::time::timeout(limit, work).await
    });
    let came_to_rest = ended.map(Result::unwrap).is_ok();
    let fates = fates.lock().unwrap().clone();
    report::print(&fates, &ledger, &agent);
    let wrong: Vec<_> = (ledger.seen().iter().zip(&fates).enumerate())
        .filter_map(|(n, (seen, fate))| {
            let plan = Plan::of(seed, n);
            judge(&plan, fate, *seen).err().map(|text| format!("{text}\n    {plan:?} {seen:?} {fate:?}"))
        })
        .chain(ledger.offences())
        .collect();
    let some: Vec<_> = wrong.iter().take(20).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} faults, seed {seed}:\n{}", wrong.len(), some.join("\n"));
    assert!(came_to_rest, "not at rest after {limit:?}, seed {seed}: {:#?}", agent.status());
    report::assert_accounts(&fates, |n| Plan::of(seed, n), &agent);
    report::assert_all_happened(&fates, &ledger);
    runtime.block_on(async {
        let left = async {
            agent.close().await;
            while origins.open() > 0 || runtime.metrics().num_alive_tasks() > 0 {
                tokio::task::yield_now().await;
            }
        };
        let left = tokio::time::timeout(LIMIT, left).await;
        let tasks = runtime.metrics().num_alive_tasks();
        assert!(left.is_ok(), "left open: {} connections and {tasks} tasks, {agent:?}", origins.open());
    });
    let totals = report::accounts(&agent);
    assert_eq!(totals.opened, totals.closed, "{totals:?}");
}

/// Makes all requests, so many at once, and looks at the accounts meanwhile.
async fn work(agent: Agent, origins: Arc<Origins>, seed: u64, fates: Arc<Mutex<Vec<Fate>>>) {
    let (next, count) = (Arc::new(AtomicUsize::new(0)), fates.lock().unwrap().len());
    let mut users = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (agent, origins) = (agent.clone(), Arc::clone(&origins));
        let (next, fates) = (Arc::clone(&next), Arc::clone(&fates));
        users.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return;
                }
                let plan = Plan::of(seed, n);
                let fate = client::run(&agent, &origins.bases[plan.origin], &plan).await;
                fates.lock().unwrap()[n] = fate;
                if n % 100 == 0 {
                    report::accounts(&agent);
                }
            }
        });
    }
    while let Some(user) = users.join_next().await {
        user.unwrap();
    }
    while !report::is_at_rest(&agent) {
        tokio::task::yield_now().await;
    }
}

fn from_environment<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn by_the_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_nanos()) ^ since.as_secs()
}
