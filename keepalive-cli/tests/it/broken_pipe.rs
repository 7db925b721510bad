//! Whoever reads standard output may go away at any time: that is no failure, and nothing is said.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use testkit::PlainOrigin;

use crate::program::{Guard, Run, command, names};

#[test]
fn a_fetch_whose_reader_takes_one_line_ends_quietly() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let args = ["fetch", "-i", "-", "--out-dir", dir.path().to_str().unwrap()];
    let mut child = Guard(command(args).stdin(Stdio::piped()).spawn().unwrap());
    let (mut stdin, url) = (child.0.stdin.take().unwrap(), origin.url("/"));
    // It never runs out of lines: only the missing reader can end it.
    let feed = std::thread::spawn(move || while writeln!(stdin, "{url}").is_ok() {});
    let mut line = String::new();
    let mut stdout = BufReader::new(child.0.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"v\":1,"), "{line}");
    drop(stdout);

    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.0.stderr.take().unwrap(), &mut stderr).unwrap();
    assert_eq!((child.0.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
    feed.join().unwrap();
    assert!(names(dir.path()).iter().all(|name| name.ends_with(".body")), "no temporary file is left");
}

#[test]
fn a_demo_without_a_reader_ends_quietly() {
    for args in [["demo", "--json"].as_slice(), &["demo"]] {
        let mut child = command(args).spawn().unwrap();
        drop(child.stdout.take());
        let run = Run::of(child.wait_with_output().unwrap()).expect(0);
        assert_eq!(run.stderr, "");
    }
}
