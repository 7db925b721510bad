//! The same bytes to hyper's client connection, as its users get it: no option is set.
//!
//! Its transport is memory, and time stands still: that it waits for more is seen at once.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, ReadBufCursor, Write};
use proof::cases::{Ask, Case, End, Kind, Seen};

/// What hyper made of a case.
#[derive(Debug)]
pub(crate) struct Hyper {
    /// Exchange by exchange, as far as it got.
    pub(crate) seen: Vec<Seen>,
    /// Whether it would send another request on the connection.
    pub(crate) kept: bool,
}

/// Runs one case. The server's segments come as one.
pub(crate) fn hyper(case: &Case) -> Hyper {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let wire = Wire::new(case);
        let (mut sender, connection) = handshake(wire).await.expect("nothing is sent yet");
        let connection = tokio::spawn(connection.with_upgrades());
        let mut seen = Vec::new();
        let mut kept = true;
        for exchange in &case.exchanges {
            let mut this = Seen::default();
            let outcome = tokio::time::timeout(PATIENCE, fetch(&mut sender, &exchange.ask, &mut this)).await;
            let error = outcome.unwrap_or_else(|_| Err("waits for more".into())).err();
            this.error = error.map(|error| (Kind::Protocol, chain(&*error)));
            let failed = this.error.is_some();
            kept = !failed && this.upgraded.is_none() && is_kept(&mut sender).await;
            seen.push(this);
            if !kept {
                break;
            }
        }
        connection.abort();
        Hyper { seen, kept }
    })
}

/// Of a clock that stands still.
const PATIENCE: Duration = Duration::from_secs(60);

type Error = Box<dyn std::error::Error + Send + Sync>;

async fn fetch(sender: &mut SendRequest<Full<Bytes>>, ask: &Ask, seen: &mut Seen) -> Result<(), Error> {
    let is_connect = ask.method == Method::CONNECT;
    let mut request = Request::builder().method(&ask.method).uri(if is_connect { "origin:80" } else { "/" });
    request = request.header("host", "origin:80");
    for (name, value) in &ask.fields {
        request = request.header(name, value);
    }
    if ask.one_shot {
        request = request.header("connection", "close");
    }
    let mut response = sender.send_request(request.body(Full::from(ask.body.clone()))?).await?;
    seen.head = Some((response.version(), response.status().as_u16(), response.headers().clone()));
    if response.status() == 101 || (is_connect && response.status().is_success()) {
        let upgraded = hyper::upgrade::on(&mut response).await?;
        let parts = upgraded.downcast::<Wire>().map_err(|_| "another transport")?;
        let mut bytes = parts.read_buf.to_vec();
        bytes.extend(parts.io.0.lock().expect("nobody panics").take(usize::MAX));
        seen.upgraded = Some(bytes);
        return Ok(());
    }
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) => seen.body.extend_from_slice(&data),
            Err(frame) => seen.trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    Ok(())
}

async fn is_kept(sender: &mut SendRequest<Full<Bytes>>) -> bool {
    // It looks at what is left of the connection in its own task.
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    matches!(tokio::time::timeout(PATIENCE, sender.ready()).await, Ok(Ok(())))
}

/// The error and what caused it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// A connection whose server answers each whole request with the bytes of its exchange.
#[derive(Debug)]
struct Wire(Arc<Mutex<Server>>);

#[derive(Debug)]
struct Server {
    /// Of the exchanges to come: how long the request's body is, and the answer.
    exchanges: Vec<(usize, Vec<u8>)>,
    end: End,
    /// What came of the present request.
    received: Vec<u8>,
    /// What was answered and not read.
    sent: Vec<u8>,
    reader: Option<Waker>,
}

impl Wire {
    fn new(case: &Case) -> Self {
        let exchanges = case.exchanges.iter().rev().map(|it| (it.ask.body.len(), it.segments.concat()));
        Self(Arc::new(Mutex::new(Server {
            exchanges: exchanges.collect(),
            end: case.end,
            received: Vec::new(),
            sent: Vec::new(),
            reader: None,
        })))
    }
}

impl Server {
    fn take(&mut self, most: usize) -> Vec<u8> {
        let rest = self.sent.split_off(most.min(self.sent.len()));
        std::mem::replace(&mut self.sent, rest)
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        let head = self.received.windows(4).position(|it| it == b"\r\n\r\n").map(|at| at + 4);
        let (Some(head), Some((body, _))) = (head, self.exchanges.last()) else { return };
        if self.received.len() >= head + body {
            self.received.clear();
            let (_, answer) = self.exchanges.pop().unwrap_or_default();
            self.sent.extend(answer);
            self.reader.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut server = self.0.lock().expect("nobody panics");
        if server.sent.is_empty() {
            return match server.end {
                _ if !server.exchanges.is_empty() => {
                    server.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
                End::Open => Poll::Pending,
                End::Fin => Poll::Ready(Ok(())),
                End::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            };
        }
        let room = buf.remaining();
        buf.put_slice(&server.take(room));
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().expect("nobody panics").hear(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
