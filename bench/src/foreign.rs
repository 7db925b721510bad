//! The clients outside Rust (`foreign/`): which of them can run here, and how they are started.
//!
//! Not how they are run: their argument and their result line are those of every client. Asked once, before
//! the first round, because the answer takes a start of `node` and a build by `go`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest Node that the clients are written for: undici's own demand. On older ones Node's agent may
/// also close a connection for the `connection` field that is not sent.
const OLDEST_NODE: [u32; 3] = [20, 18, 1];

/// A client that can be started here, as often as needed.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    script: Option<PathBuf>,
}

impl Program {
    /// A start of the client; what is missing is its one argument.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.script);
        command
    }

    fn script(script: PathBuf) -> Self {
        Self { path: "node".into(), script: Some(script) }
    }
}

/// Each client with how to start it, or why it is skipped and how to enable it. `bench` is this crate's
/// directory; the binary of the client in Go is built into `scratch`, which exists.
pub(crate) fn find(bench: &Path, scratch: &Path) -> [(&'static str, Result<Program, String>); 3] {
    let foreign = bench.join("foreign");
    let node = node();
    let undici = node.clone().and_then(|()| undici(&foreign));
    [
        ("node-agent", node.map(|()| Program::script(foreign.join("agent.mjs")))),
        ("undici", undici.map(|()| Program::script(foreign.join("undici.mjs")))),
        ("go", go(&foreign, scratch)),
    ]
}

fn node() -> Result<(), String> {
    let oldest = OLDEST_NODE.map(|part| part.to_string()).join(".");
    let output = Command::new("node")
        .arg("--version")
        .output()
        .map_err(|error| format!("no node ({error}); install Node {oldest} or newer"))?;
    let version = String::from_utf8_lossy(&output.stdout);
    let version = version.trim();
    let parts: Option<Vec<u32>> =
        version.strip_prefix('v').and_then(|parts| parts.split('.').map(|part| part.parse().ok()).collect());
    match parts {
        Some(parts) if parts.as_slice() >= OLDEST_NODE.as_slice() => Ok(()),
        _ => Err(format!("node is {version:?}; install Node {oldest} or newer")),
    }
}

/// Whether the version that `package.json` names is installed, and no other.
fn undici(foreign: &Path) -> Result<(), String> {
    let how = format!("run `npm ci` in {}", foreign.display());
    let wanted = json(&foreign.join("package.json"))?;
    let installed = json(&foreign.join("node_modules/undici/package.json"))
        .map_err(|error| format!("undici is not installed ({error}); {how}"))?;
    let (wanted, installed) = (&wanted["dependencies"]["undici"], &installed["version"]);
    if wanted == installed {
        Ok(())
    } else {
        Err(format!("undici {installed} is installed, not {wanted}; {how}"))
    }
}

fn json(path: &Path) -> Result<serde_json::Value, String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn go(foreign: &Path, scratch: &Path) -> Result<Program, String> {
    let path = std::path::absolute(scratch.join("go-client")).map_err(|error| error.to_string())?;
    let built = Command::new("go")
        .args(["build", "-buildvcs=false", "-o"])
        .arg(&path)
        .arg(".")
        .current_dir(foreign)
        .env("GOWORK", "off")
        .env("GOTOOLCHAIN", "local") // fetches nothing
        .output()
        .map_err(|error| {
            format!("no go ({error}); install Go 1.19 or newer (Debian: apt-get install golang-go)")
        })?;
    if built.status.success() {
        Ok(Program { path, script: None })
    } else {
        Err(format!(
            "go does not build it (1.19 or newer is needed): {}",
            String::from_utf8_lossy(&built.stderr).trim()
        ))
    }
}
