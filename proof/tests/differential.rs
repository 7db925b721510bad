//! The table's bytes to other clients. Every difference is listed with its reason, and what is listed differs.

mod rivals;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use proof::cases::{Case, escape, load, parse};
use testkit::Case as Fixture;

use crate::rivals::hyper::hyper;
use crate::rivals::mutants::Both;
use crate::rivals::ours::see;
use crate::rivals::{curl, differences, list, mutants, unexplained};
use crate::wire::Random;

#[test]
fn hyper_differs_where_the_list_says() {
    let cases = load().unwrap_or_else(|error| panic!("{error}"));
    let mut found = BTreeSet::new();
    for case in &cases {
        let theirs = hyper(case);
        let these = differences(case, &theirs.seen, theirs.kept);
        if !these.is_empty() {
            println!("{}: {theirs:?}", case.place());
        }
        found.extend(these);
    }
    let (new, gone) = unexplained(&found, &list("differences-hyper.txt"));
    println!("{} differences in {} cases", found.len(), cases.len());
    assert!(new.is_empty(), "{} differences are not listed:\n{}", new.len(), new.join("\n"));
    assert!(gone.is_empty(), "{} differences are listed and gone:\n{}", gone.len(), gone.join("\n"));
}

#[test]
fn curl_differs_where_the_list_says() {
    let Some((program, version)) = curl::find() else {
        assert!(std::env::var_os("KEEPALIVE_REQUIRE_EXTERNAL").is_none(), "curl is not installed");
        println!("skipped: curl is not installed (Debian: apt-get install curl)");
        return;
    };
    let cases = load().unwrap_or_else(|error| panic!("{error}"));
    let program = program.as_path();
    let fit: Vec<_> = cases.iter().filter(|case| curl::is_fit(case)).collect();
    let mut found = BTreeSet::new();
    std::thread::scope(|scope| {
        let groups = fit.chunks(GROUP).map(|group| scope.spawn(move || (group, curl::curl(program, group))));
        for group in groups.collect::<Vec<_>>() {
            let (cases, theirs) = group.join().unwrap();
            for (case, theirs) in cases.iter().zip(theirs) {
                let mut these = differences(case, &theirs.seen, theirs.kept);
                // Fields and trailers are not looked at.
                these.retain(|(_, what)| !what.starts_with("field") && !what.starts_with("trailers"));
                these.retain(|(_, what)| !what.starts_with("version"));
                if !these.is_empty() {
                    println!("{}: {theirs:?}", case.place());
                }
                found.extend(these);
            }
        }
    });
    let (new, gone) = unexplained(&found, &list("differences-curl.txt"));
    println!("{} differences in {} of {} cases", found.len(), fit.len(), cases.len());
    assert!(new.is_empty(), "{} differences are not listed:\n{}", new.len(), new.join("\n"));
    if version == LISTED {
        assert!(gone.is_empty(), "{} differences are listed and gone:\n{}", gone.len(), gone.join("\n"));
    } else if !gone.is_empty() {
        println!("curl {version} does not differ any more where {LISTED} does:\n{}", gone.join("\n"));
    }
}

/// The version of curl that the list was made with. Another one may have mended what is listed.
const LISTED: &str = "7.88";

/// How many cases one process of curl gets, or one origin.
const GROUP: usize = 100;

