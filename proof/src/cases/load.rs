//! The whole table: every file of the directory, and what must hold across files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Case, CaseError, parse};

/// The committed table, `proof/cases/*.txt` in the order of the files' names.
///
/// Files that are called `differences-…` are lists for the comparisons and hold no cases.
///
/// # Errors
///
/// Whatever [`load_from`] says.
pub fn load() -> Result<Vec<Case>, CaseError> {
    load_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))
}

/// The table of another directory.
///
/// # Errors
///
/// A file that cannot be read or is no list of cases, a name that is used twice, no case at all.
pub fn load_from(directory: &Path) -> Result<Vec<Case>, CaseError> {
    let unreadable = |path: &Path, error: std::io::Error| {
        CaseError::new(&path.display().to_string(), 0, format!("cannot be read: {error}"))
    };
    let entries = fs::read_dir(directory).map_err(|error| unreadable(directory, error))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| unreadable(directory, error))?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|it| it == "txt"));
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("differences-") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        cases.extend(parse(&name, &text)?);
    }
    let mut places = BTreeMap::new();
    for case in &cases {
        if let Some(first) = places.insert(&case.name, case) {
            let text = format!("the name `{}` is used at {}:{} already", case.name, first.file, first.line);
            return Err(CaseError::new(&case.file, case.line, text));
        }
    }
    if cases.is_empty() {
        return Err(CaseError::new(&directory.display().to_string(), 0, "there is no case"));
    }
    Ok(cases)
}
