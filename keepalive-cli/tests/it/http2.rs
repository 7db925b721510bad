//! `--http1.1`, `--http2`, `--http2-prior-knowledge`; and Node's HTTP/2 server.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

use testkit::{Authority, PlainOrigin, ServerTls};

use crate::program::{Guard, Run, fetch};

/// `keepalive fetch FLAGS URL`, and what was spoken.
fn spoken(flags: &[&str], url: &str) -> (Run, Option<String>) {
    let run = fetch(flags.iter().copied().chain([url]));
    let protocol = run.line()["protocol"].as_str().map(str::to_owned);
    (run, protocol)
}

#[test]
fn the_flags_say_what_is_spoken() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new("servers");
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, authority.pem()).unwrap();
    let tls = |names: &[&str]| ServerTls::new(&authority.local()).alpn(names);
    let both = PlainOrigin::builder().tls(&tls(&["h2", "http/1.1"])).start();
    let old = PlainOrigin::builder().tls(&tls(&["http/1.1"])).start();
    let clear = PlainOrigin::builder().start();
    let known = PlainOrigin::builder().http2().start();
    let ca = ["--cacert", ca.to_str().unwrap()];
    for (flag, origin, protocol) in [
        (None, &both, "HTTP/2"),
        (None, &old, "HTTP/1.1"),
        (None, &clear, "HTTP/1.1"),
        (Some("--http1.1"), &both, "HTTP/1.1"),
        (Some("--http2"), &both, "HTTP/2"),
        (Some("--http2"), &clear, "HTTP/1.1"),
        (Some("--http2-prior-knowledge"), &both, "HTTP/2"),
        (Some("--http2-prior-knowledge"), &known, "HTTP/2"),
    ] {
        let flags: Vec<_> = ca.into_iter().chain(flag).collect();
        let (run, spoken) = spoken(&flags, &origin.url("/"));
        assert_eq!(spoken.as_deref(), Some(protocol), "{flag:?}: {run:?}");
        run.expect(0);
    }
    let (run, _) = spoken(&[ca[0], ca[1], "--http2"], &old.url("/"));
    let error = run.expect(1).error();
    assert!(error.contains("does not speak HTTP/2"), "{error}");
    let (run, _) = spoken(&["--http2-prior-knowledge"], &clear.url("/"));
    let error = run.expect(1).error();
    assert!(error.contains("HTTP/2"), "{error}");
}

#[test]
fn only_one_of_them() {
    let all = ["--http1.1", "--http2", "--http2-prior-knowledge"];
    for (one, other) in [(0, 1), (1, 2), (2, 0)] {
        let run = fetch([all[one], all[other], "http://127.0.0.1:9/"]).expect(2);
        assert!(run.stderr.contains("cannot be used with"), "{run:?}");
    }
}

/// It allows 10 streams on a connection, and answers late enough that all are wanted.
const SERVER: &str = r"
const http2 = require('node:http2');
const stats = { sessions: 0, open: 0, peakOpen: 0, peakStreams: 0, requests: 0 };
const server = http2.createServer({ settings: { maxConcurrentStreams: 10 } });
server.on('session', session => {
  stats.sessions++;
  stats.peakOpen = Math.max(stats.peakOpen, ++stats.open);
  session.streams = 0;
  session.on('close', () => stats.open--);
});
server.on('stream', stream => {
  const session = stream.session;
  stats.requests++;
  stats.peakStreams = Math.max(stats.peakStreams, ++session.streams);
  stream.on('close', () => session.streams--);
  setTimeout(() => { stream.respond({ ':status': 200 }); stream.end('hello'); }, 5);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => { console.log(JSON.stringify(stats)); process.exit(0); });
";

#[test]
fn nodes_server_sees_its_limit_of_streams_kept_and_five_connections() {
    let node = Command::new("node").arg("--version").output();
    if !node.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("KEEPALIVE_REQUIRE_EXTERNAL").is_none(), "node is not installed");
        println!("skipped: node is not installed (Debian: apt-get install nodejs)");
        return;
    }
    let mut command = Command::new("node");
    command.args(["-e", SERVER]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = Guard(command.spawn().unwrap());
    let mut said = BufReader::new(node.0.stdout.take().unwrap());
    let mut port = String::new();
    said.read_line(&mut port).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("urls");
    let mut urls = fs::File::create(&list).unwrap();
    for nth in 0..500 {
        writeln!(urls, "http://127.0.0.1:{}/{nth}", port.trim()).unwrap();
    }
    let list = list.to_str().unwrap();
    let run = fetch(["--http2-prior-knowledge", "-c", "5", "--concurrency", "100", "-i", list]).expect(0);
    assert!(run.stderr.starts_with("requests 500, failed 0\nsockets opened 5 "), "{}", run.stderr);
    drop(node.0.stdin.take());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    let stats: serde_json::Value = serde_json::from_str(&rest).unwrap();
    let count = |name: &str| stats[name].as_u64().unwrap();
    assert_eq!((count("requests"), count("sessions"), count("peakOpen")), (500, 5, 5), "{stats}");
    assert_eq!(count("peakStreams"), 10, "{stats}");
}
