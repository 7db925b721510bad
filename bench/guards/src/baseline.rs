//! The committed figures. Instructions differ between processors, so each kind has its own.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Figure, Rule};

/// What was measured when somebody last said that it was all right.
#[derive(Debug)]
pub struct Baseline {
    path: PathBuf,
    all: Value,
}

impl Baseline {
    /// The one of this package.
    ///
    /// # Errors
    ///
    /// If it is there and cannot be read.
    pub fn load() -> io::Result<Self> {
        let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.json"));
        let all = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => json!({ "v": 1 }),
            Err(error) => return Err(error),
        };
        Ok(Self { path, all })
    }

    /// The committed figure of that name, for processors like this one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.all.get(ARCH)?.get(name)?.as_f64()
    }

    /// Replaces what is committed for processors like this one.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn update(&mut self, figures: &[Figure]) -> io::Result<()> {
        let kept = figures.iter().filter(|figure| matches!(figure.rule, Rule::Baseline(_)));
        let kept: BTreeMap<_, _> = kept.map(|figure| (&figure.name, figure.value.round())).collect();
        self.all[ARCH] = json!(kept);
        fs::write(&self.path, format!("{:#}\n", self.all))
    }
}
