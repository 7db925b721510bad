//! Life within the limit of descriptors. The limit is a process's own, so each of these runs in one of its
//! own, against origins that live in this one: their descriptors do not count there.

mod alone;
mod alone_busy;
mod farm;

use std::process::Command;

use self::farm::Farm;

/// Runs a test of the module [`alone`] or [`alone_busy`] against these origins.
#[track_caller]
fn in_a_process_of_its_own(test: &str, farm: &Farm) {
    let name = format!("descriptors::{test}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--ignored", "--nocapture"])
        .env(farm::PORTS, farm.ports())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{test}: {text}");
}

#[test]
fn three_hundred_origins_by_name_and_two_agents_share_few_descriptors() {
    in_a_process_of_its_own("alone::three_hundred_origins", &Farm::start(300));
}

#[test]
fn three_hundred_origins_are_shared_by_threads_too() {
    in_a_process_of_its_own("alone::three_hundred_origins_on_threads", &Farm::start(300));
}

#[test]
fn the_socket_idle_the_longest_goes_first_whosever_it_is() {
    in_a_process_of_its_own("alone::the_oldest", &Farm::start(5));
}

#[test]
fn an_agent_that_hoards_idle_sockets_gives_them_up_for_another() {
    in_a_process_of_its_own("alone::a_hoard", &Farm::start(60));
}

#[test]
fn unread_bodies_hold_all_descriptors_until_one_is_dropped() {
    in_a_process_of_its_own("alone::unread_bodies", &Farm::start(1));
}

#[test]
fn a_raised_limit_serves_the_queue_of_a_live_agent() {
    in_a_process_of_its_own("alone::raised", &Farm::start(1));
}

#[test]
fn a_name_that_does_not_exist_is_not_taken_for_a_shortage() {
    in_a_process_of_its_own("alone::no_such_name", &Farm::start(1));
}

#[test]
fn sockets_that_are_never_idle_starve_nobody() {
    in_a_process_of_its_own("alone_busy::handed_on", &Farm::start(3));
}

#[test]
fn a_descriptor_that_comes_free_elsewhere_is_found() {
    in_a_process_of_its_own("alone_busy::elsewhere", &Farm::start(1));
}

#[test]
fn a_dial_that_waits_for_a_descriptor_ends_with_its_agent() {
    in_a_process_of_its_own("alone_busy::destroyed", &Farm::start(2));
}

#[test]
fn the_dial_of_a_runtime_that_stands_still_holds_nobody_up() {
    in_a_process_of_its_own("alone_busy::undriven", &Farm::start(1));
}

#[test]
fn a_dial_that_nobody_waits_for_takes_nothing_from_anybody() {
    in_a_process_of_its_own("alone_busy::unwanted", &Farm::start(2));
}
