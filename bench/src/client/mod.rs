//! The clients under test that are written in Rust. Each runs in a process of its own.
//!
//! A client says how one request is done and its response read to the end; a driver does the rest, the same
//! for all: [`driver`] for the asynchronous ones, [`local`] for those whose futures stay on their thread,
//! [`blocking`] for those that block it.

mod awc;
mod blocking;
mod driver;
mod gate;
mod h2;
mod hyper;
mod hyper_util;
mod idle;
mod keepalive;
mod local;
mod meter;
mod raw;
mod reqwest;
mod smithy;
mod tls;
mod ureq;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, Uri, Version, header};
use http_body_util::BodyExt;

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

/// Each client, and how it is run.
pub(crate) const CLIENTS: &[(About, Run)] = &[
    (About { pool: false, cap: false, idle: false, http2: false, ..rust("raw") }, raw::run),
    (About { pool: false, cap: false, idle: false, http1: false, ..rust("h2") }, h2::run),
    (rust("keepalive"), keepalive::run),
    (About { pool: false, cap: false, idle: false, ..rust("hyper") }, hyper::run),
    (About { cap: false, ..rust("hyper-util") }, hyper_util::run),
    (About { cap: false, ..rust("reqwest") }, reqwest::run),
    (About { http2: false, idle: false, ..rust("awc") }, awc::run),
    (About { http2: false, two_threads: false, cap: false, idle: false, ..rust("ureq") }, ureq::run),
    (About { http2: false, ..rust("smithy") }, smithy::run),
];

type Run = fn(&Job) -> Result<Outcome, Failure>;

const fn rust(name: &'static str) -> About {
    About { name, http1: true, http2: true, tls: true, two_threads: true, pool: true, cap: true, idle: true }
}

impl About {
    /// What `job` asks for and the client does not have is an error.
    fn check(&self, job: &Job) -> Result<(), &'static str> {
        match () {
            () if job.http2 && !self.http2 => Err("HTTP/2"),
            () if !job.http2 && !self.http1 => Err("HTTP/1.1"),
            () if job.ca.is_some() && !self.tls => Err("TLS"),
            () if job.threads > 1 && !self.two_threads => Err("use of a second thread"),
            () if job.idle.is_some() && !self.idle => Err("idle sockets to be weighed"),
            () if job.tasks > job.sockets && !job.http2 && !self.pool => Err("queue"),
            () => Ok(()),
        }
    }
}

/// Runs the client of that name.
pub(crate) fn run(name: &str, job: &Job) -> Result<Outcome, Failure> {
    let found = CLIENTS.iter().find(|(about, _)| about.name == name);
    let (about, run) = found.ok_or_else(|| format!("there is no client `{name}`"))?;
    about.check(job).map_err(|lacking| format!("{name} has no {lacking}"))?;
    crate::descriptors::raise_limit()?;
    match job.idle {
        Some(count) => run(&idle::job(job, count)?),
        None => run(job),
    }
}

/// The request that is sent again and again; made anew each time, as a program would.
#[derive(Clone)]
struct Request {
    method: Method,
    uri: Uri,
    upload: Bytes,
    version: Version,
}

impl Request {
    fn of(job: &Job) -> Result<Self, Failure> {
        let upload = Bytes::from(vec![b'x'; job.upload]);
        let version = if job.http2 { Version::HTTP_2 } else { Version::HTTP_11 };
        Ok(Self { method: job.method.parse()?, uri: job.url.parse()?, upload, version })
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

    fn expect_ok<B>(&self, response: &http::Response<B>) -> Result<(), Failure> {
        self.expect(response.status(), response.version())
    }

    fn expect(&self, status: StatusCode, version: Version) -> Result<(), Failure> {
        if status == StatusCode::OK && version == self.version {
            Ok(())
        } else {
            Err(format!("status {status} over {version:?}").into())
        }
    }
}

/// Reads a body to its end and counts its bytes.
async fn read<B>(mut body: B) -> Result<u64, Failure>
where
    B: ::hyper::body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Failure>,
{
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        count += frame.map_err(Into::into)?.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(count)
}

fn path(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}
