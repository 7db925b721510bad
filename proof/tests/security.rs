//! SECURITY.md says the truth: each test that it names exists and runs, and each number is the code's.
//!
//! A test is a word in backticks in the last column of a table; a number is `NAME = value` in backticks in
//! the column before it, written as in the code (or `NAME: type = value`, where a name is not unique).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All sources of the workspace.
fn sources() -> Vec<String> {
    let mut sources = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["keepalive", "testkit", "proof"].iter().map(|name| root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(fs::read_to_string(&path).expect("a source"));
            }
        }
    }
    sources
}

/// The rows of all tables, as cells, heads left out.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").collect())
        .filter(|row: &Vec<_>| row != &["threat", "bound", "test"])
        .collect()
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The functions that the test harness runs: those right below an attribute that says so.
fn tests(sources: &[String]) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for source in sources {
        let mut is_test = false;
        for line in source.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if line.starts_with("#[ignore") {
                is_test = false;
            } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                tests.insert(rest.split('(').next().unwrap_or_default().to_owned());
                is_test = false;
            }
        }
    }
    tests
}

/// Whether a constant is declared with that value, and its type if that is told.
fn is_declared(declaration: &str, sources: &[String]) -> bool {
    let (name, value) = declaration.split_once(" = ").expect("a name and a value");
    let begins = format!("const {name}");
    let ends = format!(" = {value};");
    let declares = |line: &str| {
        line.split_once(&begins)
            .is_some_and(|(_, rest)| rest.starts_with([':', ' ']) && rest.ends_with(&ends))
    };
    sources.iter().any(|source| source.lines().any(declares))
}

#[test]
fn every_test_named_in_security_md_exists() {
    let text = fs::read_to_string(root().join("SECURITY.md")).expect("SECURITY.md");
    let tests = tests(&sources());
    let mut named = 0;
    for row in rows(&text) {
        let [threat, _, last] = row[..] else { panic!("a row of {} cells: {row:?}", row.len()) };
        let names = quoted(last);
        assert!(!names.is_empty(), "no test is named for: {threat}");
        for name in names {
            assert!(tests.contains(name), "there is no test `{name}`, named for: {threat}");
            named += 1;
        }
    }
    assert!(named > 50, "the tables are read: {named} names");
}

#[test]
fn every_number_in_security_md_is_the_codes() {
    let text = fs::read_to_string(root().join("SECURITY.md")).expect("SECURITY.md");
    let sources = sources();
    let mut seen = 0;
    for row in rows(&text) {
        for declaration in quoted(row[1]).into_iter().filter(|quote| quote.contains(" = ")) {
            assert!(is_declared(declaration, &sources), "no constant is declared so: {declaration}");
            seen += 1;
        }
    }
    assert!(seen > 30, "the tables are read: {seen} numbers");
}

/// What the two tests above rest on.
#[test]
fn a_name_without_a_test_and_a_wrong_number_are_seen() {
    let sources =
        ["#[test]\nfn a() {}\nfn b() {}\n#[test]\n#[ignore = \"x\"]\nfn c() {}\nconst D: u8 = 32;\n"];
    let sources = sources.map(str::to_owned);
    assert_eq!(tests(&sources), BTreeSet::from(["a".to_owned()]));
    assert!(is_declared("D = 32", &sources) && is_declared("D: u8 = 32", &sources));
    assert!(!is_declared("D = 3", &sources) && !is_declared("D: u16 = 32", &sources));
}
