//! What must hold of one request: a pure function of what it is, what its user was told and what the origins
//! saw of it.

use crate::ledger::Seen;
use crate::plan::{Plan, Upload};

/// How a request ended for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It did not.
    Open,
    /// The whole answer, or as much as was wanted of it, was there and was its own; so often it was written.
    Done { attempts: u32 },
    /// The head was there; the body failed.
    Cut(Failure),
    /// No head came.
    Failed(Failure),
    /// Its user gave it up.
    Cancelled,
    /// Something that must never be, in words.
    Wrong(String),
}

/// What an error said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) safe: bool,
    pub(crate) written: u64,
    pub(crate) timeout: bool,
    pub(crate) text: String,
}

/// What is wrong, if anything is.
pub(crate) fn judge(plan: &Plan, fate: &Fate, seen: Seen) -> Result<(), String> {
    let looked_at = seen.heads - seen.refused;
    let most = if plan.repeatable() { 2 } else { 1 };
    if seen.whole > most || looked_at > most {
        return Err(format!("executed {} times and looked at {looked_at} times, {most} allowed", seen.whole));
    }
    if let (Upload::Streamed { breaks: Some(_), .. }, 1..) = (plan.upload, seen.whole) {
        return Err("executed, though its body was never whole".to_owned());
    }
    match fate {
        Fate::Open => Err("never ended".to_owned()),
        Fate::Wrong(text) => Err(text.clone()),
        Fate::Cancelled => Ok(()),
        Fate::Done { attempts } => {
            if seen.whole + seen.early == 0 {
                return Err("answered by nobody".to_owned());
            }
            if *attempts > most.try_into().unwrap_or(u32::MAX) {
                return Err(format!("written {attempts} times, {most} allowed"));
            }
            Ok(())
        }
        Fate::Cut(failure) | Fate::Failed(failure) => told_truly(plan, failure, seen),
    }
}

fn told_truly(plan: &Plan, failure: &Failure, seen: Seen) -> Result<(), String> {
    if failure.timeout {
        return Err(format!("waited until a limit of time ended it: {}", failure.text));
    }
    if failure.safe && !plan.repeatable() && seen.heads > seen.refused {
        return Err(format!("called safe to send again, and an origin looked at it: {}", failure.text));
    }
    if failure.written == 0 && seen.heads > seen.refused {
        return Err(format!("nothing was written, it is said, and an origin had its head: {}", failure.text));
    }
    Ok(())
}

/// Each fault that must not go unseen, as what it would look like from here.
#[test]
fn every_fault_is_seen() {
    let plan = |wanted: fn(&Plan) -> bool| (0..).map(|n| Plan::of(1, n)).find(wanted).expect("one of 10,000");
    let post = plan(|it| it.method == "POST" && !it.key && matches!(it.upload, Upload::Whole(_)));
    let get = plan(|it| it.method == "GET");
    let keyed = plan(|it| it.key && matches!(it.upload, Upload::Whole(_)));
    let broken = plan(|it| matches!(it.upload, Upload::Streamed { breaks: Some(_), .. }));
    let failure =
        |safe, written| Failure { safe, written, timeout: false, text: "the connection ended".to_owned() };
    let done = Fate::Done { attempts: 1 };
    let once = Seen { heads: 1, whole: 1, ..Seen::default() };
    let twice = Seen { heads: 2, whole: 2, ..Seen::default() };
    let thrice = Seen { heads: 3, whole: 3, ..Seen::default() };
    let refused = Seen { heads: 2, whole: 1, refused: 1, ..Seen::default() };
    let nothing = Seen::default();
    for (name, plan, fate, seen, well) in [
        ("a POST that is done", &post, done.clone(), once, true),
        ("a POST executed twice", &post, done.clone(), twice, false),
        ("a POST executed twice and given up", &post, Fate::Cancelled, twice, false),
        ("a POST that was refused first", &post, done.clone(), refused, true),
        ("a POST begun twice", &post, done.clone(), Seen { heads: 2, whole: 1, ..nothing }, false),
        ("a POST written twice", &post, Fate::Done { attempts: 2 }, once, false),
        ("a keyed POST executed twice", &keyed, done.clone(), twice, true),
        ("a keyed POST executed three times", &keyed, done.clone(), thrice, false),
        ("a GET executed twice", &get, Fate::Done { attempts: 2 }, twice, true),
        ("a GET executed three times", &get, Fate::Cancelled, thrice, false),
        ("an answer that nobody gave", &get, done.clone(), nothing, false),
        ("an executed POST called safe", &post, Fate::Failed(failure(true, 9)), once, false),
        ("a POST called safe whose body was cut", &post, Fate::Cut(failure(true, 9)), once, false),
        ("an executed POST not called safe", &post, Fate::Failed(failure(false, 9)), once, true),
        ("an executed GET called safe", &get, Fate::Failed(failure(true, 9)), once, true),
        ("an executed GET of which nothing was written", &get, Fate::Failed(failure(true, 0)), once, false),
        ("a POST that never arrived", &post, Fate::Failed(failure(true, 0)), nothing, true),
        ("a broken body executed", &broken, Fate::Failed(failure(false, 9)), once, false),
        ("a request that never ends", &get, Fate::Open, once, false),
        (
            "a request that ends by its clock",
            &get,
            Fate::Failed(Failure { timeout: true, ..failure(true, 9) }),
            once,
            false,
        ),
    ] {
        assert_eq!(judge(plan, &fate, seen).is_ok(), well, "{name}: {:?}", judge(plan, &fate, seen));
    }
}
