//! What bounds and binds the sockets: `-c`, `--one-shot`, `--local-address`, `--timeout`.

use testkit::{Gate, PlainOrigin, Script, ScriptedOrigin, ok};

use crate::program::{Run, command, fetch};
#[cfg(target_os = "linux")]
use crate::program::{command_within, with_input};

/// Twenty URLs of this origin.
fn urls(origin: &PlainOrigin) -> Vec<String> {
    (0..20).map(|n| origin.url(&format!("/{n}"))).collect()
}

/// Runs with all requests but the first few held back, so that sockets are wanted at once.
fn with_gate(args: &[&str], at_once: usize) -> (Run, PlainOrigin) {
    let gate = Gate::new();
    let origin = PlainOrigin::builder().gate(&gate).start();
    let args = args.iter().map(|arg| (*arg).to_owned()).chain(urls(&origin));
    let child = command(["fetch"]).args(args).spawn().unwrap();
    testkit::run(async |_| origin.wait(|stats| stats.requests >= at_once).await);
    gate.open();
    (Run::of(child.wait_with_output().unwrap()).expect(0), origin)
}

#[test]
fn max_sockets_caps_what_the_server_sees() {
    for (args, cap) in
        [(["-c", "1"].as_slice(), 1), (&["-c", "3"], 3), (&[], 5), (&["--max-sockets", "20"], 20)]
    {
        let (run, origin) = with_gate(args, cap);
        assert_eq!((origin.stats().peak_open, origin.stats().accepted), (cap, cap), "{args:?}");
        assert!(run.stderr.contains(&format!("sockets opened {cap} (perfect keep-alive: {cap})")), "{run:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn many_origins_do_not_use_up_the_descriptors() {
    let origin = PlainOrigin::builder().bind("0.0.0.0:0").start();
    let port = origin.port();
    let urls = (0..600).map(|n| format!("http://127.0.{}.{}:{port}/\n", n / 200, n % 200 + 1));
    // As from a shell that says so; three quarters of them are for sockets.
    let mut program = command_within(128, &["fetch", "-i", "-"]);
    let run = with_input(&mut program, &urls.collect::<String>()).expect(0);
    assert!(run.stderr.contains("sockets opened 600 (perfect keep-alive: 600)"), "{run:?}");
    let peak = origin.stats().peak_open;
    assert!((64..=96).contains(&peak), "{peak} sockets were open at once");
}

#[test]
fn one_shot_opens_a_socket_for_each_request_within_the_cap() {
    let origin = PlainOrigin::builder().record_requests().start();
    let run = fetch(["--one-shot", "-c", "2"].map(str::to_owned).into_iter().chain(urls(&origin))).expect(0);
    assert_eq!(origin.stats().accepted, 20);
    assert!(origin.stats().peak_open <= 2);
    assert!(origin.requests().iter().all(|request| request.header("connection") == Some("close")));
    assert!(run.lines().iter().all(|line| line["reused"] == false));
    assert!(run.stderr.contains("sockets opened 20 (perfect keep-alive: 2), reused 0%"), "{run:?}");
}

#[test]
fn without_one_shot_nothing_is_said_about_the_connection() {
    let origin = PlainOrigin::builder().record_requests().start();
    fetch([origin.url("/")]).expect(0);
    assert_eq!(origin.requests()[0].header("connection"), None);
}

#[cfg(target_os = "linux")]
#[test]
fn the_local_address_is_what_the_server_sees() {
    let origin = ScriptedOrigin::new(Script::new().request().send(ok("")).repeat());
    fetch(["--local-address", "127.0.0.2", &origin.url("/")]).expect(0);
    assert_eq!(origin.record().connections[0].peer.unwrap().ip().to_string(), "127.0.0.2");
}

#[test]
fn an_address_of_somebody_else_fails_the_request() {
    let origin = PlainOrigin::new();
    // TEST-NET-1: no machine has it.
    let error = fetch(["--local-address", "192.0.2.1", &origin.url("/")]).expect(1).error();
    assert!(error.contains("cannot connect"), "{error}");
}

#[test]
fn the_timeout_covers_the_head_the_body_and_the_queue() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe".to_vec();
    for script in [Script::new().request().stall(), Script::new().request().send(head).stall()] {
        let origin = ScriptedOrigin::new(script);
        let url = origin.url("/");
        let run = fetch(["--timeout", "0.1", "-c", "1", &url, &url]).expect(1);
        for line in run.lines() {
            assert!(line["error"].as_str().unwrap().contains("(timeout)"), "{run:?}");
        }
    }
}

#[test]
fn a_timeout_beyond_all_clocks_is_no_limit() {
    let origin = PlainOrigin::new();
    fetch(["--timeout", "1e18", &origin.url("/")]).expect(0);
}