#[test]
fn mutants_differ_in_listed_ways() {
    let number = |name, default| std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default);
    let (count, seed) = (number("KEEPALIVE_MUTANTS", 1000), number("KEEPALIVE_SEED", 1));
    let cases = load().unwrap_or_else(|error| panic!("{error}"));
    // What differs already would differ again.
    let known: BTreeSet<_> = list("differences-hyper.txt").into_keys().map(|(case, _)| case).collect();
    let fit = cases.into_iter().filter(|it| mutants::is_fit(it) && !known.contains(&it.name));
    // What is refused seldom becomes better.
    let (refused, answered): (Vec<_>, Vec<_>) = fit.partition(|it| it.exchanges[0].expected.error.is_some());
    let mut random = Random::new(seed);
    let made = (0..count).map(|_| {
        let cases = if random.below(4) == 0 { &refused } else { &answered };
        let case = &cases[random.below(cases.len())];
        mutants::with_bytes(case, mutants::mutant(case, &mut random))
    });
    let made: Vec<_> = made.collect();
    let listed: BTreeSet<_> = mutants::listed().into_iter().map(|it| it.key).collect();
    let mut new = BTreeMap::new();
    let mut found = BTreeMap::new();
    for (case, outcome) in made.iter().zip(compare(&made)) {
        *found.entry(outcome.clone()).or_insert(0) += 1;
        if let Err(key) = outcome {
            if !listed.contains(&key) {
                new.entry(key).or_insert_with(|| format!("{} as {}", case.name, escape(&case.bytes())));
            }
        }
    }
    println!("{count} mutants, seed {seed}: {found:#?}");
    assert!(new.is_empty(), "KEEPALIVE_SEED={seed}: {} ways are not listed: {new:#?}", new.len());
    let often = |both| found.get(&Ok(both)).copied().unwrap_or(0) * 10 >= count;
    assert!(often(Both::Answer) && often(Both::Refuse), "too few of either kind to say much: {found:#?}");
}

#[test]
fn the_listed_ways_in_which_mutants_differ_have_examples() {
    let listed = mutants::listed();
    let plain =
        parse("plain", "[plain]\nrule: RFC 9112 §4\n> x\nstatus: 200\nbody:\nverdict: reused\n").unwrap();
    let cases: Vec<_> = listed.iter().map(|it| mutants::with_bytes(&plain[0], it.example.clone())).collect();
    let keys: Vec<_> = compare(&cases).into_iter().map(Result::unwrap_err).collect();
    let wanted: Vec<_> = listed.into_iter().map(|it| it.key).collect();
    assert_eq!(keys, wanted);
    assert_eq!(wanted.iter().collect::<BTreeSet<_>>().len(), wanted.len(), "one is listed twice");
}

/// What ours and hyper make of each of these.
fn compare(cases: &[Case]) -> Vec<Result<Both, String>> {
    let mut all = Vec::new();
    for group in cases.chunks(GROUP) {
        testkit::run(async |fixture: &Fixture| {
            for (case, (seen, reason)) in group.iter().zip(see(fixture, group).await) {
                // hyper has a runtime of its own.
                let theirs = || mutants::compare(case, &seen, reason);
                all.push(std::thread::scope(|scope| scope.spawn(theirs).join().unwrap()));
            }
        });
    }
    all
}

/// The list is looked at line by line, both ways.
#[test]
fn a_difference_that_is_not_listed_and_one_that_is_gone_are_seen() {
    let text = r"
[same]
rule: RFC 9112 §6.2
> HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok
status: 200
body: ok
verdict: reused

[other-body]
rule: RFC 9112 §6.2
> HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok
status: 201
field: content-length: 3
body: oh
trailer: a: b
verdict: closed http_10

[other-outcome]
rule: RFC 9112 §6.2
> HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok
error: protocol: bad
verdict: closed protocol_error

[others-fail]
rule: RFC 9112 §6.2
> HTTP/1.1 20 OK\r\n\r\n
status: 200
body:
verdict: reused
";
    let mut found = BTreeSet::new();
    for case in parse("planted", text).unwrap() {
        let theirs = hyper(&case);
        found.extend(differences(&case, &theirs.seen, theirs.kept));
    }
    let (new, gone) =
        unexplained(&found, &rivals::parse("listed", "- why\nsame: body\nother-body: body\n").unwrap());
    assert_eq!(gone, ["same: body"]);
    assert_eq!(
        new,
        [
            "other-body: field content-length",
            "other-body: kept",
            "other-body: status",
            "other-body: trailers",
            "other-outcome: accepted",
            "others-fail: refused",
        ]
    );
}

#[test]
fn a_list_without_reasons_is_refused() {
    for (text, wanted) in [
        ("a: body", "x:1: no sentence explains it"),
        ("- why\na body", "x:2: no `case: what`"),
        ("- why\na: body\n- because\na: body", "x:4: it is there already"),
    ] {
        assert_eq!(rivals::parse("x", text).unwrap_err(), wanted);
    }
}
