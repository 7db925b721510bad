//! The lines of JSON: every key, in its order, whole lines, in the order in which requests end.

use serde_json::Value;
use testkit::{Gate, PlainOrigin, Script, ScriptedOrigin};

use crate::program::{Run, command, fetch, fetch_from, refused};

const KEYS: [&str; 11] =
    ["v", "id", "url", "status", "protocol", "reused", "socket", "attempts", "bytes", "timing_ms", "error"];

const TIMES: [&str; 7] = ["queue", "dns", "connect", "tls", "send", "wait", "receive"];

/// Every key is there, in its order, and no other.
#[track_caller]
fn check_keys(line: &str) {
    let value: Value = serde_json::from_str(line).unwrap();
    assert_eq!(value.as_object().unwrap().len(), KEYS.len(), "{line}");
    assert_eq!(value["timing_ms"].as_object().unwrap().len(), TIMES.len(), "{line}");
    let keys = KEYS[..10].iter().chain(&TIMES).chain(&KEYS[10..]);
    let mut rest = line;
    for key in keys {
        let at =
            rest.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} is not in its place: {line}"));
        rest = &rest[at + key.len()..];
    }
}

#[test]
fn a_first_request_and_a_reuse() {
    let origin = PlainOrigin::new();
    let (a, b) = (origin.url("/a"), origin.url("/b"));
    let run = fetch(["--concurrency", "1", &a, &b]).expect(0);
    run.stdout.lines().for_each(check_keys);
    let lines = run.lines();
    assert_eq!(lines.len(), 2);
    for (line, (id, url)) in lines.iter().zip([(1, &a), (2, &b)]) {
        assert_eq!((&line["v"], &line["id"], &line["url"]), (&1.into(), &id.into(), &url.as_str().into()));
        assert_eq!((&line["status"], &line["protocol"]), (&200.into(), &"HTTP/1.1".into()));
        assert_eq!((&line["bytes"], &line["attempts"], &line["socket"]), (&5.into(), &1.into(), &1.into()));
        assert_eq!(line["error"], Value::Null);
        for time in ["queue", "send", "wait", "receive"] {
            assert!(line["timing_ms"][time].as_f64().unwrap() >= 0.0, "{line}");
        }
        assert_eq!(line["timing_ms"]["tls"], Value::Null);
    }
    assert_eq!((&lines[0]["reused"], &lines[1]["reused"]), (&false.into(), &true.into()));
    for time in ["dns", "connect"] {
        assert!(lines[0]["timing_ms"][time].is_f64(), "{}", lines[0]);
        assert_eq!(lines[1]["timing_ms"][time], Value::Null);
    }
}

#[test]
fn without_a_response_everything_about_it_is_null() {
    let run = fetch([refused()]).expect(1);
    check_keys(run.stdout.trim_end());
    let line = run.line();
    for key in ["status", "protocol", "reused", "socket", "attempts"] {
        assert_eq!(line[key], Value::Null, "{key}");
    }
    assert!(line["timing_ms"].as_object().unwrap().values().all(Value::is_null));
    assert_eq!(line["bytes"], 0);
    assert!(line["error"].is_string());
}

#[test]
fn the_protocol_is_that_of_the_response() {
    let old = b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi".to_vec();
    let origin = ScriptedOrigin::new(Script::new().request().send(old).close());
    assert_eq!(fetch([origin.url("/")]).expect(0).line()["protocol"], "HTTP/1.0");
}

#[test]
fn lines_come_in_the_order_in_which_requests_end() {
    let gate = Gate::new();
    let slow = PlainOrigin::builder().gate(&gate).start();
    let fast = PlainOrigin::new();
    let mut child = command(["fetch", &slow.url("/"), &fast.url("/")]).spawn().unwrap();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut stdout, &mut first).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&first).unwrap()["id"], 2);
    gate.open();
    let mut second = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut second).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&second).unwrap()["id"], 1);
    Run::of(child.wait_with_output().unwrap()).expect(0);
}

#[test]
fn a_thousand_lines_are_whole_and_none_is_missing() {
    let origin = PlainOrigin::new();
    let input: String = (0..1000).map(|n| origin.url(&format!("/{n}\n"))).collect();
    let run = fetch_from(&input, &["-i", "-"]).expect(0);
    run.stdout.lines().for_each(check_keys);
    let ids: Vec<_> = run.lines().iter().map(|line| line["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=1000).collect::<Vec<_>>());
    for (place, line) in run.lines().iter().enumerate() {
        assert_eq!(line["url"], origin.url(&format!("/{place}")));
    }
}

#[test]
fn strange_urls_are_escaped() {
    let line = fetch_from("http://\"quoted\\\"/\t\u{1}x\n", &["-i", "-"]).expect(1).line();
    assert_eq!(line["url"], "http://\"quoted\\\"/\t\u{1}x");
}
