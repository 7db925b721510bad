//! hyper's client on a connection that is a script: no socket, no runtime, no time.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use http::{Method, Request};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, ReadBufCursor, Write};
use keepalive::unstable::Asked;

use crate::reading::{Shown, Stand, shown};

/// What hyper makes of the bytes.
#[derive(Debug)]
pub(super) struct Theirs {
    pub(super) head: Option<Shown>,
    pub(super) data: Vec<u8>,
    pub(super) trailers: Option<String>,
    pub(super) stand: Stand,
    /// It would take another request.
    pub(super) reusable: bool,
}

/// Sends a request, and lets hyper read the pieces until it has nothing more to do.
pub(super) fn exchange(asked: Asked, pieces: &[&[u8]], eof: bool) -> Theirs {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let wire = Script {
        written: Vec::new(),
        pieces: pieces.iter().map(|piece| piece.to_vec()).collect(),
        eof,
        reader: None,
    };
    let Poll::Ready(Ok((mut sender, mut connection))) =
        Box::pin(http1::handshake(wire)).as_mut().poll(&mut cx)
    else {
        panic!("there is nothing to wait for");
    };
    let mut response = Some(Box::pin(sender.send_request(request(asked))));
    let mut body = None;
    let mut is_open = true;
    let mut theirs =
        Theirs { head: None, data: Vec::new(), trailers: None, stand: Stand::Waiting, reusable: false };
    let most = 100 + 20 * pieces.iter().map(|piece| 1 + piece.len()).sum::<usize>();
    for _ in 0..most {
        woken.0.store(false, Ordering::Relaxed);
        is_open = is_open && Pin::new(&mut connection).poll(&mut cx).is_pending();
        if let Some(Poll::Ready(answer)) = response.as_mut().map(|it| it.as_mut().poll(&mut cx)) {
            response = None;
            match answer {
                Ok(answer) => {
                    theirs.head = Some(Shown::of(&answer));
                    body = Some(answer.into_body());
                }
                Err(error) => theirs.stand = Stand::Failed(format!("{error:?}")),
            }
        }
        theirs.pull(&mut body, &mut cx);
        if !woken.0.load(Ordering::Relaxed) {
            theirs.reusable = is_open && theirs.stand == Stand::Whole && sender.is_ready();
            return theirs;
        }
    }
    panic!("hyper does not come to rest");
}

impl Theirs {
    fn pull(&mut self, body: &mut Option<Incoming>, cx: &mut Context<'_>) {
        while let Some(incoming) = body {
            let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) else { return };
            match frame {
                None => self.stand = Stand::Whole,
                Some(Err(error)) => self.stand = Stand::Failed(format!("{error:?}")),
                Some(Ok(frame)) => {
                    match frame.into_data() {
                        Ok(data) => self.data.extend_from_slice(&data),
                        Err(frame) => self.trailers = frame.into_trailers().ok().as_ref().map(shown),
                    }
                    continue;
                }
            }
            *body = None;
        }
    }
}

fn request(asked: Asked) -> Request<String> {
    let (method, uri) = match asked {
        Asked { head: true, .. } => (Method::HEAD, "/"),
        Asked { connect: true, .. } => (Method::CONNECT, "a.example:80"),
        _ => (Method::GET, "/"),
    };
    let mut request = Request::builder().method(method).uri(uri).header("host", "a.example");
    if asked.upgrade {
        request = request.header("connection", "upgrade").header("upgrade", "another");
    }
    if asked.close {
        request = request.header("connection", "close");
    }
    request.body(String::new()).expect("nothing is wrong with it")
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Its server answers when the whole request came.
struct Script {
    written: Vec<u8>,
    pieces: VecDeque<Vec<u8>>,
    eof: bool,
    reader: Option<Waker>,
}

impl Read for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.written.ends_with(b"\r\n\r\n") {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        match self.pieces.pop_front() {
            Some(mut piece) => {
                let room = buf.remaining().min(piece.len());
                buf.put_slice(&piece[..room]);
                if room < piece.len() {
                    self.pieces.push_front(piece.split_off(room));
                }
                Poll::Ready(Ok(()))
            }
            None if self.eof => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }
}

impl Write for Script {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.written.extend_from_slice(buf);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
