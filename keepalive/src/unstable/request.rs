//! A request as bytes: head, framing and body, through the shell that writes it to a socket.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use http::Request;
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::error::BoxError;
use crate::h1::{
    Fields, HeadOptions, Payload, TargetForm, Upload, UploadError, encode_head, expects_continue, framing,
};
use crate::io::{Io, RawSocket};
use crate::origin::{Place, Route};

/// The form of the request's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As an agent chooses it, which takes absolute URIs only.
    Agent,
    /// To the origin.
    Origin,
    /// To a proxy.
    Absolute,
}

/// How a request is written, beside what it says.
#[derive(Debug, Clone, Copy)]
pub struct Style<'a> {
    /// The target's form.
    pub form: Form,
    /// `Content-Type` instead of `content-type`.
    pub title_case: bool,
    /// It says `connection: close`.
    pub close: bool,
    /// How many bytes each write takes, in turns, at least one; empty: all there are.
    pub takes: &'a [u8],
}

/// A request that was not written, or not to its end.
#[derive(Debug)]
pub struct Unwritten {
    /// What of it was written.
    pub bytes: Vec<u8>,
    /// What was wrong.
    pub text: String,
}

/// Writes a request whose body is always ready.
///
/// # Errors
///
/// It cannot be sent, or its body is not as long as its head says.
pub fn encode<B>(request: Request<B>, style: Style<'_>) -> Result<Vec<u8>, Unwritten>
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    let unwritten = |text: String| Unwritten { bytes: Vec::new(), text };
    let payload = Payload::stream(body);
    let target = match style.form {
        Form::Absolute => TargetForm::Absolute,
        Form::Origin => TargetForm::Origin,
        Form::Agent => match Place::of(&parts.uri, Route::default()) {
            Ok(place) if place.is_host_value => TargetForm::PlainOrigin,
            Ok(_) => TargetForm::Origin,
            Err(error) => return Err(unwritten(error.to_string())),
        },
    };
    let options = HeadOptions { target, title_case: style.title_case, connection_close: style.close };
    let fields = Fields::of(&parts.headers);
    let framing = framing(&parts.method, fields, payload.exact_size(), !payload.is_empty())
        .map_err(|error| unwritten(error.to_string()))?;
    let mut head = BytesMut::new();
    encode_head(&parts.method, &parts.uri, fields, framing, &options, &mut head)
        .map_err(|error| Unwritten { bytes: head.to_vec(), text: error.to_string() })?;
    let upload = Upload::new(head, payload, framing, expects_continue(fields));
    write(upload, style.takes)
}

fn write(mut upload: Upload, takes: &[u8]) -> Result<Vec<u8>, Unwritten> {
    let wire = Arc::new(Mutex::new(Vec::new()));
    let memory = Memory { wire: Arc::clone(&wire), takes: takes.to_vec(), turn: 0 };
    let mut io: Box<dyn Io> = Box::new(memory);
    let mut cx = Context::from_waker(Waker::noop());
    let written = loop {
        match upload.poll(&mut cx, &mut io) {
            Poll::Ready(written) => break written,
            // A 100 came.
            Poll::Pending if upload.is_held() => upload.release(),
            // It gives way to others now and then.
            Poll::Pending => {}
        }
    };
    drop(io);
    let bytes = std::mem::take(&mut *wire.lock().unwrap_or_else(PoisonError::into_inner));
    match written {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Unwritten { bytes, text: text(error) }),
    }
}

fn text(error: UploadError) -> String {
    match error {
        UploadError::Io(error) => error.to_string(),
        UploadError::Body(error) => error.to_string(),
        UploadError::Length { said, pulled } => format!("said {said}, pulled {pulled}"),
    }
}

/// A socket that keeps what is written.
struct Memory {
    wire: Arc<Mutex<Vec<u8>>>,
    takes: Vec<u8>,
    turn: usize,
}

impl Memory {
    fn take(&mut self, slices: &[&[u8]]) -> usize {
        let room = match self.takes.get(self.turn % self.takes.len().max(1)) {
            Some(&room) => usize::from(room.max(1)),
            None => usize::MAX,
        };
        self.turn += 1;
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        let before = wire.len();
        wire.extend(slices.iter().copied().flatten().take(room));
        wire.len() - before
    }
}

impl AsyncWrite for Memory {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.take(&[buf])))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let slices: Vec<&[u8]> = bufs.iter().map(|slice| &**slice).collect();
        Poll::Ready(Ok(self.take(&slices)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Memory {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl Io for Memory {
    fn raw(&self) -> Weak<RawSocket> {
        Weak::new()
    }

    fn sent(&self) -> u64 {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    fn rehome(&mut self) -> io::Result<()> {
        Ok(())
    }
}
