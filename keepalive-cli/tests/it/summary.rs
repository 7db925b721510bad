//! The summary on standard error.

use testkit::PlainOrigin;

use crate::program::{fetch, refused};

#[test]
fn it_counts_requests_sockets_reuse_and_times() {
    let (a, b) = (PlainOrigin::new(), PlainOrigin::new());
    let urls = [&a, &a, &a, &b].map(|origin| origin.url("/"));
    let run = fetch(["--concurrency", "1"].into_iter().chain(urls.iter().map(String::as_str))).expect(0);
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{run:?}");
    assert_eq!(lines[0], "requests 4, failed 0");
    assert_eq!(lines[1], "sockets opened 2 (perfect keep-alive: 2), reused 50.0%");
    let times: Vec<f64> = lines[2].split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(lines[2].starts_with("total time p50 ") && lines[2].contains(", p99 "), "{run:?}");
    assert!(times.len() == 3 && times.is_sorted(), "{run:?}");
}

#[test]
fn dials_that_failed_are_no_sockets() {
    let run = fetch([refused()]).expect(1);
    assert_eq!(run.stderr, "requests 1, failed 1\nsockets opened 0 (perfect keep-alive: 0), reused 0%\n");
}
