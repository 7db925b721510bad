//! Where URLs come from: the command line, a file, standard input, one line at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::Value;
use testkit::PlainOrigin;

use crate::program::{Guard, command, fetch, fetch_from};

#[test]
fn a_file_follows_the_command_line_without_its_comments() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("urls.txt");
    let text = format!("# first\n{}\r\n\n   \n  {}  \n# last", origin.url("/b"), origin.url("/c"));
    std::fs::write(&list, text).unwrap();
    let run = fetch(["-i", list.to_str().unwrap(), &origin.url("/a")]).expect(0);
    let urls: Vec<_> = run.lines().iter().map(|line| line["url"].clone()).collect();
    assert_eq!(urls, ["/a", "/b", "/c"].map(|path| Value::from(origin.url(path))));
}

#[test]
fn standard_input_is_a_dash() {
    let origin = PlainOrigin::new();
    let run = fetch_from(&origin.url("/x"), &["-i", "-"]).expect(0);
    assert_eq!(run.line()["url"], origin.url("/x"));
}

#[test]
fn an_empty_list_after_urls_is_fine() {
    let origin = PlainOrigin::new();
    assert_eq!(fetch_from("", &["-i", "-", &origin.url("/")]).expect(0).lines().len(), 1);
}

#[test]
fn a_line_is_fetched_before_the_next_one_is_there() {
    let origin = PlainOrigin::new();
    let mut child = Guard(command(["fetch", "-i", "-"]).stdin(Stdio::piped()).spawn().unwrap());
    let mut stdin = child.0.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.0.stdout.take().unwrap());
    for id in 1..=3 {
        writeln!(stdin, "{}", origin.url("/")).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["id"], id);
    }
    drop(stdin);
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
}

#[test]
fn lines_that_are_no_text_or_too_long_fail_on_their_own() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("urls");
    let mut text = b"http://\xff/\n".to_vec();
    text.extend(std::iter::repeat_n(b'x', 1_000_000));
    text.extend_from_slice(format!("\n{}\n", origin.url("/")).as_bytes());
    std::fs::write(&list, text).unwrap();
    let lines = fetch(["-i", list.to_str().unwrap()]).expect(1).lines();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["error"], "the line is not UTF-8 text");
    assert_eq!(lines[1]["error"], "the line is too long for a URL");
    assert_eq!(lines[2]["status"], 200);
}
