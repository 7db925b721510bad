//! SIGINT and SIGTERM: the work is ended in order.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use testkit::{PlainOrigin, Script, ScriptedOrigin};

use crate::program::{Guard, command, kill, names, until};

#[test]
fn temporary_files_are_removed_and_the_summary_says_what_was_done() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nthe beginning".to_vec();
        let slow = ScriptedOrigin::new(Script::new().request().send(half).stall());
        let fast = PlainOrigin::new();
        let dir = tempfile::tempdir().unwrap();
        let args = ["fetch", "--out-dir", dir.path().to_str().unwrap(), &fast.url("/"), &slow.url("/")];
        let mut child = Guard(command(args).spawn().unwrap());
        let (mut stdout, mut stderr) =
            (BufReader::new(child.0.stdout.take().unwrap()), child.0.stderr.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains("\"id\":1,"), "{line}");
        until("the temporary file", || names(dir.path()).iter().any(|name| name.ends_with(".part")));

        kill(&child.0, signal);
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        assert_eq!(child.0.wait().unwrap().code(), Some(code));
        assert_eq!(names(dir.path()), ["000001.body"]);
        let first =
            format!("requests 1, failed 0, stopped by SIG{signal} with 1 in flight\nsockets opened 2 ");
        assert!(text.starts_with(&first), "{text}");
        line.clear();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "", "what was dropped has no line");
    }
}

#[test]
fn a_wait_for_input_is_interrupted() {
    let origin = PlainOrigin::new();
    let mut child =
        Guard(command(["fetch", "-i", "-", &origin.url("/")]).stdin(Stdio::piped()).spawn().unwrap());
    // Waiting for the child would close it.
    let stdin = child.0.stdin.take();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    kill(&child.0, "INT");
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    drop(stdin);
}

#[test]
fn a_reader_that_does_not_read_holds_nothing_up() {
    let origin = PlainOrigin::new();
    let url = origin.url(&format!("/{}", "x".repeat(2000)));
    let args = ["fetch", "-i", "-", "--concurrency", "1"];
    let mut child = Guard(command(args).stdin(Stdio::piped()).spawn().unwrap());
    let mut stdin = child.0.stdin.take().unwrap();
    let feed = std::thread::spawn(move || while writeln!(stdin, "{url}").is_ok() {});
    // A pipe holds 64 KiB, which is fewer than 60 lines: the writer is stuck by then.
    testkit::run(async |_| origin.wait(|stats| stats.requests >= 60).await);
    kill(&child.0, "INT");
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    feed.join().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_demo_is_interrupted() {
    let mut child = Guard(command(["demo", "--requests", "1000000"]).spawn().unwrap());
    until("the demo to take signals", || takes_interrupts(child.0.id()));
    kill(&child.0, "INT");
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
}

/// Whether the process has a handler for SIGINT, which is bit 1 of the mask.
#[cfg(target_os = "linux")]
fn takes_interrupts(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
    u64::from_str_radix(mask, 16).unwrap() & 2 != 0
}
