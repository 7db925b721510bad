//! A double of Node's client over real sockets: whose connection may be used again, when a socket comes
//! free, when a timeout begins, and what is looked at before a request is written. Responses have a
//! `content-length` or end with the connection; it speaks to one origin.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::clients::{Ask, Client};

pub(super) struct NodeLike {
    slots: std::sync::Arc<Semaphore>,
    idle: Rc<RefCell<VecDeque<TcpStream>>>,
    queued: RefCell<usize>,
}

/// A response holds its socket, and the slot, until it is read.
pub(super) struct Unread {
    socket: TcpStream,
    _slot: OwnedSemaphorePermit,
    /// What came with the head.
    body: Vec<u8>,
    /// `None`: to the end of the connection.
    length: Option<usize>,
}

impl Client for NodeLike {
    type Response = Unread;

    fn with_max_sockets(sockets: usize) -> Self {
        Self { slots: Semaphore::new(sockets).into(), idle: Rc::default(), queued: RefCell::new(0) }
    }

    fn queued(&self) -> usize {
        *self.queued.borrow()
    }

    async fn ask(&self, ask: Ask) -> Result<Unread, String> {
        *self.queued.borrow_mut() += 1;
        let slot = self.slots.clone().acquire_owned().await.unwrap();
        *self.queued.borrow_mut() -= 1;
        // The timeout is the socket's: it begins when there is one.
        timeout(ask.timeout, self.exchange(&ask, slot)).await.unwrap_or_else(|_| Err("timeout".into()))
    }

    async fn read(&self, mut response: Unread) -> Result<String, String> {
        let Some(length) = response.length else {
            // No length: it ends with the connection. A reply to HEAD has ended already, and its connection
            // goes with it all the same.
            return Ok(String::from_utf8(response.body).unwrap());
        };
        while response.body.len() < length {
            read_some(&mut response.socket, &mut response.body).await?;
        }
        self.idle.borrow_mut().push_back(response.socket);
        Ok(String::from_utf8(response.body).unwrap())
    }
}

impl NodeLike {
    async fn exchange(&self, ask: &Ask, slot: OwnedSemaphorePermit) -> Result<Unread, String> {
        // Nobody looks at an idle socket before it is written to, and what fails there is not tried again.
        let idle = self.idle.borrow_mut().pop_back();
        let mut socket = match idle {
            Some(socket) => socket,
            None => TcpStream::connect(ask.origin).await.map_err(|_| "closed")?,
        };
        let length = if ask.method == Method::POST { "content-length: 0\r\n" } else { "" };
        let head = format!("{} / HTTP/1.1\r\nhost: {}\r\n{length}\r\n", ask.method, ask.origin);
        socket.write_all(head.as_bytes()).await.map_err(|_| "closed")?;
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            read_some(&mut socket, &mut bytes).await?;
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        Ok(Unread {
            socket,
            _slot: slot,
            body: bytes[end..].to_vec(),
            length: length.map(|length| length.parse().unwrap()),
        })
    }
}

async fn read_some(socket: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<(), String> {
    match socket.read_buf(bytes).await {
        Ok(0) | Err(_) => Err("closed".into()),
        Ok(_) => Ok(()),
    }
}
