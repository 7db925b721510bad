//! The origins: each listens on a port of its own, all on one thread with a runtime of its own, and each dies
//! again and again: all its connections at once, and another listener on the same port.
//!
//! Not here: what happens on a connection (`h1`, `h2`), and what it may answer (`plan`).

mod answer;
mod fault;
mod h1;
mod h2;
mod request;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;
use testkit::{Authority, ServerTls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::ledger::Ledger;
use crate::plan::{HTTP2, PLAIN, TLS};
use crate::rng::{self, Rng};

/// All origins. Dropped, they are gone.
#[derive(Debug)]
pub(crate) struct Origins {
    /// Where each listens, `http://…` or `https://…`.
    pub(crate) bases: Vec<String>,
    /// What a client has to trust.
    pub(crate) root: String,
    open: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What an origin speaks.
#[derive(Clone)]
enum Kind {
    Plain,
    Tls(TlsAcceptor),
    Http2(TlsAcceptor),
}

impl Origins {
    pub(crate) fn start(ledger: &Arc<Ledger>) -> Self {
        let authority = Authority::new("the origins of the run");
        let tls = ServerTls::new(&authority.local());
        let acceptor = |alpn: &[&str]| TlsAcceptor::from(tls.clone().alpn(alpn).config());
        let kinds = (0..PLAIN + TLS + HTTP2).map(|origin| match origin {
            0..PLAIN => Kind::Plain,
            origin if origin < PLAIN + TLS => Kind::Tls(acceptor(&["http/1.1"])),
            _ => Kind::Http2(acceptor(&["h2"])),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let stop = watch::Sender::new(false);
        let open = Arc::new(AtomicUsize::new(0));
        let (mut bases, mut lives) = (Vec::new(), Vec::new());
        for (number, kind) in kinds.enumerate() {
            let scheme = if matches!(kind, Kind::Plain) { "http" } else { "https" };
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
            let address = listener.local_addr().expect("an address");
            bases.push(format!("{scheme}://{address}"));
            let origin =
                Origin { number, address, kind, ledger: Arc::clone(ledger), open: Arc::clone(&open) };
            lives.push(origin.live(listener));
        }
        let mut stopped = stop.subscribe();
        let thread = thread::spawn(move || {
            runtime.block_on(async move {
                let mut all: JoinSet<()> = lives.into_iter().collect();
                // Ends with the handle, too.
                let _ = stopped.wait_for(|stopped| *stopped).await;
                all.shutdown().await;
            });
        });
        Self { bases, root: authority.pem(), open, stop, thread: Some(thread) }
    }

    /// How many connections are open on the origins' side.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

impl Drop for Origins {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic of it has been printed.
            let _ = thread.join();
        }
    }
}

struct Origin {
    number: usize,
    address: SocketAddr,
    kind: Kind,
    ledger: Arc<Ledger>,
    open: Arc<AtomicUsize>,
}

impl Origin {
    /// Dies after some hundred connections, and begins again.
    async fn live(self, mut listener: TcpListener) {
        let mut rng = Rng::new(rng::seed(self.ledger.seed, self.number as u64, u64::MAX - 1));
        loop {
            let mut connections = JoinSet::new();
            for _ in 0..100 + rng.below(200) {
                let Ok((socket, _)) = listener.accept().await else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                while connections.try_join_next().is_some() {}
                if rng.often(30) {
                    self.ledger.did("connection closed at once");
                    if rng.often(500) {
                        reset_on_close(&socket);
                    }
                    continue;
                }
                let counted = Counted::new(&self.open);
                let (kind, ledger) = (self.kind.clone(), Arc::clone(&self.ledger));
                connections.spawn(async move {
                    serve(socket, kind, &ledger).await;
                    drop(counted);
                });
            }
            self.ledger.did("origin restarted");
            drop(listener);
            connections.shutdown().await;
            listener = loop {
                // Somebody may have been given the port for a dial of his own in between.
                match TcpListener::bind(self.address).await {
                    Ok(listener) => break listener,
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            };
        }
    }
}

const PAUSE: Duration = Duration::from_millis(5);

async fn serve(socket: TcpStream, kind: Kind, ledger: &Arc<Ledger>) {
    // Fails only on a socket that is gone, which the first read tells.
    let _ = socket.set_nodelay(true);
    match kind {
        Kind::Plain => h1::serve(Box::new(socket), ledger).await,
        Kind::Tls(acceptor) => {
            if let Ok(stream) = acceptor.accept(socket).await {
                h1::serve(Box::new(stream), ledger).await;
            }
        }
        Kind::Http2(acceptor) => {
            if let Ok(stream) = acceptor.accept(socket).await {
                h2::serve(stream, ledger).await;
            }
        }
    }
}

/// A connection, with or without TLS.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {
    fn socket(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Makes the coming close a reset.
fn reset_on_close(socket: &TcpStream) {
    // Fails only on a socket that is gone.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

/// An open connection.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
