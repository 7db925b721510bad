//! Files for bodies: which one belongs to which request, and how a file appears whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use crate::exit::Fault;
use crate::options::{Bodies, too_many_files};

/// Where the bodies go.
#[derive(Debug)]
pub(super) struct Targets(Bodies);

impl Targets {
    /// Makes the directory, if there is one and it is missing.
    pub(super) fn new(bodies: Bodies) -> Result<Self, Fault> {
        if let Bodies::Dir(dir) = &bodies {
            make(dir).map_err(|error| Fault::io("cannot write to", dir.display(), &error))?;
        }
        Ok(Self(bodies))
    }

    /// The file of the URL at this place, counted from 0.
    pub(super) fn of(&self, place: usize) -> Option<PathBuf> {
        match &self.0 {
            Bodies::Drop => None,
            Bodies::Files(files) => files.get(place).cloned(),
            Bodies::Dir(dir) => Some(dir.join(format!("{:06}.body", place + 1))),
        }
    }

    /// Whether every file had a URL, now that their number is known.
    pub(super) fn check(&self, urls: usize) -> Result<(), Fault> {
        match &self.0 {
            Bodies::Files(files) if files.len() > urls => Err(too_many_files(files.len(), urls)),
            _ => Ok(()),
        }
    }
}

/// A file that is being written. Until it is kept it has a temporary name beside its own; dropped before
/// that, it is removed.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    /// What the user called it, for messages.
    name: PathBuf,
    /// The temporary name and the final one; `None` for what cannot be renamed, such as a device.
    rename: Option<(PathBuf, PathBuf)>,
}

impl Draft {
    /// Opens the temporary file.
    ///
    /// # Errors
    ///
    /// A line that names the target; as of the other methods.
    pub(super) async fn create(name: PathBuf) -> Result<Self, String> {
        let opened = match fs::metadata(&name) {
            // A device or a pipe is written to, not replaced; a directory says by itself that it is one. To
            // open a pipe takes until somebody reads it.
            Ok(found) if !found.is_file() => {
                OpenOptions::new().write(true).open(&name).await.map(|file| (file, None))
            }
            // Where the name is a link, the file that it leads to is replaced.
            Ok(_) => fs::canonicalize(&name).and_then(temporary),
            Err(_) => temporary(name.clone()),
        };
        let (file, rename) = opened.map_err(|error| cannot_write(&name, &error))?;
        Ok(Self { file, name, rename })
    }

    /// Adds to it.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file.write_all(bytes).await.map_err(|error| cannot_write(&self.name, &error))
    }

    /// Gives the file its name: it is whole.
    pub(super) async fn keep(mut self) -> Result<(), String> {
        let flushed = self.file.flush().await;
        let named = flushed.and_then(|()| match &self.rename {
            Some((temporary, name)) => fs::rename(temporary, name),
            None => Ok(()),
        });
        named.map_err(|error| cannot_write(&self.name, &error))?;
        self.rename = None;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some((temporary, _)) = &self.rename {
            // If it cannot be removed there is nothing left to try.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// A new file beside `name`. Its own name does not contain that one, which may be as long as names can be.
fn temporary(name: PathBuf) -> io::Result<(File, Option<(PathBuf, PathBuf)>)> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    loop {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let temporary = name.with_file_name(format!(".keepalive-{}-{serial}.part", process::id()));
        match fs::File::create_new(&temporary) {
            Ok(file) => return Ok((File::from_std(file), Some((temporary, name)))),
            // Left behind by a process of the same number that was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn make(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        made => made,
    }
}

fn cannot_write(name: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", name.display())
}
