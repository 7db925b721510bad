//! Bodies in files: the right bytes under the right name, or no file at all.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt as _;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use testkit::{PlainOrigin, Reply, Script, ScriptedOrigin, ok};

#[cfg(unix)]
use crate::program::{Guard, command, kill};
use crate::program::{fetch, fetch_from, names};

/// An origin whose body is the target, many times over.
fn echo() -> PlainOrigin {
    PlainOrigin::builder().reply(|request| Reply::ok(request.target.repeat(5000))).start()
}

#[test]
fn the_nth_output_belongs_to_the_nth_url() {
    let origin = echo();
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let urls = ["/1", "/2", "/3"].map(|path| origin.url(path));
    let run =
        fetch(["-o", a.to_str().unwrap(), "-o", b.to_str().unwrap(), &urls[0], &urls[1], &urls[2]]).expect(0);
    assert_eq!(fs::read_to_string(a).unwrap(), "/1".repeat(5000));
    assert_eq!(fs::read_to_string(b).unwrap(), "/2".repeat(5000));
    assert_eq!(names(dir.path()), ["a", "b"], "the third body is dropped, no temporary file is left");
    assert!(run.lines().iter().all(|line| line["bytes"] == 10_000));
}

#[test]
fn a_directory_gets_one_file_for_each_named_by_the_place_in_the_input() {
    let origin = echo();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("made");
    let input = format!("{}\n# not counted\nnot a url\n{}\n", origin.url("/2"), origin.url("/4"));
    let run =
        fetch_from(&input, &["-i", "-", "--out-dir", out.to_str().unwrap(), &origin.url("/1")]).expect(1);
    assert_eq!(names(&out), ["000001.body", "000002.body", "000004.body"]);
    for (name, target) in [("000001.body", "/1"), ("000002.body", "/2"), ("000004.body", "/4")] {
        assert_eq!(fs::read_to_string(out.join(name)).unwrap(), target.repeat(5000));
    }
    assert_eq!(run.lines().len(), 4);
}

#[test]
fn an_empty_body_is_an_empty_file() {
    let origin = PlainOrigin::builder().reply(|_| Reply::new(204)).start();
    let dir = tempfile::tempdir().unwrap();
    fetch(["--out-dir", dir.path().to_str().unwrap(), &origin.url("/")]).expect(0);
    assert_eq!(fs::read(dir.path().join("000001.body")).unwrap(), b"");
}

#[test]
fn a_body_that_is_cut_short_leaves_no_file_and_spares_an_older_one() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nonly this\r\n".to_vec();
    for reply in [short, chunked] {
        let origin = ScriptedOrigin::new(Script::new().request().send(reply).close());
        let dir = tempfile::tempdir().unwrap();
        let old = dir.path().join("old");
        fs::write(&old, "as it was").unwrap();
        let new = dir.path().join("new");
        let url = origin.url("/");
        let run = fetch(["-o", old.to_str().unwrap(), "-o", new.to_str().unwrap(), &url, &url]).expect(1);
        for line in run.lines() {
            assert_eq!((&line["status"], &line["bytes"]), (&200.into(), &9.into()));
            assert!(line["error"].is_string(), "{line}");
        }
        assert_eq!(names(dir.path()), ["old"]);
        assert_eq!(fs::read_to_string(old).unwrap(), "as it was");
    }
}

#[test]
fn a_file_that_exists_is_replaced_also_behind_a_link() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "a longer text than hello").unwrap();
    fetch(["-o", file.to_str().unwrap(), &origin.url("/")]).expect(0);
    assert_eq!(fs::read(&file).unwrap(), b"hello");

    #[cfg(unix)]
    {
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("file", &link).unwrap();
        fs::write(&file, "old").unwrap();
        fetch(["-o", link.to_str().unwrap(), &origin.url("/")]).expect(0);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"hello");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_and_not_replaced() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let pipe = pipe(dir.path());
    let read = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    fetch(["-o", pipe.to_str().unwrap(), &origin.url("/")]).expect(0);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(read.join().unwrap(), b"hello");
}

/// A device must be written to as well; without this, root would lose it.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    a_pipe_is_written_to_and_not_replaced();
    let origin = PlainOrigin::new();
    let text = "cannot write /dev/full: No space left on device (os error 28)";
    let run = fetch(["-o", "/dev/full", &origin.url("/")]).expect(3);
    assert_eq!(run.error(), text);
    assert!(run.stderr.contains(&format!("keepalive: {text}\n")), "{run:?}");
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_reads_does_not_hold_up_a_signal() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let pipe = pipe(dir.path());
    let mut child =
        Guard(command(["fetch", "-o", pipe.to_str().unwrap(), &origin.url("/")]).spawn().unwrap());
    testkit::run(async |_| origin.wait(|stats| stats.requests == 1).await);
    kill(&child.0, "INT");
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
}

#[cfg(unix)]
fn pipe(dir: &Path) -> PathBuf {
    let pipe = dir.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    pipe
}

/// The limit of a file's size stands for a disk that is full after a while.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_written_to_its_end_is_removed() {
    let origin = PlainOrigin::builder().reply(|_| Reply::ok(vec![b'x'; 100_000])).start();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    let program = env!("CARGO_BIN_EXE_keepalive");
    let script =
        format!("trap '' XFSZ; ulimit -f 8; exec {program} fetch -o {} {}", file.display(), origin.url("/"));
    let run =
        crate::program::Run::of(std::process::Command::new("sh").args(["-c", &script]).output().unwrap())
            .expect(3);
    assert_eq!(run.error(), format!("cannot write {}: File too large (os error 27)", file.display()));
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn a_relative_name_is_taken_from_where_the_program_was_started() {
    let origin = PlainOrigin::new();
    let dir = tempfile::tempdir().unwrap();
    let mut command = crate::program::command(["fetch", "-o", "here", &origin.url("/")]);
    assert!(command.current_dir(dir.path()).status().unwrap().success());
    assert_eq!(names(dir.path()), ["here"]);
}

#[test]
fn without_a_target_bodies_are_read_and_dropped() {
    let origin = ScriptedOrigin::new(Script::new().request().send(ok("x".repeat(300_000))).repeat());
    let url = origin.url("/");
    let run = fetch(["--concurrency", "1", &url, &url]).expect(0);
    assert!(run.lines().iter().all(|line| line["bytes"] == 300_000));
    assert_eq!(origin.record().accepted(), 1, "the bodies were read to their end, so the socket was reused");
}
