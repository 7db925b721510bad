//! Where and with what a measurement was made: no figure stands without it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::Serialize;
use time::OffsetDateTime;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    /// In UTC.
    pub(crate) date: String,
}

impl Machine {
    /// Asks for `cores` now: later this process is pinned to some of them.
    pub(crate) fn look() -> Self {
        let cpu = read("/proc/cpuinfo").lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == "model name").then(|| value.trim().to_owned())
        });
        Self {
            cpu: cpu.unwrap_or_else(|| std::env::consts::ARCH.into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            rustc: first_line("rustc", "--version").unwrap_or_else(|| "rustc of unknown version".into()),
            date: OffsetDateTime::now_utc().date().to_string(),
        }
    }

    pub(crate) fn sentence(&self) -> String {
        let Self { cpu, cores, kernel, rustc, date } = self;
        let cores = if *cores == 1 { "1 core".into() } else { format!("{cores} cores") };
        format!("{cpu}, {cores}, {kernel}, {rustc}, {date}")
    }
}

/// The versions of what is measured.
pub(crate) fn versions(bench: &Path) -> BTreeMap<String, String> {
    let mut versions: BTreeMap<_, _> = locked(include_str!("../Cargo.lock"))
        .filter(|(name, _)| CRATES.contains(name))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect();
    let package = read(bench.join("foreign/package.json"));
    let package: serde_json::Value = serde_json::from_str(&package).unwrap_or_default();
    let undici = package["dependencies"]["undici"].as_str().map(str::to_owned);
    let go = first_line("go", "version").map(|line| line.replace("go version go", ""));
    let outside = [("node", first_line("node", "--version")), ("go", go), ("undici", undici)];
    versions.extend(outside.into_iter().filter_map(|(name, version)| Some((name.to_owned(), version?))));
    versions
}

/// The packages of a Cargo.lock and their versions.
fn locked(lock: &str) -> impl Iterator<Item = (&str, &str)> {
    lock.split("[[package]]").filter_map(|package| {
        let value = |key: &str| package.lines().find_map(|line| line.strip_prefix(key)?.strip_suffix('"'));
        Some((value("name = \"")?, value("version = \"")?))
    })
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn first_line(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

/// The crates whose versions matter to a figure.
const CRATES: [&str; 9] =
    ["awc", "aws-smithy-http-client", "h2", "hyper", "hyper-util", "reqwest", "rustls", "tokio", "ureq"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_tells_versions() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"b\"\n\
                    version = \"0.1.0\"\ndependencies = [\n \"a\",\n]\n";
        assert_eq!(locked(lock).collect::<Vec<_>>(), [("a", "1.2.3"), ("b", "0.1.0")]);
    }
}
