//! What an agent does while nobody uses it: nothing but what is due.

use std::time::Duration;

use keepalive::Agent;
use testkit::{Case, PlainOrigin, run};
use tokio::runtime::Handle;
use tokio::time::{Instant, pause, resume, sleep, sleep_until};

use crate::kit::{accounts, at_rest, eventually, fetch, text};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// At most so often tokio wakes up for one long sleep: its timers stand in a wheel of six levels and come
/// down them one by one.
const ONE_SLEEP: u64 = 12;

/// How often the runtime woke up while so much time passed. The clock is paused and jumps from one timer to
/// the next.
async fn wake_ups(time: Duration) -> u64 {
    let parked = || Handle::current().metrics().worker_park_count(0);
    let before = parked();
    sleep(time).await;
    parked() - before
}

/// Two requests on one socket: the second is offered the socket of the first, which sets a deadline.
async fn hand_over(agent: &Agent, url: &str) {
    let (one, two) = tokio::join!(fetch(agent, url.to_owned()), fetch(agent, url.to_owned()));
    assert_eq!((one.unwrap(), two.unwrap()), ("hello".to_owned(), "hello".to_owned()));
}

#[test]
fn the_measure_sees_whoever_wakes_up() {
    run(async |_: &Case| {
        pause();
        let ticks = async {
            loop {
                sleep(Duration::from_secs(60)).await;
            }
        };
        tokio::select! {
            count = wake_ups(HOUR) => assert!(count >= 59, "woke up {count} times"),
            () = ticks => {}
        }
    });
}

#[test]
fn with_idle_sockets_and_no_deadline_it_never_wakes_up() {
    run(async |case: &Case| {
        let origins = [0; 3].map(|_| case.plain(PlainOrigin::builder()));
        let agent = Agent::builder().max_sockets(1).free_socket_timeout(None).build().unwrap();
        for origin in &origins {
            hand_over(&agent, &origin.url("/")).await;
        }
        assert_eq!(at_rest(&agent).await.idle, 3);
        pause();
        // A deadline that was set and went away, as that of an offer, may cost one.
        wake_ups(HOUR).await;
        let count = wake_ups(24 * HOUR).await;
        // They are those of the test's own sleep.
        assert!(count <= ONE_SLEEP, "woke up {count} times");
        assert_eq!(accounts(&agent).idle, 3);
    });
}

#[test]
fn it_wakes_up_for_each_deadline_at_its_time_and_for_nothing_else() {
    run(async |case: &Case| {
        let origins = [0; 2].map(|_| case.plain(PlainOrigin::builder()));
        let limit = Duration::from_secs(15);
        let agent = Agent::builder().free_socket_timeout(limit).build().unwrap();
        let mut parked = Vec::new();
        for origin in &origins {
            resume_if(!parked.is_empty());
            let began = Instant::now();
            assert_eq!(text(&agent, &origin.url("/")).await, "hello");
            parked.push((began, Instant::now()));
            pause();
            sleep(Duration::from_secs(5)).await;
        }
        for (left, &(earliest, latest)) in [1, 0].into_iter().zip(&parked) {
            sleep_until(earliest + limit - MS).await;
            assert_eq!(accounts(&agent).idle, left + 1, "its time is not up");
            sleep_until(latest + limit + MS).await;
            assert_eq!(accounts(&agent).idle, left);
        }
        wake_ups(HOUR).await;
        let count = wake_ups(24 * HOUR).await;
        assert!(count <= ONE_SLEEP, "woke up {count} times with nothing left to do");
    });
}

fn resume_if(paused: bool) {
    if paused {
        resume();
    }
}

/// The keeper is the agent's only task, and it ends when nothing can come any more.
#[test]
fn no_task_is_left_of_an_agent_that_was_closed_or_destroyed_though_somebody_holds_it() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let tasks = || Handle::current().metrics().num_alive_tasks();
        for closes in [true, false] {
            let agent = Agent::new();
            assert_eq!(text(&agent, &origin.url("/")).await, "hello");
            assert_eq!((tasks(), accounts(&agent).idle), (1, 1));
            if closes {
                agent.close().await;
            } else {
                agent.destroy();
            }
            eventually(|| tasks() == 0).await;
            assert!(fetch(&agent, origin.url("/")).await.unwrap_err().is_agent_closed());
            assert_eq!(tasks(), 0, "whoever comes too late starts none");
        }
    });
}
