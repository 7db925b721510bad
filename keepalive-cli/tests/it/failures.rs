//! What goes wrong with one request (exit code 1) or with a file (3), and does not stop the others.

use std::fs;

use testkit::{PlainOrigin, Reply, Script, ScriptedOrigin};

use crate::program::{fetch, fetch_from, names, refused};

#[test]
fn bad_urls_fail_on_their_own() {
    let origin = PlainOrigin::new();
    let (good, refused) = (origin.url("/"), refused());
    let input = format!(
        "{good}\nnot a url\n{refused}\nftp://example.org/\ngopher://example.org/\nhttp://no.invalid/\n/path\n{good}\n"
    );
    let run = fetch_from(&input, &["-i", "-"]).expect(1);
    let lines = run.lines();
    assert_eq!(lines.len(), 8);
    let errors: Vec<_> = lines.iter().map(|line| line["error"].as_str()).collect();
    assert_eq!((errors[0], errors[7]), (None, None));
    for (error, part) in errors[1..7].iter().zip([
        "`not a url` is not a valid URL: invalid uri character",
        "onnection refused",
        "`ftp`",
        "`gopher`",
        "cannot resolve `no.invalid`",
        "/path",
    ]) {
        assert!(error.is_some_and(|error| error.contains(part)), "{error:?} does not say {part}");
    }
    assert!(run.stderr.contains("requests 8, failed 6"), "{run:?}");
}

#[test]
fn an_error_names_its_whole_chain_on_one_line() {
    let refused = refused();
    let error = fetch([&refused]).expect(1).error();
    let origin = refused.trim_end_matches('/');
    assert!(error.starts_with(&format!("cannot connect to {origin}: ")), "{error}");
    assert!(!error.contains('\n'));
}

#[test]
fn a_malformed_response_is_an_error() {
    let origin = ScriptedOrigin::new(Script::new().request().send("this is no HTTP\r\n\r\n").close());
    let line = fetch([origin.url("/")]).expect(1).line();
    assert!(line["error"].is_string() && line["status"].is_null(), "{line}");
}

#[test]
fn a_connection_that_ends_before_the_response_is_an_error() {
    let origin = ScriptedOrigin::new(Script::new().request().close());
    let line = fetch([origin.url("/")]).expect(1).line();
    assert!(line["error"].is_string() && line["status"].is_null(), "{line}");
}

#[test]
fn any_status_is_a_success_unless_fail_is_given() {
    let origin = PlainOrigin::builder()
        .reply(|request| {
            Reply::new(request.target[1..].parse().unwrap()).header("location", "/200").body("text")
        })
        .start();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let urls = ["/200", "/302", "/399", "/400", "/503"].map(|path| origin.url(path));

    let run = fetch(["--out-dir", out].into_iter().chain(urls.iter().map(String::as_str))).expect(0);
    assert!(run.lines().iter().all(|line| line["error"].is_null() && line["bytes"] == 4), "{run:?}");
    assert_eq!(names(dir.path()).len(), 5);
    assert_eq!(origin.stats().requests, 5, "redirects are not followed");

    names(dir.path()).iter().for_each(|name| fs::remove_file(dir.path().join(name)).unwrap());
    let run =
        fetch(["--fail", "--out-dir", out].into_iter().chain(urls.iter().map(String::as_str))).expect(1);
    let lines = run.lines();
    assert_eq!(
        [200, 302, 399, 400, 503],
        [0, 1, 2, 3, 4].map(|at: usize| lines[at]["status"].as_u64().unwrap())
    );
    assert!(lines[..3].iter().all(|line| line["error"].is_null()), "{run:?}");
    assert_eq!(
        lines[3]["error"],
        "status 400 Status counts as failed (--fail)".replace("Status", "Bad Request")
    );
    assert_eq!(lines[4]["error"], "status 503 Service Unavailable counts as failed (--fail)");
    assert_eq!(names(dir.path()), ["000001.body", "000002.body", "000003.body"]);
    assert!(run.stderr.contains("failed 2"), "{run:?}");
}

#[test]
fn a_list_that_cannot_be_read_is_named() {
    let run = fetch(["-i", "/no/such/urls.txt"]).expect(3);
    let text = "keepalive: cannot read /no/such/urls.txt: No such file or directory (os error 2)\n";
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", text));
}

#[test]
fn a_list_that_cannot_be_read_further_lets_the_others_end() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let run = fetch(["-i", dir.path().to_str().unwrap(), &origin.url("/")]).expect(3);
    assert_eq!(run.line()["status"], 200);
    let text = format!("keepalive: cannot read {}: Is a directory (os error 21)\n", dir.path().display());
    assert!(run.stderr.starts_with(&text), "{run:?}");
}

#[test]
fn data_that_cannot_be_read_is_named() {
    let origin = PlainOrigin::new();
    let run = fetch(["-d", "@/no/such/data", &origin.url("/")]).expect(3);
    assert_eq!(run.stderr, "keepalive: cannot read /no/such/data: No such file or directory (os error 2)\n");
    assert_eq!(origin.stats().requests, 0);
}

#[test]
fn an_output_directory_that_cannot_be_made_is_named() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for bad in [file.clone(), file.join("below"), dir.path().join("missing/below")] {
        let run = fetch(["--out-dir", bad.to_str().unwrap(), &origin.url("/")]).expect(3);
        let start = format!("keepalive: cannot write to {}: ", bad.display());
        assert!(run.stderr.starts_with(&start) && run.stderr.lines().count() == 1, "{run:?}");
    }
    assert_eq!(origin.stats().requests, 0);
}

#[test]
fn an_output_file_that_cannot_be_made_is_named_and_the_others_go_on() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let good = dir.path().join("good");
    for bad in [dir.path().join("missing/file"), dir.path().to_owned()] {
        let url = origin.url("/");
        let run = fetch(["-o", bad.to_str().unwrap(), "-o", good.to_str().unwrap(), &url, &url]).expect(3);
        let text = format!("cannot write {}: ", bad.display());
        assert!(run.stderr.contains(&format!("keepalive: {text}")), "{run:?}");
        let lines = run.lines();
        assert!(lines[0]["error"].as_str().unwrap().starts_with(&text), "{run:?}");
        assert!(lines[1]["error"].is_null(), "{run:?}");
        assert_eq!(fs::read(&good).unwrap(), b"hello");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_named() {
    let origin = PlainOrigin::new();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [vec!["fetch".to_owned(), origin.url("/")], vec!["demo".to_owned()]] {
        let output = crate::program::command(args).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let text = "keepalive: cannot write standard output: No space left on device (os error 28)\n";
        assert_eq!(String::from_utf8(output.stderr).unwrap(), text);
    }
}
