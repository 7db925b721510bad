//! What can go wrong, as plain values that have a name.

use std::fmt;

/// What can go wrong. Each is counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Resolve,
    Connect,
    Handshake,
    Read,
    Write,
    Flush,
    Shutdown,
    /// An idle socket is looked at.
    Look,
}

/// How it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It fails when there was something to do, and what it would have brought is lost.
    Fail,
    /// It fails before there is anything to read.
    Early,
    /// It finds the end of the stream.
    End,
    /// It is never done, nor is any other of its kind on this socket.
    Stall,
    /// One byte, and the next time goes on.
    Short,
    /// One byte, and then the end.
    Cut,
    /// There are bytes where none belong.
    Surplus,
}

/// The `at`-th operation of a kind, counted from 1, goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) op: Op,
    pub(crate) way: Way,
    pub(crate) at: usize,
}

/// What goes wrong in a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Misfortune {
    pub(super) faults: Vec<Fault>,
    pub(super) dropped: Option<Dropped>,
}

/// The `nth` request of the workload is dropped after so many polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) nth: usize,
    pub(super) polls: usize,
}

impl Misfortune {
    /// What [`Display`](fmt::Display) has written.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut all = Self::default();
        for part in text.split('+') {
            let words: Vec<_> = part.split('/').collect();
            let &[what, how, number] = &words[..] else { return None };
            let number = number.parse().ok()?;
            if what == "drop" {
                all.dropped = Some(Dropped { nth: how.parse().ok()?, polls: number });
                continue;
            }
            let op = Op::ALL.into_iter().find(|op| named(op) == what)?;
            let way = op.ways().iter().copied().find(|way| named(way) == how)?;
            all.faults.push(Fault { op, way, at: number });
        }
        Some(all)
    }
}

/// As [`Misfortune::parse`] reads it.
impl fmt::Display for Misfortune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.faults.iter().map(|it| format!("{}/{}/{}", named(&it.op), named(&it.way), it.at));
        let dropped = self.dropped.iter().map(|it| format!("drop/{}/{}", it.nth, it.polls));
        f.write_str(&faults.chain(dropped).collect::<Vec<_>>().join("+"))
    }
}

fn named(value: &impl fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

impl Op {
    pub(crate) const ALL: [Self; 8] = [
        Self::Resolve,
        Self::Connect,
        Self::Handshake,
        Self::Read,
        Self::Write,
        Self::Flush,
        Self::Shutdown,
        Self::Look,
    ];

    /// How it can go wrong.
    pub(super) fn ways(self) -> &'static [Way] {
        match self {
            Self::Read => &[Way::Fail, Way::Early, Way::End, Way::Stall, Way::Short, Way::Cut],
            Self::Write => &[Way::Fail, Way::Stall, Way::Short, Way::Cut],
            Self::Look => &[Way::End, Way::Surplus],
            _ => &[Way::Fail, Way::Stall],
        }
    }
}

#[test]
fn a_name_says_which_run_it_was() {
    for name in ["read/cut/7", "connect/stall/1+drop/2/5", "write/short/3+look/surplus/1"] {
        assert_eq!(Misfortune::parse(name).unwrap().to_string(), name);
    }
    for nothing in ["", "read", "read/cut/x", "look/cut/1", "drop/1"] {
        assert_eq!(Misfortune::parse(nothing), None);
    }
}
