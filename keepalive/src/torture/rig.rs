//! One run of a workload: it is driven to its end, and looked at all the time.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use testkit::{Case, PlainOrigin};
use tokio::task::JoinSet;

use super::fault::{Dropped, Misfortune, Op};
use super::plan::{InForce, Plan};
use super::request::Kind;
use super::workloads::Workload;
use super::{accounts, verdict};
use crate::{Agent, Error, Totals};

/// What a run was.
pub(super) struct Run {
    /// How many operations of each kind there were.
    pub(super) counts: [usize; Op::ALL.len()],
    /// One fault, and nothing else.
    pub(super) is_alone: bool,
    /// The faults met their operations.
    pub(super) fired: bool,
    pub(super) outcomes: Vec<Outcome>,
}

/// What became of a request.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) kind: Kind,
    pub(super) nth: usize,
    /// `None` if it was dropped.
    pub(super) end: Option<Result<Option<String>, Error>>,
}

/// # Panics
///
/// If anything is not as it must be.
pub(super) fn run(workload: &Workload, misfortune: &Misfortune) -> Run {
    let mut done = None;
    testkit::run_paused(async |case: &Case| done = Some(run_in(case, workload, misfortune).await));
    done.expect("a case that did not panic ran to its end")
}

async fn run_in(case: &Case, workload: &Workload, misfortune: &Misfortune) -> Run {
    let plan = Plan::new(&misfortune.faults, workload.caps, workload.stale);
    let in_force = InForce::new(&plan);
    let origin = case.plain(workload.origin());
    let scheme = if workload.tls { "https" } else { "http" };
    let base = format!("{scheme}://localhost:{}", origin.port());
    let agent = workload.agent();
    let witness = agent.clone();
    plan.watch(move || accounts::check(&witness.status()));
    let rig = Rig { agent, plan };

    let outcomes = rig.perform(workload, misfortune.dropped, &base).await;
    let totals = rig.rest().await;
    let mut counts = Op::ALL.map(|op| rig.plan.count(op));
    verdict::requests(workload, misfortune, &outcomes, &origin.requests());
    verdict::totals(&outcomes, &totals);
    rig.serves(&base).await;
    rig.is_quiet().await;

    let Rig { agent, plan } = rig;
    drop((in_force, agent));
    forsaken(&plan, &origin).await;
    counts[Op::Shutdown as usize] = plan.count(Op::Shutdown);
    if let Some(complaint) = plan.complaint() {
        panic!("in the middle of an operation {complaint}");
    }
    let is_alone = misfortune.faults.len() == 1 && misfortune.dropped.is_none();
    Run { counts, is_alone, fired: plan.has_fired(), outcomes }
}

struct Rig {
    agent: Agent,
    plan: Arc<Plan>,
}

impl Rig {
    /// Makes all requests and waits for their ends.
    async fn perform(&self, workload: &Workload, dropped: Option<Dropped>, base: &str) -> Vec<Outcome> {
        let outcomes = Arc::<Mutex<Vec<Outcome>>>::default();
        let mut nth = 0;
        for wave in workload.waves {
            let mut requests = JoinSet::new();
            for &kind in *wave {
                let request = kind.send(self.agent.clone(), base.to_owned(), nth);
                let polls = dropped.filter(|dropped| dropped.nth == nth).map(|dropped| dropped.polls);
                let outcomes = Arc::clone(&outcomes);
                requests.spawn(async move {
                    let end = within(polls, request).await;
                    outcomes.lock().unwrap().push(Outcome { kind, nth, end });
                });
                nth += 1;
            }
            while !requests.is_empty() {
                tokio::select! {
                    biased;
                    ended = requests.join_next() => ended.into_iter().for_each(|it| it.expect("no panic")),
                    () = self.stall() => {}
                }
            }
        }
        std::mem::take(&mut *outcomes.lock().unwrap())
    }

    /// Waits until something stalls, and lets time pass then.
    async fn stall(&self) {
        while self.plan.stalled() == 0 {
            self.plan.stalls().await;
        }
        self.turn().await;
    }

    /// Lets all get on that can; time, if nothing can but what waits for it.
    async fn turn(&self) {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let busy = busy(&self.look());
        if self.plan.stalled() > 0 && busy <= self.plan.stalled() {
            tokio::time::advance(STEP).await;
        }
    }

    fn look(&self) -> Totals {
        let status = self.agent.status();
        if let Err(unhappy) = accounts::check(&status) {
            panic!("{unhappy}");
        }
        status.totals
    }

    /// The fault is over, and nothing is under way any more.
    async fn rest(&self) -> Totals {
        self.plan.heal();
        for _ in 0..PATIENCE {
            let totals = self.look();
            if busy(&totals) + totals.waiting + totals.streams == 0 && totals.running == 0 {
                assert_eq!(totals.idle, self.plan.wires(), "each socket is counted: {totals:#?}");
                return totals;
            }
            self.turn().await;
            // What is left ends by a limit, as the rest of a body that is read off does.
            tokio::time::advance(STEP).await;
        }
        panic!("it does not come to rest: {:#?}", self.agent.status());
    }

    /// One more request is as good as any.
    async fn serves(&self, base: &str) {
        let before = self.look();
        let mut request = JoinSet::new();
        request.spawn(Kind::Get.send(self.agent.clone(), base.to_owned(), FRESH));
        let answer = request.join_next().await.expect("it was begun").expect("no panic");
        assert_eq!(answer.expect("a fresh request").as_ref(), Some(&Kind::Get.answer(FRESH)));
        let after = self.rest().await;
        assert_eq!((after.requests, after.done), (before.requests + 1, before.done + 1));
    }

    /// Whoever rests asks nobody whether it is there.
    async fn is_quiet(&self) {
        let written = self.plan.count(Op::Write);
        for _ in 0..QUIET {
            tokio::time::advance(4 * STEP).await;
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(self.plan.count(Op::Write), written, "it writes at rest: {:#?}", self.agent.status());
    }
}

/// The agent is gone, and so must be all that it had.
async fn forsaken(plan: &Plan, origin: &PlainOrigin) {
    for _ in 0..PATIENCE {
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        if plan.wires() + tasks == 0 {
            return;
        }
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(STEP).await;
    }
    panic!("{} sockets were left behind, or tasks were: {:#?}", plan.wires(), origin.stats());
}

/// The future's output, or `None` if it is not there after so many polls; it is dropped then.
async fn within<F: Future>(polls: Option<usize>, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls.unwrap_or(usize::MAX);
    let output = poll_fn(|cx| {
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Pending if left == 0 => Poll::Ready(None),
            polled => polled.map(Some),
        }
    })
    .await;
    drop(future);
    output
}

fn busy(totals: &Totals) -> usize {
    totals.active + totals.connecting + totals.draining + totals.closing
}

/// How often tasks and sockets have their turn between two looks: enough for an answer to come.
const TURNS: usize = 16;
/// How far the clock moves at once: far below every limit.
const STEP: Duration = Duration::from_millis(250);
/// So many seconds are more than all limits together.
const PATIENCE: usize = 400;
/// So many seconds are more than a `ping_interval`, and less than `free_socket_timeout`.
const QUIET: usize = 6;
/// A number that no request of a workload has.
const FRESH: usize = 1000;
