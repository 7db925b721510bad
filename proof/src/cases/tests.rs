//! Files that are not as they have to be are refused, with the place.

use super::{load, load_from, parse};

const GOOD: &str = "[a]\nrule: RFC 9112 §4\n> HTTP/1.1 200 OK\\r\\n\\r\\n\nend: fin\nstatus: 200\nbody:\nverdict: closed close_delimited\n";

#[test]
fn a_good_case_is_read() {
    let cases = parse("x.txt", GOOD).unwrap();
    assert_eq!((cases.len(), cases[0].place()), (1, "x.txt:1 [a]".to_owned()));
    assert_eq!(cases[0].bytes(), b"HTTP/1.1 200 OK\r\n\r\n");
}

#[test]
fn what_is_malformed_is_refused_with_its_place() {
    for (good, bad, wanted) in [
        ("[a]", "[A]", "x.txt:1: a name is made of"),
        ("[a]", "[a", "x.txt:1: a name is made of"),
        ("[a]\n", "", "x.txt:1: a case begins with its `[name]`"),
        ("rule: RFC 9112 §4\n", "", "x.txt:1: no `rule` says what it follows"),
        ("RFC 9112 §4", "RFC 9112", "x.txt:2: `RFC 9112` is neither"),
        ("RFC 9112 §4", "decision: so", "x.txt:2: `decision: so` is neither"),
        ("OK\\r", "OK\\q", "x.txt:3: `\\q` is no escape"),
        ("OK\\r\\n\\r\\n", "OK\\r\\n\\r\\n ", "x.txt:3: the line ends in a blank"),
        ("> HTTP", "HTTP", "x.txt:3: `HTTP/1.1 200 OK\\r\\n\\r\\n` is no `key: value`"),
        (
            "> HTTP/1.1 200 OK\\r\\n\\r\\n\nend: fin\n",
            "",
            "x.txt:1: the server neither says anything nor ends",
        ),
        ("end: fin", "end: soon", "x.txt:4: `soon` is not"),
        ("end: fin", "end: fin\nend: fin", "x.txt:5: `end` is said twice"),
        ("end: fin", "pause: long", "x.txt:4: a pause stands between bytes"),
        ("end: fin", "pause:", "x.txt:1: no bytes follow the last pause"),
        ("status: 200", "status: ok", "x.txt:5: `ok` is no status"),
        ("status: 200\nbody:\n", "", "x.txt:1: neither `status` nor `error`"),
        ("status: 200\n", "error: io: x\n", "x.txt:1: where there is no `status`"),
        ("body:\n", "", "x.txt:1: a response needs a `body`"),
        ("body:\n", "body:\nupgraded: x\n", "x.txt:1: a response needs a `body`"),
        ("body:", "body: {x*}", "x.txt:6: `{x*}` is no repetition"),
        ("body:", "body:\nbody:", "x.txt:7: `body` is said twice"),
        ("body:", "body:\nfield: a", "x.txt:7: `a` is no `name: value`"),
        ("body:", "body:\nfield: a b: c", "x.txt:7: `a b` is no field name"),
        ("body:", "body:\nversion: 2", "x.txt:7: `2` is not `1.0` or `1.1`"),
        ("body:", "body:\nerror: odd: x", "x.txt:7: the kinds are"),
        ("body:", "body:\nerror: io: x\nnext:", "x.txt:8: no request follows one that fails"),
        ("body:", "body:\ncolour: red", "x.txt:7: `colour` is no key"),
        ("body:", "body:\nask: GET twice", "x.txt:7: `twice` is not `one_shot`"),
        ("closed close_delimited", "reused", "x.txt:1: a connection that ended, or failed, cannot be reused"),
        (
            "closed close_delimited",
            "closed closed_delimited",
            "x.txt:7: `closed closed_delimited` names a reason",
        ),
        ("verdict: closed close_delimited\n", "", "x.txt:1: there is no `verdict`"),
    ] {
        assert!(GOOD.contains(good), "{good}");
        let error = parse("x.txt", &GOOD.replace(good, bad)).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{bad}: {error}");
    }
}

#[test]
fn a_table_has_each_name_once_and_a_case() {
    let directory = tempfile::tempdir().unwrap();
    let refused = || load_from(directory.path()).unwrap_err().to_string();
    assert!(refused().ends_with("there is no case"));
    std::fs::write(directory.path().join("a.txt"), GOOD).unwrap();
    std::fs::write(directory.path().join("differences-x.txt"), "no cases").unwrap();
    assert_eq!(load_from(directory.path()).unwrap().len(), 1);
    std::fs::write(directory.path().join("b.txt"), format!("\n{GOOD}")).unwrap();
    assert_eq!(refused(), "b.txt:2: the name `a` is used at a.txt:1 already");
    assert!(load_from(&directory.path().join("none")).is_err());
}

#[test]
fn the_committed_table_is_well_formed() {
    let cases = load().unwrap_or_else(|error| panic!("{error}"));
    assert!(cases.iter().all(|case| !case.rules.is_empty()));
}
