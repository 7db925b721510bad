//! Many small origins on one thread, each on a port of `localhost`; and what a process of few descriptors
//! does with them.
//!
//! `/` is answered with `hello`. Of `/long` the first mebibyte of a body comes that is twice as long.

use std::fs::File;
use std::future::Future;
use std::io;
use std::net::TcpListener as Std;
use std::thread::JoinHandle;
use std::time::Duration;

use rlimit::Resource;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// The variable that tells a process the ports, separated by commas.
pub(super) const PORTS: &str = "KEEPALIVE_TEST_PORTS";

/// No test takes as long as this.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Farm {
    ports: Vec<u16>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Farm {
    pub(super) fn start(origins: usize) -> Self {
        let listeners: Vec<_> = (0..origins).map(|_| Std::bind("127.0.0.1:0").unwrap()).collect();
        let ports = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                for listener in listeners {
                    listener.set_nonblocking(true).unwrap();
                    tokio::spawn(accept(TcpListener::from_std(listener).unwrap()));
                }
                let _ = stopped.await;
            });
        });
        Self { ports, stop: Some(stop), thread: Some(thread) }
    }

    pub(super) fn ports(&self) -> String {
        self.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",")
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().map(JoinHandle::join);
    }
}

async fn accept(listener: TcpListener) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(serve(socket));
    }
}

/// Requests have no body here.
async fn serve(mut socket: TcpStream) -> io::Result<()> {
    let mut seen = Vec::new();
    loop {
        while !seen.ends_with(b"\r\n\r\n") {
            if socket.read_buf(&mut seen).await? == 0 {
                return Ok(());
            }
        }
        if seen.starts_with(b"GET /long ") {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 2 * MEBI);
            socket.write_all(head.as_bytes()).await?;
            socket.write_all(&vec![b'x'; MEBI]).await?;
            // The rest never comes: the client goes first.
            return socket.read(&mut [0]).await.map(drop);
        }
        seen.clear();
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await?;
    }
}

const MEBI: usize = 1 << 20;

/// The life of a process that may have this many descriptors, and may raise that to `hard`.
pub(super) fn live<F: Future<Output = ()>>(soft: u64, hard: u64, test: impl FnOnce(Vec<u16>) -> F) {
    live_on(Builder::new_current_thread(), soft, hard, test);
}

/// The same on a runtime of another kind.
pub(super) fn live_on<F: Future<Output = ()>>(
    mut runtime: Builder,
    soft: u64,
    hard: u64,
    test: impl FnOnce(Vec<u16>) -> F,
) {
    Resource::NOFILE.set(soft, hard).unwrap();
    let ports = std::env::var(PORTS).expect("run by the test that names it, with its origins");
    let ports = ports.split(',').map(|port| port.parse().unwrap()).collect();
    // The first runtime of a process may open what stays for all of them.
    drop(runtime.enable_all().build().unwrap());
    let before = open();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, test(ports)).await.unwrap() });
    drop(runtime);
    assert_eq!(open(), before, "descriptors left behind");
}

/// How many descriptors this process has open, where the system tells.
pub(super) fn open() -> Option<usize> {
    // Itself is one of them.
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count() - 1)
}

/// Descriptors of the rest of the program, until so many are left.
pub(super) fn fill(left: usize) -> Vec<File> {
    let one = || File::open("/dev/null");
    let mut held: Vec<_> = std::iter::from_fn(|| one().ok()).collect();
    held.truncate(held.len() - left);
    held
}
