//! Each fuzz target over its committed corpus and over inputs that come of it, on a stable toolchain.
//!
//! `KEEPALIVE_FUZZ_RUNS` sets how many inputs each target gets, `KEEPALIVE_FUZZ_SEED` the first seed; a failure
//! prints both as they repeat it. `scripts/fuzz` runs the same targets with a fuzzer that learns.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use proof::mutate;
use proof::targets::{ALL, Target};

/// A target's inputs beside its corpus, and what the state machine's get of that: each is a whole life.
const RUNS: u64 = 3000;
const SLOW: (&str, u64) = ("machine", 10);

#[test]
fn chunked() {
    run("chunked");
}

#[test]
fn differential() {
    run("differential");
}

#[test]
fn keep_alive() {
    run("keep_alive");
}

#[test]
fn machine() {
    run("machine");
}

#[test]
fn request() {
    run("request");
}

#[test]
fn response() {
    run("response");
}

fn run(name: &str) {
    let (_, target) = ALL.into_iter().find(|(it, _)| *it == name).expect("a target");
    let corpus = corpus(name);
    for (file, input) in &corpus {
        try_input(target, input, || format!("{name}: {file} fails"));
    }
    let inputs: Vec<Vec<u8>> = corpus.into_iter().map(|(_, input)| input).collect();
    let first = setting("KEEPALIVE_FUZZ_SEED").unwrap_or(1);
    let runs = if name == SLOW.0 { RUNS / SLOW.1 } else { RUNS };
    for seed in first..first + setting("KEEPALIVE_FUZZ_RUNS").unwrap_or(runs) {
        let input = mutate::input(&inputs, seed);
        try_input(target, &input, || {
            format!(
                "to repeat it: KEEPALIVE_FUZZ_SEED={seed} KEEPALIVE_FUZZ_RUNS=1 cargo test -p proof --test fuzz {name}"
            )
        });
    }
}

fn try_input(target: Target, input: &[u8], help: impl Fn() -> String) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        eprintln!("the input was b\"{}\"\n{}", input.escape_ascii(), help());
        resume_unwind(panic);
    }
}

/// The files in their order, which the seeds depend on.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() >= 10, "{} has {} files", folder.display(), files.len());
    let read = |path: &Path| std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    files.iter().map(|path| (path.display().to_string(), read(path))).collect()
}

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is not a number")))
}
