//! What the demo's numbers mean, in two sentences. Each clause is chosen by the numbers: nothing is said
//! that did not happen.

use std::cmp::Ordering;

use super::percent_text;
use crate::demo::Run;

/// Two sentences, each on lines of its own.
pub(crate) fn render([one_shot, off, on]: &[Run; 3]) -> String {
    wrap(&the_cap(one_shot, off)) + &wrap(&the_keeping(off, on))
}

/// One-shot sockets beside an agent with keep-alive off.
fn the_cap(one_shot: &Run, off: &Run) -> String {
    let cap = match off.max_open.cmp(&one_shot.max_open) {
        Ordering::Less => format!("held that to {}", off.max_open),
        Ordering::Equal => format!("also had {} open at once", off.max_open),
        Ordering::Greater => format!("had {} open at once", off.max_open),
    };
    let opened = if off.opened > off.max_open as u64 {
        format!("opened {}, because it closes a socket that no request waits for", off.opened)
    } else {
        format!("opened {}", off.opened)
    };
    let handed_on = if off.reused > 0 {
        format!(", handed a freed socket to a waiting request {},", count(off.reused as u64, "time"))
    } else {
        String::new()
    };
    format!(
        "One-shot requests opened {}, up to {} at once; an agent with keep-alive off {cap}{handed_on} and {opened}.",
        count(one_shot.opened, "socket"),
        one_shot.max_open,
    )
}

/// Keep-alive on beside keep-alive off.
fn the_keeping(off: &Run, on: &Run) -> String {
    let compared = match on.opened.cmp(&off.opened) {
        Ordering::Less => format!("{} fewer than with keep-alive off", off.opened - on.opened),
        Ordering::Equal => "as many as with keep-alive off".to_owned(),
        Ordering::Greater => format!("{} more than with keep-alive off", on.opened - off.opened),
    };
    let reuse = match (on.answered(), on.reused) {
        (0, _) => "no request was answered".to_owned(),
        (_, 0) => "no request found a socket that was open already".to_owned(),
        (answered, reused) => format!(
            "{reused} of {} ({}) went over a socket that was open already",
            count(answered as u64, "answered request"),
            percent_text(reused, answered)
        ),
    };
    format!("With keep-alive on it opened {}, {compared}: {reuse}.", count(on.opened, "socket"))
}

fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Lines of at most [`WIDTH`] columns.
fn wrap(text: &str) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        if column > 0 && column + 1 + word.len() > WIDTH {
            lines.push('\n');
            column = 0;
        } else if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.len();
    }
    lines + "\n"
}

/// About that of the table.
const WIDTH: usize = 110;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::demo::Way;
    use crate::report::times;

    /// Requests, failed, opened, most open, reused.
    fn run(way: Way, [requests, failed, opened, max_open, reused]: [usize; 5]) -> Run {
        Run {
            way,
            requests,
            failed,
            opened: opened as u64,
            max_open,
            reused,
            queue: times::histogram(),
            wall: Duration::ZERO,
            first_error: None,
        }
    }

    fn text(one_shot: [usize; 5], off: [usize; 5], on: [usize; 5]) -> String {
        let runs = [run(Way::OneShot, one_shot), run(Way::KeepAliveOff, off), run(Way::KeepAlive, on)];
        let text = render(&runs);
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        text.replace('\n', " ")
    }

    #[test]
    fn the_defaults() {
        assert_eq!(
            text([200, 0, 200, 20, 0], [200, 0, 50, 5, 150], [200, 0, 5, 5, 195]),
            "One-shot requests opened 200 sockets, up to 20 at once; an agent with keep-alive off held that to 5, \
             handed a freed socket to a waiting request 150 times, and opened 50, because it closes a socket that \
             no request waits for. \
             With keep-alive on it opened 5 sockets, 45 fewer than with keep-alive off: 195 of 200 answered \
             requests (97.5%) went over a socket that was open already. "
        );
    }

    #[test]
    fn one_request_shows_no_difference_and_none_is_claimed() {
        assert_eq!(
            text([1, 0, 1, 1, 0], [1, 0, 1, 1, 0], [1, 0, 1, 1, 0]),
            "One-shot requests opened 1 socket, up to 1 at once; an agent with keep-alive off also had 1 open at \
             once and opened 1. \
             With keep-alive on it opened 1 socket, as many as with keep-alive off: no request found a socket \
             that was open already. "
        );
    }

    #[test]
    fn where_all_failed_nothing_else_is_claimed() {
        let text = text([9, 9, 0, 0, 0], [9, 9, 0, 0, 0], [9, 9, 0, 0, 0]);
        assert!(
            text.contains("opened 0 sockets, as many as with keep-alive off: no request was answered"),
            "{text}"
        );
        assert!(!text.contains("held") && !text.contains("handed") && !text.contains("because"), "{text}");
    }
}
