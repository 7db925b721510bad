//! `https://` URLs: `--cacert`, `--cert`, `--key`, `--insecure`, and files that are no good.

use std::fs;
use std::path::Path;

use testkit::{Authority, Identity, PlainOrigin, ServerTls};

use crate::program::{Run, fetch};

/// A directory with the files of a client, and the server that trusts it.
struct Stage {
    dir: tempfile::TempDir,
    origin: PlainOrigin,
}

impl Stage {
    fn new(version13: bool, wants_client: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        let me = clients.issue(&["me"]);
        let server = servers.local();
        for (name, content) in [
            ("ca.pem", servers.pem()),
            ("me.pem", me.chain.clone()),
            ("me.key", me.key.clone()),
            ("both.pem", me.chain + &me.key),
            ("other.key", Identity::self_signed(&["me"]).key),
            ("bad.pem", "garbage".to_owned()),
        ] {
            fs::write(dir.path().join(name), content).unwrap();
        }
        let tls = if wants_client {
            ServerTls::for_clients_of(&clients, &server, version13)
        } else {
            ServerTls::new(&server)
        };
        Self { dir, origin: PlainOrigin::builder().tls(&tls).start() }
    }

    /// `keepalive fetch ARGS URL`; a word with a dot in it is a file of the stage.
    fn fetch(&self, args: &[&str]) -> Run {
        let file =
            |arg: &&str| if arg.contains('.') { path(self.dir.path(), arg) } else { (*arg).to_owned() };
        fetch(args.iter().map(file).chain([format!("https://localhost:{}/", self.origin.port())]))
    }
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().unwrap().to_owned()
}

#[test]
fn an_authority_from_a_file_is_trusted_and_the_times_tell_of_the_handshake() {
    let stage = Stage::new(true, false);
    let run = stage.fetch(&["--cacert", "ca.pem"]).expect(0);
    let line = run.line();
    assert_eq!((line["status"].as_u64(), line["error"].is_null()), (Some(200), true), "{run:?}");
    assert!(line["timing_ms"]["tls"].as_f64().unwrap() > 0.0, "{run:?}");
}

#[test]
fn whom_nobody_vouches_for_is_refused_unless_told_otherwise() {
    let stage = Stage::new(true, false);
    let error = stage.fetch(&[]).expect(1).error();
    assert!(error.contains("comes from an authority that is not trusted"), "{error}");
    let error = stage.fetch(&["--cacert", "me.pem"]).expect(1).error();
    assert!(error.contains("comes from an authority that is not trusted"), "{error}");
    for insecure in ["-k", "--insecure"] {
        stage.fetch(&[insecure]).expect(0);
        stage.fetch(&[insecure, "--cacert", "me.pem"]).expect(0);
    }
    assert_eq!(stage.origin.stats().requests, 4);
}

#[test]
fn a_client_shows_its_certificate() {
    for version13 in [false, true] {
        let stage = Stage::new(version13, true);
        let error = stage.fetch(&["--cacert", "ca.pem"]).expect(1).error();
        assert!(error.contains("wants a client certificate"), "{error}");
        stage.fetch(&["--cacert", "ca.pem", "--cert", "me.pem", "--key", "me.key"]).expect(0);
        stage.fetch(&["--cacert", "ca.pem", "--cert", "both.pem"]).expect(0);
        assert_eq!(stage.origin.stats().requests, 2);
    }
}

#[test]
fn files_that_are_no_good() {
    let stage = Stage::new(true, false);
    let complains = |args: &[&str], code: i32, text: &str| {
        let run = stage.fetch(args).expect(code);
        assert!(run.stderr.lines().count() == 1 && run.stderr.contains(text), "{run:?}");
        assert_eq!(run.stdout, "");
    };
    let of = |name| path(stage.dir.path(), name);
    complains(&["--cacert", "none.pem"], 3, &format!("cannot read {}: ", of("none.pem")));
    complains(&["--cert", "none.pem"], 3, &format!("cannot read {}: ", of("none.pem")));
    complains(&["--cert", "me.pem", "--key", "none.key"], 3, &format!("cannot read {}: ", of("none.key")));
    let text = format!("bad --cacert '{}': the root certificates: there is no certificate", of("bad.pem"));
    complains(&["--cacert", "bad.pem"], 2, &text);
    let text = format!("bad --cert '{}': the client's certificates: there is no certificate", of("bad.pem"));
    complains(&["--cert", "bad.pem", "--key", "me.key"], 2, &text);
    complains(&["--cert", "me.pem"], 2, "there is no private key in the PEM text");
    complains(&["--cert", "me.pem", "--key", "other.key"], 2, "does not belong to its first certificate");
    let run = stage.fetch(&["--key", "me.key"]).expect(2);
    assert!(run.stderr.contains("--cert"), "{run:?}");
    assert_eq!(stage.origin.stats().accepted, 0);
}

#[test]
fn plain_and_tls_are_told_apart() {
    let stage = Stage::new(true, false);
    let error = fetch([format!("http://localhost:{}/", stage.origin.port())]).expect(1).error();
    assert!(error.contains("use `https`"), "{error}");
}
