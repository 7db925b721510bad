//! The progress bar: on a terminal, and nowhere else.

use testkit::PlainOrigin;

use crate::program::fetch;

#[test]
fn there_is_none_where_standard_error_is_no_terminal() {
    let origin = PlainOrigin::new();
    let run = fetch([origin.url("/"), origin.url("/")]).expect(0);
    assert!(!run.stderr.contains(['\u{1b}', '\r']), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 3, "the summary and nothing else: {run:?}");
}

/// `script` gives a program a terminal, and prints what a person would see.
#[cfg(target_os = "linux")]
mod terminal {
    use std::fs;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use testkit::PlainOrigin;

    use crate::program::{Guard, until};

    const PROGRAM: &str = env!("CARGO_BIN_EXE_keepalive");

    /// A shell's command on a terminal, or `None` where that cannot be had.
    fn on_a_terminal(command: &str) -> Option<Command> {
        if Command::new("script").arg("--version").stdout(Stdio::null()).status().is_err() {
            assert!(std::env::var_os("KEEPALIVE_REQUIRE_EXTERNAL").is_none(), "script is not installed");
            println!("skipped: script is not installed (Debian: apt-get install bsdutils)");
            return None;
        }
        let mut script = Command::new("script");
        script.args(["-qec", command, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh");
        script.stdin(Stdio::null()).stdout(Stdio::piped());
        Some(script)
    }

    #[test]
    fn there_is_one_and_lines_of_json_do_not_mix_with_it() {
        let origin = PlainOrigin::builder().delay(Duration::from_millis(1)).start();
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("urls");
        fs::write(&list, format!("{}\n", origin.url("/")).repeat(1000)).unwrap();
        let Some(mut script) = on_a_terminal(&format!("{PROGRAM} fetch -i {} -c 2", list.display())) else {
            return;
        };
        let output = script.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        assert!(text.contains(" done, 0 failed, "), "no bar: {text}");
        let mut parts = text.split("{\"v\":1").peekable();
        let mut lines = 0;
        while let (Some(before), Some(after)) = (parts.next(), parts.peek()) {
            assert!(
                before.is_empty() || before.ends_with(['\n', '\r']) || before.ends_with("\u{1b}[2K"),
                "{text}"
            );
            assert!(after.lines().next().unwrap().trim_end().ends_with("\"error\":null}"), "{text}");
            lines += 1;
        }
        assert_eq!(lines, 1000);
    }

    #[test]
    fn it_does_not_wait_for_a_reader_that_does_not_read() {
        let origin = PlainOrigin::new();
        let dir = tempfile::tempdir().unwrap();
        let [list, pipe, pid] = ["urls", "pipe", "pid"].map(|name| dir.path().join(name));
        fs::write(&list, format!("{}\n", origin.url(&format!("/{}", "x".repeat(2000)))).repeat(1000))
            .unwrap();
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let (list, pipe, name) = (list.display(), pipe.display(), pid.display());
        let fetch = format!("{PROGRAM} fetch -i {list} --concurrency 1 > {pipe}");
        let Some(mut script) = on_a_terminal(&format!("echo $$ > {name}; exec {fetch}")) else { return };
        let mut script = Guard(script.spawn().unwrap());
        // The pipe holds 64 KiB, which is fewer than 60 lines: the writer is stuck by then.
        testkit::run(async |_| origin.wait(|stats| stats.requests >= 60).await);
        let process = fs::read_to_string(&pid).unwrap();
        assert!(Command::new("kill").args(["-INT", process.trim()]).status().unwrap().success());
        let mut code = None;
        until("the program to end", || {
            code = script.0.try_wait().unwrap();
            code.is_some()
        });
        assert_eq!(code.unwrap().code(), Some(130));
    }
}
