//! The same bytes to curl, many cases to one process.
//!
//! Not asked: CONNECT and upgrades, which curl does through other options; resets, since what came before one may
//! or may not be read.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use http::{HeaderMap, Method, Version};
use proof::cases::{Ask, Case, End, Kind, Seen, Verdict};
use testkit::{Script, ScriptedOrigin, ok};

/// What curl made of a case.
#[derive(Debug)]
pub(crate) struct Curl {
    /// Exchange by exchange. Only status, body and error.
    pub(crate) seen: Vec<Seen>,
    /// Whether the next request went over the case's connection; as the table has it after an error.
    pub(crate) kept: bool,
}

/// Where curl is, and its version without the last part: `7.88`.
pub(crate) fn find() -> Option<(PathBuf, String)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&path).map(|place| place.join("curl")).find(|it| it.is_file())?;
    let said = Command::new(&program).arg("--version").output().ok()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = said.split(' ').nth(1)?.rsplit_once('.')?.0.to_owned();
    Some((program, version))
}

/// Whether curl can be asked.
pub(crate) fn is_fit(case: &Case) -> bool {
    case.end != End::Reset
        && case.exchanges.iter().all(|it| it.ask.method != Method::CONNECT && it.expected.upgraded.is_none())
}

/// Runs these cases, one after the other, in as few processes as it takes.
pub(crate) fn curl(program: &Path, cases: &[&Case]) -> Vec<Curl> {
    let directory = tempfile::tempdir().expect("a directory for bodies");
    let mut all = Vec::new();
    while let Some(left) = cases.get(all.len()..).filter(|left| !left.is_empty()) {
        let before = all.len();
        all.extend(one_process(program, left, directory.path()));
        assert!(all.len() > before, "curl does not get beyond {}", left[0].place());
    }
    all
}

/// As many of the cases as one process does: curl ends at an error of its own.
fn one_process(program: &Path, cases: &[&Case], directory: &Path) -> Vec<Curl> {
    let file = |case: usize, nth: usize| directory.join(format!("{case}-{nth}"));
    let origins: Vec<_> = cases.iter().map(|case| origin(case)).collect();
    let mut config = String::new();
    for (at, (case, origin)) in cases.iter().zip(&origins).enumerate() {
        for (nth, ask) in case.exchanges.iter().map(|it| &it.ask).chain([&Ask::default()]).enumerate() {
            config.push_str(&transfer(&origin.url("/"), ask, &file(at, nth)));
        }
    }
    let said = run(program, &config);
    let mut lines = said.lines().map(Line::of);
    let mut all = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        let answers: Vec<_> = lines.by_ref().take(case.exchanges.len()).collect();
        let was_last = answers.iter().any(|it| it.code == BAD_FUNCTION_ARGUMENT);
        if answers.len() < case.exchanges.len() && !was_last {
            break;
        }
        let probe = lines.next();
        let mut seen = Vec::new();
        let (mut broken, mut fresh) = (false, false);
        for (nth, (exchange, line)) in case.exchanges.iter().zip(answers).enumerate() {
            // Where nothing is answered it is curl that tries again.
            fresh |= nth > 0 && line.connects > 0;
            broken |= fresh && !exchange.segments.is_empty();
            let is_head = exchange.ask.method == Method::HEAD;
            let body = if is_head { Vec::new() } else { std::fs::read(file(at, nth)).unwrap_or_default() };
            if !broken {
                seen.push(line.seen(body));
            }
            // The files of the next process have the same names.
            let _ = std::fs::remove_file(file(at, nth));
        }
        let failed = seen.iter().any(|it| it.error.is_some());
        let as_expected = case.verdict == Verdict::Reused;
        let kept = if failed { as_expected } else { probe.is_some_and(|it| it.connects == 0) };
        all.push(Curl { seen, kept: kept && !fresh });
        if was_last {
            break;
        }
    }
    all
}

/// curl's tool goes on after other errors.
const BAD_FUNCTION_ARGUMENT: u32 = 43;

/// The case's bytes on the first connection, segments as one; the next request is served on it too if it comes.
fn origin(case: &Case) -> ScriptedOrigin {
    let script = case.exchanges.iter().fold(Script::new(), |script, exchange| {
        let script = script.request();
        let bytes = exchange.segments.concat();
        if bytes.is_empty() { script } else { script.send(bytes) }
    });
    // After what the table refuses nothing follows: else curl would wait for it where it refuses nothing.
    let refused = case.exchanges.iter().any(|it| it.expected.error.is_some());
    let ends = case.end == End::Fin || refused;
    let script = if ends { script.half_close() } else { script.request().send(ok("next")) };
    let next = Script::new().request().send(ok("next")).repeat();
    ScriptedOrigin::builder().connection(script).otherwise(next).start()
}

/// One transfer, as a file of options says it.
fn transfer(url: &str, ask: &Ask, output: &Path) -> String {
    let mut lines = vec![
        "next".to_owned(),
        "silent".to_owned(),
        "http1.1".to_owned(),
        "max-time = 5".to_owned(),
        format!("url = {}", quoted(url.as_bytes())),
        format!("output = {}", quoted(output.display().to_string().as_bytes())),
        r#"write-out = "%{exitcode} %{num_connects} %{http_code} %{errormsg}\n""#.to_owned(),
    ];
    match ask.method {
        Method::HEAD => lines.push("head".to_owned()),
        _ => lines.push(format!("request = {}", quoted(ask.method.as_str().as_bytes()))),
    }
    if !ask.body.is_empty() {
        lines.push(format!("data-binary = {}", quoted(&ask.body)));
    }
    for (name, value) in &ask.fields {
        let field = [name.as_str().as_bytes(), b": ", value.as_bytes()].concat();
        lines.push(format!("header = {}", quoted(&field)));
    }
    if ask.one_shot {
        lines.push(r#"header = "connection: close""#.to_owned());
    }
    lines.push(String::new());
    lines.join("\n")
}

fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn run(program: &Path, config: &str) -> String {
    let mut process = Command::new(program)
        .args(["--disable", "--noproxy", "*", "--config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("curl starts");
    process.stdin.take().expect("it is piped").write_all(config.as_bytes()).expect("curl reads its options");
    let output = process.wait_with_output().expect("curl ends");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What curl says of one transfer.
struct Line {
    code: u32,
    error: Option<String>,
    connects: u32,
    status: u16,
}

impl Line {
    fn of(line: &str) -> Self {
        let mut parts = line.splitn(4, ' ');
        let mut number = || parts.next().and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
        let (code, connects, status): (u32, u32, u32) = (number(), number(), number());
        let error = (code != 0).then(|| format!("{code} {}", parts.next().unwrap_or_default()));
        Self { code, error, connects, status: u16::try_from(status).expect("three digits, or none") }
    }

    fn seen(self, body: Vec<u8>) -> Seen {
        Seen {
            head: (self.status > 0).then(|| (Version::HTTP_11, self.status, HeaderMap::new())),
            body,
            error: self.error.map(|text| (Kind::Protocol, text)),
            ..Seen::default()
        }
    }
}
