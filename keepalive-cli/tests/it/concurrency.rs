//! `--concurrency`: so many requests are in flight and no more, and no more lines are read than that.

use testkit::{Gate, PlainOrigin};

use crate::program::{Run, command};

#[test]
fn the_next_request_starts_when_one_ends() {
    testkit::run(async |_| {
        let gate = Gate::new();
        let origin = PlainOrigin::builder().gate(&gate).start();
        let urls = (0..10).map(|n| origin.url(&format!("/{n}")));
        let args = ["fetch", "--concurrency", "3", "-c", "100"].map(str::to_owned).into_iter().chain(urls);
        let child = command(args).spawn().unwrap();
        for answered in 0..=7 {
            let arrived = 3 + answered;
            origin.wait(|stats| stats.requests >= arrived).await;
            assert_eq!(origin.stats().requests, arrived);
            gate.release(1);
        }
        gate.open();
        let run = Run::of(child.wait_with_output().unwrap()).expect(0);
        assert_eq!(run.lines().len(), 10);
        assert_eq!(origin.stats().peak_open, 3);
    });
}

#[test]
fn the_default_is_64() {
    testkit::run(async |_| {
        let gate = Gate::new();
        let origin = PlainOrigin::builder().gate(&gate).start();
        let urls = (0..100).map(|n| origin.url(&format!("/{n}")));
        let args = ["fetch", "-c", "100"].map(str::to_owned).into_iter().chain(urls);
        let child = command(args).spawn().unwrap();
        origin.wait(|stats| stats.requests >= 64).await;
        assert_eq!(origin.stats().requests, 64);
        gate.open();
        Run::of(child.wait_with_output().unwrap()).expect(0);
        assert_eq!(origin.stats().peak_open, 64);
    });
}

#[cfg(unix)]
#[test]
fn an_endless_list_is_not_read_ahead() {
    use std::io::Write as _;
    use std::process::Stdio;

    use crate::program::{Guard, kill};

    testkit::run(async |_| {
        let gate = Gate::new();
        let origin = PlainOrigin::builder().gate(&gate).start();
        let mut command = command(["fetch", "-i", "-", "--concurrency", "2"]);
        let mut child = Guard(command.stdin(Stdio::piped()).spawn().unwrap());
        let (mut stdin, line) = (child.0.stdin.take().unwrap(), format!("{}\n", origin.url("/")));
        let feed = std::thread::spawn(move || {
            let mut written = 0;
            while stdin.write_all(line.as_bytes()).is_ok() {
                written += line.len();
            }
            written
        });
        origin.wait(|stats| stats.requests >= 2).await;
        gate.release(100);
        origin.wait(|stats| stats.requests >= 102).await;
        kill(&child.0, "INT");
        assert_eq!(child.0.wait().unwrap().code(), Some(130));
        // 102 lines, the pipe's 64 KiB, a buffer of 8 KiB.
        let written = feed.join().unwrap();
        assert!(written < 100_000, "{written} bytes were taken");
    });
}
