//! A child process that cannot hold the bench up: at its deadline it is killed, and what it said is kept.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// What a program printed.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs `command` to its good end; an error says what went wrong and what its stderr said.
pub(super) fn output(command: &mut Command, deadline: Duration) -> Result<Said, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let (mut stdout, mut stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let (ended, stdout, stderr) = std::thread::scope(|scope| {
        let stdout = scope.spawn(move || read(&mut stdout));
        let stderr = scope.spawn(move || read(&mut stderr));
        let ended = wait_at_most(&mut child, deadline).and_then(|status| match status {
            Some(status) => Ok(Some(status)),
            None => kill(&mut child).map(|()| None),
        });
        (ended, stdout.join().expect("no panic"), stderr.join().expect("no panic"))
    });
    let what = match ended {
        Ok(Some(status)) if status.success() => return Ok(Said { stdout, stderr }),
        Ok(Some(status)) => status.to_string(),
        Ok(None) => format!("killed after {:.0} s", deadline.as_secs_f64()),
        Err(error) => format!("cannot be waited for: {error}"),
    };
    Err(with_stderr(&what, &stderr))
}

pub(super) fn with_stderr(what: &str, stderr: &str) -> String {
    let stderr = tail(stderr.trim());
    if stderr.is_empty() { what.to_owned() } else { format!("{what}; stderr: {stderr}") }
}

/// Its status, or none if it has not ended in time.
pub(super) fn wait_at_most(child: &mut Child, time: Duration) -> io::Result<Option<ExitStatus>> {
    let id = Pid::from_child(child);
    let process = pidfd_open(id, PidfdFlags::empty())?;
    let deadline = Instant::now() + time;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Ok(None),
            Ok(_) => return child.wait().map(Some),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) fn kill(child: &mut Child) -> io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

/// All there is, up to an error.
fn read(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The last of a long text: where programs say why they end.
fn tail(text: &str) -> &str {
    let from = text.len().saturating_sub(MOST_TOLD);
    let from = (from..text.len()).find(|&from| text.is_char_boundary(from)).unwrap_or(text.len());
    &text[from..]
}

const MOST_TOLD: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_good_end_gives_what_was_printed() {
        let said = output(&mut sh("echo noise >&2; echo line"), Duration::from_secs(60)).unwrap();
        assert_eq!((&*said.stdout, &*said.stderr), ("line\n", "noise\n"));
    }

    #[test]
    fn a_bad_end_tells_the_status_and_stderr() {
        let error = output(&mut sh("echo line; echo why >&2; exit 3"), Duration::from_secs(60)).unwrap_err();
        assert_eq!(error, "exit status: 3; stderr: why");
    }

    #[test]
    fn what_does_not_end_is_killed_and_its_stderr_kept() {
        // `exec`, so that the process that is killed is the one that holds the pipes.
        let error =
            output(&mut sh("echo stuck >&2; exec sleep 600"), Duration::from_millis(200)).unwrap_err();
        assert_eq!(error, "killed after 0 s; stderr: stuck");
    }

    #[test]
    fn the_end_of_a_long_text_is_told_in_whole_characters() {
        let text = "ä".repeat(MOST_TOLD);
        assert_eq!(tail(&text), "ä".repeat(MOST_TOLD / 2));
        assert_eq!(tail(&format!("{text}b")).len(), MOST_TOLD - 1);
    }
}
