//! The table's bytes to other clients. Every difference is listed with its reason, and what is listed differs.

mod rivals;

use std::collections::BTreeSet;

use proof::cases::{load, parse};

use crate::rivals::hyper::hyper;
use crate::rivals::{curl, differences, list, unexplained};

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

/// How many cases one process of curl gets.
const GROUP: usize = 100;

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
