//! Counts instructions: runs this program again under valgrind, where [`counted`] is all that counts.
//!
//! The program under valgrind prints the name of each piece of work and how often it was done; valgrind
//! writes a file after each call of `counted`, the first file for the first piece.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The argument of the program under valgrind.
pub(crate) const PART: &str = "count-instructions";

/// Instructions of one step, by name.
pub(crate) type Counted = BTreeMap<String, f64>;

const COUNTED: &str = "guards::callgrind::counted";

/// Does a piece of work once, and tells whoever counts how many steps that was.
pub(crate) fn count_steps(name: &str, steps: usize, mut work: impl FnMut()) {
    println!("{name} {steps}");
    counted(&mut work);
}

#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
}

/// Whether valgrind is installed.
pub(crate) fn is_there() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Runs this program under valgrind with these arguments.
pub(crate) fn count(arguments: &[&str]) -> Result<Counted, Box<dyn Error>> {
    let directory = Directory::new()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--error-exitcode=1", "--log-fd=2"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--dump-after={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", directory.0.join("out").display()))
        .arg(std::env::current_exe()?)
        .arg(PART)
        .args(arguments)
        .output()?;
    if !output.status.success() {
        return Err(format!("under valgrind: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut counted = Counted::new();
    for (index, line) in String::from_utf8(output.stdout)?.lines().enumerate() {
        let (name, steps) = line.split_once(' ').ok_or("a line without a number of steps")?;
        let total = total(&directory.0.join(format!("out.{}", index + 1)))?;
        counted.insert(name.to_owned(), total / steps.parse::<f64>()?);
    }
    Ok(counted)
}

/// What one file says that was counted.
fn total(path: &Path) -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| {
        format!("valgrind wrote no {}; does it know `{COUNTED}`? {error}", path.display())
    })?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    total.filter(|&total| total > 0.0).ok_or_else(|| format!("{} counts nothing", path.display()).into())
}

/// A directory of its own, which goes when this is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("keepalive-guards-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
