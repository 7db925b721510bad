//! What other clients make of the table: in which cases they differ, and the list that says why.
//!
//! A list (`proof/cases/differences-….txt`) is made of a sentence that begins with `-`, and below it the cases that
//! it explains, one a line: `name: what`. `what` is one of
//!
//! - `refused`: they fail, the table answers; `accepted`: the other way round;
//! - `status`, `body`, `trailers`, `field …`, `upgraded`: both answer, and that is not the same;
//! - `kept`: they would use the connection again, the table closes it; `closed`: the other way round.
//!
//! `what` of another exchange than the first has its number behind: `refused 1`.

pub(crate) mod curl;
pub(crate) mod hyper;
pub(crate) mod mutants;
pub(crate) mod ours;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proof::cases::{Case, Seen, Verdict};

/// A case and in what it differs.
pub(crate) type Line = (String, String);

/// Everything in which they differ from the table. `seen` may be shorter than the case's exchanges if the
/// connection was given up before.
pub(crate) fn differences(case: &Case, seen: &[Seen], kept: bool) -> Vec<Line> {
    let mut found = Vec::new();
    for (nth, exchange) in case.exchanges.iter().enumerate() {
        let number = if nth == 0 { String::new() } else { format!(" {nth}") };
        let mut add = |what: &str| found.push((case.name.clone(), format!("{what}{number}")));
        let Some(seen) = seen.get(nth) else {
            found.push((case.name.clone(), format!("closed {}", nth - 1).replace(" 0", "")));
            return found;
        };
        match (&exchange.expected.error, &seen.error) {
            (Some(_), Some(_)) => {}
            (Some(_), None) => add("accepted"),
            (None, Some(_)) => add("refused"),
            (None, None) => exchange.expected.compare(seen).iter().for_each(|it| add(&it.what)),
        }
        if exchange.expected.error.is_some() || seen.error.is_some() {
            return found;
        }
    }
    let number =
        if case.exchanges.len() == 1 { String::new() } else { format!(" {}", case.exchanges.len() - 1) };
    match (&case.verdict, kept) {
        (Verdict::Reused, false) => found.push((case.name.clone(), format!("closed{number}"))),
        (Verdict::Closed(_), true) => found.push((case.name.clone(), format!("kept{number}"))),
        _ => {}
    }
    found
}

/// A committed list: each line, and the sentence that explains it.
pub(crate) fn list(name: &str) -> BTreeMap<Line, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse(name, &text).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn parse(name: &str, text: &str) -> Result<BTreeMap<Line, String>, String> {
    let mut lines = BTreeMap::new();
    let mut reason = None;
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(sentence) = line.strip_prefix("- ") {
            reason = Some(sentence.to_owned());
            continue;
        }
        let reason = reason.clone().ok_or_else(|| format!("{name}:{number}: no sentence explains it"))?;
        let (case, what) =
            line.split_once(": ").ok_or_else(|| format!("{name}:{number}: no `case: what`"))?;
        if lines.insert((case.to_owned(), what.to_owned()), reason).is_some() {
            return Err(format!("{name}:{number}: it is there already"));
        }
    }
    Ok(lines)
}

/// What differs and is not listed, and what is listed and does not differ, a line each.
pub(crate) fn unexplained(
    found: &BTreeSet<Line>,
    listed: &BTreeMap<Line, String>,
) -> (Vec<String>, Vec<String>) {
    let show = |(case, what): &Line| format!("{case}: {what}");
    let new = found.iter().filter(|line| !listed.contains_key(line)).map(show).collect();
    let gone = listed.keys().filter(|line| !found.contains(line)).map(show).collect();
    (new, gone)
}
