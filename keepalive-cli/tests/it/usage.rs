//! Exit code 2: what the command line may not say, each in one clear line; and the help.

use testkit::PlainOrigin;

use crate::program::{fetch, fetch_from, keepalive};

/// Fails with code 2, a line that has this text, no request and no output.
#[track_caller]
fn refuses(args: &[&str], text: &str) {
    let origin = PlainOrigin::new();
    let url = origin.url("/");
    let args: Vec<_> = args.iter().map(|arg| if *arg == "URL" { url.as_str() } else { arg }).collect();
    let run = fetch(args).expect(2);
    assert!(run.stderr.contains(text), "{run:?}");
    assert_eq!(run.stdout, "");
    assert_eq!(origin.stats().requests, 0);
}

#[test]
fn no_command_and_an_unknown_one() {
    assert!(keepalive([""; 0]).expect(2).stderr.contains("Usage"));
    assert!(keepalive(["fly"]).expect(2).stderr.contains("fly"));
}

#[test]
fn no_url_at_all() {
    refuses(&[], "<URL>");
    assert_eq!(
        fetch_from("# none\n\n", &["-i", "-"]).expect(2).stderr.lines().last(),
        Some("keepalive: no URL in standard input")
    );
}

#[test]
fn bad_values() {
    refuses(&["-H", "no colon", "URL"], "keepalive: bad -H 'no colon': it must look like 'Name: value'");
    refuses(&["-H", "na me: x", "URL"], "keepalive: bad -H 'na me: x': its name is not valid");
    refuses(&["-H", "name: a\nb: c", "URL"], "keepalive: bad -H 'name: a\\nb: c': its value is not valid");
    refuses(&["-X", "G E T", "URL"], "keepalive: bad -X 'G E T'");
    refuses(&["-X", "", "URL"], "keepalive: bad -X ''");
    refuses(&["--timeout", "0", "URL"], "keepalive: bad --timeout '0'");
    refuses(&["--timeout", "-1", "URL"], "keepalive: bad --timeout '-1'");
    refuses(&["--timeout", "soon", "URL"], "keepalive: bad --timeout 'soon'");
    refuses(&["--local-address", "nowhere", "URL"], "--local-address");
    refuses(&["-c", "0", "URL"], "1 or more");
    refuses(&["--concurrency", "0", "URL"], "1 or more");
    refuses(&["--concurrency", "many", "URL"], "--concurrency");
    refuses(&["-d", "@-", "URL"], "keepalive: bad -d '@-'");
    refuses(&["-o", "-", "URL"], "keepalive: bad -o '-'");
}

#[test]
fn outputs_that_do_not_fit() {
    refuses(&["-o", "a", "-o", "b", "URL"], "keepalive: more -o than URLs: 2 and 1");
    refuses(&["-o", "a", "--out-dir", "b", "URL"], "--out-dir");
}

#[test]
fn too_many_outputs_for_a_list_are_found_at_its_end() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    let (a, b) = (file("a"), file("b"));
    let run = fetch_from(&origin.url("/"), &["-i", "-", "-o", &a, "-o", &b]).expect(2);
    assert_eq!(run.stderr.lines().last(), Some("keepalive: more -o than URLs: 2 and 1"));
    assert_eq!(std::fs::read(a).unwrap(), b"hello");
}

#[test]
fn the_help_gives_every_option_its_default_and_examples() {
    for command in ["demo", "fetch"] {
        let run = keepalive([command, "--help"]).expect(0);
        assert_eq!(run.stderr, "");
        let (_, options) = run.stdout.split_once("Options:\n").unwrap();
        let (options, examples) = options.split_once("Examples:\n").unwrap();
        assert!(examples.contains(&format!("keepalive {command}")));
        let of_one_option = options.split("\n  -").flat_map(|part| part.split("\n      --"));
        for text in of_one_option.filter(|text| !text.contains("Print help")) {
            assert!(text.contains("[default:"), "no default in: {text}");
        }
    }
    let run = keepalive(["--help"]).expect(0);
    assert!(run.stdout.contains("130") && run.stdout.contains("Exit codes"), "{run:?}");
    assert!(keepalive(["--version"]).expect(0).stdout.starts_with("keepalive 0."));
}
