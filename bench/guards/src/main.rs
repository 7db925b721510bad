//! `guards`: holds the figures against their limits and against what is committed.
//!
//! `--update` commits the present ones; `--json` prints all of them and judges none.

use std::error::Error;
use std::process::ExitCode;

use guards::{Baseline, Counting, Verdict, assist, measure, to_json};

#[global_allocator]
static COUNTING: Counting = Counting;

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("guards: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    if assist(arguments)? {
        return Ok(ExitCode::SUCCESS);
    }
    let (update, as_json) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (false, false),
        ["--update"] => (true, false),
        ["--json"] => (false, true),
        _ => {
            eprintln!("usage: guards [--update | --json]");
            return Ok(ExitCode::from(2));
        }
    };
    let (figures, skipped) = measure()?;
    if let Some(skipped) = &skipped {
        eprintln!("skipped: {skipped}");
        if std::env::var_os("KEEPALIVE_REQUIRE_EXTERNAL").is_some_and(|value| value == "1") {
            return Err("KEEPALIVE_REQUIRE_EXTERNAL=1: nothing may be skipped".into());
        }
    }
    if as_json {
        println!("{:#}", to_json(&figures));
        return Ok(ExitCode::SUCCESS);
    }
    let mut baseline = Baseline::load()?;
    if update {
        if skipped.is_some() {
            return Err("a baseline needs all figures".into());
        }
        baseline.update(&figures)?;
    }
    let verdicts: Vec<_> = figures.iter().map(|figure| figure.judge(&baseline)).collect();
    verdicts.iter().for_each(|verdict| println!("{verdict}"));
    let failed = verdicts.iter().filter(|verdict| !Verdict::is_ok(verdict)).count();
    println!("\n{failed} of {} failed", verdicts.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
