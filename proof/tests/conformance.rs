//! Every case of the table through the real agent, in several ways of sending the same bytes.

mod table;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice::from_ref;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proof::cases::{Case, load, parse};
use testkit::Case as Fixture;

use crate::table::{Bench, PATIENCE, ways};

/// The ways of cutting a case depend on it: another one is another run.
fn seed() -> u64 {
    std::env::var("KEEPALIVE_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(1)
}

#[test]
fn every_case_is_as_the_table_says() {
    let cases = load().unwrap_or_else(|error| panic!("{error}"));
    let (failures, exchanges) = run(&cases, PATIENCE);
    println!("{} cases, {exchanges} ways", cases.len());
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
    assert!(cases.len() >= 300 && exchanges >= 5 * cases.len(), "the table has shrunk, or its ways have");
}

/// All cases on a few threads: what failed, and how many runs there were.
fn run(cases: &[Case], patience: Duration) -> (Vec<String>, usize) {
    let groups: Vec<_> = cases.chunks(GROUP).collect();
    let (next, all) = (AtomicUsize::new(0), Mutex::new((Vec::new(), 0)));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (failures, ways) = run_group(group, patience);
                    let mut all = all.lock().unwrap();
                    all.0.extend(failures);
                    all.1 += ways;
                }
            });
        }
    });
    let (mut failures, ways) = all.into_inner().unwrap();
    failures.sort();
    (failures, ways)
}

const THREADS: usize = 4;

/// The fixture's look for sockets that were left behind takes longer than a case.
const GROUP: usize = 16;

/// Some cases, each in all its ways, under the fixture that finds sockets and tasks left behind.
fn run_group(cases: &[Case], patience: Duration) -> (Vec<String>, usize) {
    let (mut failures, mut runs) = (Vec::new(), 0);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        testkit::run(async |fixture: &Fixture| {
            for case in cases {
                let ways = ways(case, seed());
                let bench = Bench::new(fixture, case, &ways);
                for (at, way) in ways.iter().enumerate() {
                    runs += 1;
                    if let Err(text) = bench.check(at, patience).await {
                        failures.push(format!("{}: {way:?}: {}", case.place(), text.trim_end()));
                        break;
                    }
                }
            }
        });
    }));
    match (outcome, cases) {
        (Ok(()), _) => {}
        (Err(panic), [case]) => {
            let text = panic.downcast::<String>().map_or_else(|_| "a panic".to_owned(), |text| *text);
            failures = vec![format!("{}: {}", case.place(), text.chars().take(400).collect::<String>())];
        }
        // To know which one it was.
        (Err(_), _) => {
            failures = cases.iter().flat_map(|case| run_group(from_ref(case), patience).0).collect();
        }
    }
    (failures, runs)
}

/// A response with something of everything that can be checked, and an error.
const RIGHT: &str = r"
[answered]
rule: RFC 9112 §7.1.2
> HTTP/1.1 200 OK\r\nA: b\r\nA: c\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n
status: 200
version: 1.1
field: a: b
field: a: c
no-field: d
body: ok
trailer: x-sum: 7
next:
> HTTP/1.1 204 None\r\n\r\n
status: 204
body:
verdict: reused

[failed]
rule: RFC 9112 §8
> HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok
end: fin
status: 200
body: ok
error: truncated: 1 bytes short of a body of 3
verdict: closed truncated

[handed-out]
rule: RFC 9110 §7.8
ask-field: connection: upgrade
ask-field: upgrade: echo
> HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nahead
status: 101
upgraded: ahead
verdict: closed upgraded
";

/// For what must fail: it decides only how soon.
const SHORT: Duration = Duration::from_secs(3);

#[test]
fn a_wrong_expectation_is_seen() {
    let (failures, _) = run(&parse("right", RIGHT).unwrap(), PATIENCE);
    assert!(failures.is_empty(), "{failures:?}");
    for (right, wrong, seen) in [
        (
            "status: 200\nversion",
            "status: 201\nversion",
            "[answered]: Whole: exchange 0: status: expected `201`",
        ),
        ("version: 1.1", "version: 1.0", "version: expected `HTTP/1.0`, saw `HTTP/1.1`"),
        ("field: a: c", "field: a: d", "field a: expected `b | d`, saw `b | c`"),
        ("field: a: c\n", "", "field a: expected `b`, saw `b | c`"),
        ("no-field: d", "no-field: a", "field a: expected `absent`, saw `b | c`"),
        ("no-field: d", "field: d: e", "field d: expected `e`, saw `absent`"),
        ("body: ok\ntrailer", "body: oh\ntrailer", "body: expected `oh`, saw `ok`"),
        ("trailer: x-sum: 7\n", "", "trailers: expected ``, saw `x-sum: 7`"),
        ("x-sum: 7\nnext", "x-sum: 8\nnext", "trailers: expected `x-sum: 8`, saw `x-sum: 7`"),
        ("status: 204", "status: 200", "exchange 1: status: expected `200`, saw `204`"),
        ("verdict: reused", "verdict: closed surplus_bytes", "verdict: expected the connection to be closed"),
        ("body: ok\nerror", "body: o\nerror", "[failed]: Whole: exchange 0: body: expected `o`, saw `ok`"),
        ("error: truncated: 1", "error: protocol: 1", "error kind: expected `protocol`, saw `truncated`"),
        ("1 bytes short", "2 bytes short", "error text: expected `2 bytes short of a body of 3`"),
        ("error: truncated: 1 bytes short of a body of 3\n", "", "error: expected `none`, saw `truncated: "),
        ("closed truncated", "closed io_error", "verdict: expected closed [IoError], saw [(Truncated, 1)]"),
        ("upgraded: ahead", "upgraded: aheap", "upgraded: expected `aheap`, saw `ahead`"),
        ("upgraded: ahead", "body:", "upgraded: expected `no`"),
        ("closed upgraded", "closed io_error", "verdict: expected closed [IoError], saw [(Upgraded, 1)]"),
    ] {
        assert_eq!(RIGHT.matches(right).count(), 1, "{right}");
        let cases = parse("wrong", &RIGHT.replace(right, wrong)).unwrap();
        let (failures, _) = run(&cases, SHORT);
        assert_eq!(failures.len(), 1, "{wrong}: {failures:?}");
        assert!(failures[0].starts_with("wrong:") && failures[0].contains(seen), "{wrong}: {failures:?}");
    }
}

#[test]
fn a_connection_that_is_not_kept_between_two_requests_is_seen() {
    let closing = RIGHT.replace(r"200 OK\r\nA: b", r"200 OK\r\nConnection: close\r\nA: b");
    let (failures, _) = run(&parse("wrong", &closing).unwrap()[..1], SHORT);
    assert_eq!(failures.len(), 1);
    assert!(failures[0].contains("the connection is not kept: {ResponseSaidClose: 1}"), "{failures:?}");
}
