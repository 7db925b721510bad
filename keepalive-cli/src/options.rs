//! The command line as values that are known to be good. Nothing here touches a file or a socket.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use keepalive::Protocol;

use crate::cli::{Cli, Command, DemoArgs, FetchArgs};
use crate::exit::Fault;

/// What to do.
#[derive(Debug)]
pub(crate) enum Options {
    Demo(DemoOptions),
    Fetch(Box<FetchOptions>),
}

/// What `demo` shows; no number is 0.
#[derive(Debug)]
pub(crate) struct DemoOptions {
    pub(crate) requests: usize,
    pub(crate) max_sockets: usize,
    pub(crate) json: bool,
}

/// What `fetch` does; no number is 0.
#[derive(Debug)]
pub(crate) struct FetchOptions {
    pub(crate) urls: Vec<String>,
    pub(crate) input: Option<Source>,
    pub(crate) max_sockets: usize,
    pub(crate) concurrency: usize,
    pub(crate) request: RequestPattern,
    pub(crate) local_address: Option<IpAddr>,
    pub(crate) one_shot: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) fail: bool,
    pub(crate) bodies: Bodies,
    pub(crate) tls: TlsFiles,
    pub(crate) protocol: Protocol,
}

/// Whom to trust, and who to be.
#[derive(Debug)]
pub(crate) struct TlsFiles {
    /// `None`: whom the system trusts.
    pub(crate) roots: Option<PathBuf>,
    pub(crate) identity: Option<IdentityFiles>,
    pub(crate) insecure: bool,
}

/// A certificate and its key, which may be the same file.
#[derive(Debug)]
pub(crate) struct IdentityFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Where more URLs come from.
#[derive(Debug, PartialEq)]
pub(crate) enum Source {
    Stdin,
    File(PathBuf),
}

/// What all requests have in common.
#[derive(Debug)]
pub(crate) struct RequestPattern {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) data: Data,
}

/// A request body.
#[derive(Debug, PartialEq)]
pub(crate) enum Data {
    None,
    Text(String),
    File(PathBuf),
}

/// Where response bodies go.
#[derive(Debug, PartialEq)]
pub(crate) enum Bodies {
    /// Read and dropped.
    Drop,
    /// The n-th body to the n-th file, any further one dropped.
    Files(Vec<PathBuf>),
    /// One file for each, named by its number.
    Dir(PathBuf),
}

impl Options {
    /// Checks the words.
    pub(crate) fn new(cli: Cli) -> Result<Self, Fault> {
        Ok(match cli.command {
            Command::Demo(DemoArgs { requests, max_sockets, json }) => {
                Self::Demo(DemoOptions { requests, max_sockets, json })
            }
            Command::Fetch(args) => Self::Fetch(Box::new(FetchOptions::new(*args)?)),
        })
    }
}

impl FetchOptions {
    fn new(args: FetchArgs) -> Result<Self, Fault> {
        let data = args.data.map_or(Ok(Data::None), data)?;
        let default = if data == Data::None { Method::GET } else { Method::POST };
        let protocol = match (args.http1, args.http2, args.http2_prior_knowledge) {
            (true, _, _) => Protocol::Http1,
            (_, true, _) => Protocol::Http2,
            (_, _, true) => Protocol::Http2PriorKnowledge,
            _ => Protocol::Auto,
        };
        Ok(Self {
            max_sockets: args.max_sockets,
            concurrency: args.concurrency,
            request: RequestPattern {
                method: args.request.as_deref().map_or(Ok(default), method)?,
                headers: headers(&args.header)?,
                data,
            },
            local_address: args.local_address,
            one_shot: args.one_shot,
            timeout: args.timeout.as_deref().map(seconds).transpose()?,
            fail: args.fail,
            protocol,
            bodies: bodies(args.output, args.out_dir, args.input.is_none().then_some(args.urls.len()))?,
            tls: TlsFiles {
                roots: args.cacert,
                identity: args.cert.map(|certificate| IdentityFiles {
                    key: args.key.unwrap_or_else(|| certificate.clone()),
                    certificate,
                }),
                insecure: args.insecure,
            },
            input: args.input.map(|file| if is_dash(&file) { Source::Stdin } else { Source::File(file) }),
            urls: args.urls,
        })
    }
}

fn data(text: String) -> Result<Data, Fault> {
    match text.strip_prefix('@') {
        None => Ok(Data::Text(text)),
        Some("" | "-") => Err(Fault::usage(format!(
            "bad -d '{text}': @ needs the name of a file, and standard input is none"
        ))),
        Some(file) => Ok(Data::File(file.into())),
    }
}

fn method(text: &str) -> Result<Method, Fault> {
    Method::from_bytes(text.as_bytes())
        .map_err(|_| Fault::usage(format!("bad -X '{text}': a method is a word of letters, such as PUT")))
}

fn headers(fields: &[String]) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    for field in fields {
        let bad = |why: &str| Fault::usage(format!("bad -H '{}': {why}", field.escape_debug()));
        let (name, value) = field.split_once(':').ok_or_else(|| bad("it must look like 'Name: value'"))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("its name is not valid"))?;
        let value = value.trim_matches([' ', '\t']);
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad("its value is not valid"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn seconds(text: &str) -> Result<Duration, Fault> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| {
        Fault::usage(format!("bad --timeout '{text}': it must be a number of seconds above 0, such as 2.5"))
    })
}

/// `urls` is their number where it is known already.
fn bodies(files: Vec<PathBuf>, dir: Option<PathBuf>, urls: Option<usize>) -> Result<Bodies, Fault> {
    if let Some(dir) = dir {
        return Ok(Bodies::Dir(dir));
    }
    if files.iter().any(|file| is_dash(file)) {
        return Err(Fault::usage("bad -o '-': standard output is for the lines of JSON"));
    }
    match urls {
        Some(urls) if files.len() > urls => Err(too_many_files(files.len(), urls)),
        _ if files.is_empty() => Ok(Bodies::Drop),
        _ => Ok(Bodies::Files(files)),
    }
}

/// There are more `-o` than URLs. With `--input` that is known only at its end.
pub(crate) fn too_many_files(files: usize, urls: usize) -> Fault {
    Fault::usage(format!("more -o than URLs: {files} and {urls}"))
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_decimal_and_above_zero() {
        assert_eq!(seconds("2.5").unwrap(), Duration::from_millis(2500));
        assert_eq!(seconds("1").unwrap(), Duration::from_secs(1));
        for bad in ["0", "-1", "0.0", "1e-12", "", "x", "NaN", "inf", "1e40", "1,5"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_header_is_split_at_its_first_colon() {
        let fields = ["X-A: b:c ", "X-Empty:", "x-a:\td"].map(str::to_owned);
        let headers = headers(&fields).unwrap();
        assert_eq!(headers.get_all("x-a").iter().collect::<Vec<_>>(), ["b:c", "d"]);
        assert_eq!(headers["x-empty"], "");
    }

    #[test]
    fn data_is_text_or_a_file() {
        assert_eq!(data("a@b".to_owned()).unwrap(), Data::Text("a@b".to_owned()));
        assert_eq!(data(String::new()).unwrap(), Data::Text(String::new()));
        assert_eq!(data("@a b".to_owned()).unwrap(), Data::File("a b".into()));
        assert!(data("@-".to_owned()).is_err());
    }
}
