//! The URLs: those of the command line, then the lines of a file or of standard input.
//!
//! A thread of its own reads ahead by a line or two and waits until they are wanted: reading blocks, and
//! it must neither hold up the requests nor the end of the program.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::thread;

use tokio::sync::mpsc;

use crate::exit::Fault;
use crate::options::Source;

/// One line of input.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) url: String,
    /// Why it cannot be a URL, where that is known already.
    pub(super) flaw: Option<&'static str>,
}

/// All the input, taken one by one.
#[derive(Debug)]
pub(super) struct Input {
    listed: std::vec::IntoIter<String>,
    lines: Option<mpsc::Receiver<io::Result<Entry>>>,
    /// What the lines are read from.
    name: Option<String>,
}

impl Input {
    /// Opens the file, if there is one.
    pub(super) fn open(urls: Vec<String>, source: Option<Source>) -> Result<Self, Fault> {
        let name = source.as_ref().map(|source| match source {
            Source::Stdin => "standard input".to_owned(),
            Source::File(path) => path.display().to_string(),
        });
        let lines = match source {
            None => None,
            Some(Source::Stdin) => Some(read(BufReader::new(io::stdin()))?),
            Some(Source::File(path)) => {
                let file =
                    File::open(&path).map_err(|error| Fault::io("cannot read", path.display(), &error))?;
                Some(read(BufReader::new(file))?)
            }
        };
        Ok(Self { listed: urls.into_iter(), lines, name })
    }

    pub(super) fn name(&self) -> Option<String> {
        self.name.clone()
    }

    /// The next URL, or `None` at the end.
    ///
    /// # Cancel safety
    ///
    /// No line is lost.
    pub(super) async fn next(&mut self) -> Result<Option<Entry>, Fault> {
        if let Some(url) = self.listed.next() {
            return Ok(Some(Entry { url, flaw: None }));
        }
        let Some(lines) = &mut self.lines else { return Ok(None) };
        let name = self.name.as_deref().unwrap_or_default();
        lines.recv().await.transpose().map_err(|error| Fault::io("cannot read", name, &error))
    }
}

/// Starts the thread. It ends with the input, or when nobody wants more.
fn read(mut reader: impl BufRead + Send + 'static) -> Result<mpsc::Receiver<io::Result<Entry>>, Fault> {
    let (sender, receiver) = mpsc::channel(1);
    let feed = move || {
        while let Some(entry) = next_entry(&mut reader).transpose() {
            let over = entry.is_err();
            if sender.blocking_send(entry).is_err() || over {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("input".to_owned()).spawn(feed);
    thread.map_err(|error| Fault::io("cannot start", "a thread", &error))?;
    Ok(receiver)
}

/// The next line that is neither blank nor a comment.
fn next_entry(reader: &mut impl BufRead) -> io::Result<Option<Entry>> {
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.len() as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
            reader.skip_until(b'\n')?;
            let url = String::from_utf8_lossy(&line[..SHOWN]).into_owned();
            return Ok(Some(Entry { url, flaw: Some("the line is too long for a URL") }));
        }
        let text = line.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        return Ok(Some(match String::from_utf8(text.to_vec()) {
            Ok(url) => Entry { url, flaw: None },
            Err(error) => Entry {
                url: String::from_utf8_lossy(error.as_bytes()).into_owned(),
                flaw: Some("the line is not UTF-8 text"),
            },
        }));
    }
}

/// No URL that `http::Uri` takes is longer.
const LONGEST_LINE: u64 = 65_536;

/// How much of a line that is too long stands for it.
const SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(mut text: &[u8]) -> Vec<Entry> {
        std::iter::from_fn(|| next_entry(&mut text).unwrap()).collect()
    }

    fn urls(text: &str) -> Vec<String> {
        entries(text.as_bytes()).into_iter().map(|entry| entry.url).collect()
    }

    #[test]
    fn blank_lines_and_comments_are_skipped() {
        assert_eq!(urls("# one\nhttp://a\r\n\n  \t\n  # two\n http://b#c \n#"), ["http://a", "http://b#c"]);
        assert_eq!(urls(""), [""; 0]);
        assert_eq!(urls("http://last"), ["http://last"]);
    }

    #[test]
    fn a_line_that_cannot_be_a_url_is_an_entry_of_its_own() {
        let mut text = vec![b'x'; 200_000];
        text.extend_from_slice(b"\n\xff\nhttp://a\n");
        let entries = entries(&text);
        assert_eq!(entries.len(), 3);
        assert_eq!((entries[0].url.len(), entries[0].flaw.is_some()), (SHOWN, true));
        assert_eq!((entries[1].url.as_str(), entries[1].flaw.is_some()), ("\u{fffd}", true));
        assert_eq!(entries[2], Entry { url: "http://a".to_owned(), flaw: None });
    }
}
