//! The clients under test that are written in Rust. Each runs in a process of its own.
//!
//! A client says how one request is done and its response read to the end; the [`driver`] does the rest, the
//! same for all.

mod driver;
mod hyper_util;
mod keepalive;
mod meter;
mod raw;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, Uri, header};

use crate::job::{Job, Outcome};

/// What makes a measurement impossible.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a client is, and what it can do.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) http1: bool,
    pub(crate) http2: bool,
    pub(crate) tls: bool,
    /// Whether a second thread is of use to it.
    pub(crate) two_threads: bool,
    /// Whether it decides by itself what sockets to open and to keep.
    pub(crate) pool: bool,
    /// Whether it has a limit of open sockets.
    pub(crate) cap: bool,
    /// Whether it can say what its idle sockets hold.
    pub(crate) idle: bool,
}

pub(crate) const CLIENTS: [About; 3] = [
    About { pool: false, cap: false, ..rust("raw") },
    rust("keepalive"),
    About { cap: false, ..rust("hyper-util") },
];

const fn rust(name: &'static str) -> About {
    About {
        name,
        http1: true,
        http2: false,
        tls: false,
        two_threads: true,
        pool: true,
        cap: true,
        idle: false,
    }
}

/// Runs the client of that name.
pub(crate) fn run(name: &str, job: &Job) -> Result<Outcome, Failure> {
    match name {
        "raw" => raw::run(job),
        "keepalive" => keepalive::run(job),
        "hyper-util" => hyper_util::run(job),
        _ => Err(format!("there is no client `{name}`").into()),
    }
}

/// The request that is sent again and again; made anew each time, as a program would.
#[derive(Clone)]
struct Request {
    method: Method,
    uri: Uri,
    upload: Bytes,
}

impl Request {
    fn of(job: &Job) -> Result<Self, Failure> {
        let upload = Bytes::from(vec![b'x'; job.upload]);
        Ok(Self { method: job.method.parse()?, uri: job.url.parse()?, upload })
    }

    fn build<B>(&self, body: impl FnOnce(Bytes) -> B) -> http::Request<B> {
        let mut request = http::Request::new(body(self.upload.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static("bench"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        request
    }
}

fn expect_ok(status: StatusCode) -> Result<(), Failure> {
    if status == StatusCode::OK { Ok(()) } else { Err(format!("status {status}").into()) }
}

fn path(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}
