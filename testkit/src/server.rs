//! The thread and runtime of an origin: accepts, counts, spawns one task per connection, stops.
//!
//! Knows no HTTP: what is done on a connection is the `serve` function of the origin on top. Called by the
//! two kinds of origin and, through them, by the fixture.
//!
//! Invariants:
//! 1. Every accepted connection is admitted to the ledger once and ended once, also when the server stops.
//! 2. A connection is ended in the ledger only after its socket was closed here, or its peer is gone.
//! 3. At each accept the connections whose peer is gone are ended first; where the origin was told how many
//!    there may be, also those whose peer has closed them without this side knowing it yet.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use crate::listen::{Address, Bind, Listener};
use crate::record::End;
use crate::stream::Stream;
use crate::watched::Watched;

/// Nobody waits for an origin longer than this in real time: far above what a slow machine needs.
const WAIT: Duration = Duration::from_secs(10);

/// After a failed accept (no descriptors left) the server tries again this much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);

/// With more connections than this their sockets are not asked one by one at an accept, since that costs
/// the square of their number; the runtime's turn before it has already ended those that wait in a read.
const PEEKED: usize = 1024;

/// Who counts the connections of a server.
pub(crate) trait Ledger: fmt::Debug + Send + 'static {
    /// A connection came; returns its place in the order of accepts.
    fn admit(&mut self, peer: Option<SocketAddr>) -> usize;

    /// A connection ended; only the first call per connection counts.
    fn end(&mut self, order: usize, end: End);

    /// How many have not ended.
    #[cfg(feature = "case")]
    fn open(&self) -> usize;
}

/// A running server. Dropping it stops it.
pub(crate) struct Server<L: Ledger> {
    address: Address,
    scheme: &'static str,
    ledger: Arc<Watched<L>>,
    stop: watch::Sender<bool>,
    runtime: Handle,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<L: Ledger> Server<L> {
    /// Listens and serves: `serve(order, stream)` is the life of a connection.
    ///
    /// # Panics
    ///
    /// If the address cannot be listened on.
    #[track_caller]
    pub(crate) fn start<S, F>(bind: &Bind, ledger: Arc<Watched<L>>, serve: S) -> Self
    where
        S: Fn(usize, Arc<Stream>) -> F + Send + 'static,
        F: Future<Output = End> + Send + 'static,
    {
        let (socket, address) = bind
            .listen()
            .unwrap_or_else(|error| panic!("the origin cannot listen on {}: {error}", bind.place));
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the origin needs a runtime of its own");
        let handle = runtime.handle().clone();
        let stop = watch::Sender::new(false);
        let scheme = bind.scheme();
        #[cfg(feature = "tls")]
        let tls = bind.tls.clone();
        let prepare = move |stream: &mut Stream| {
            #[cfg(feature = "tls")]
            if let Some(tls) = &tls {
                stream.secure(tls);
            }
            #[cfg(not(feature = "tls"))]
            let _ = stream;
        };
        let (mut stopped, seen, host) = (stop.subscribe(), ledger.clone(), address.clone());
        let most = Most::of(bind, &address);
        let life = move || {
            runtime.block_on(async move {
                let listener = Listener::new(socket, &host).expect("a listening socket fits a runtime");
                tokio::select! {
                    never = accept(&listener, &seen, &most, prepare, serve) => match never {},
                    _ = stopped.wait_for(|stopped| *stopped) => {}
                }
            });
        };
        let thread = thread::Builder::new()
            .name(format!("origin {address}"))
            .spawn(life)
            .expect("a thread for the origin");
        Self { address, scheme, ledger, stop, runtime: handle, thread: Mutex::new(Some(thread)) }
    }

    /// Closes everything and waits until that is done.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A reply closure may own the last handle of its own origin.
            if thread.thread().id() != thread::current().id() {
                // A panic there was printed there.
                let _ = thread.join();
            }
            self.address.remove();
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.address.url(self.scheme, path)
    }

    pub(crate) fn ledger(&self) -> &Watched<L> {
        &self.ledger
    }

    /// Waits for the condition, at most [`WAIT`] of real time.
    ///
    /// # Panics
    ///
    /// When that time is over, or the origin was stopped and the condition does not hold.
    pub(crate) async fn wait(&self, what: &str, at: &Location<'_>, condition: impl FnMut(&L) -> bool) {
        self.wait_within(WAIT, what, at, condition).await;
    }

    async fn wait_within(
        &self,
        limit: Duration,
        what: &str,
        at: &Location<'_>,
        mut condition: impl FnMut(&L) -> bool,
    ) {
        let mut cap = Cap(self.runtime.spawn(tokio::time::sleep(limit)));
        let over = tokio::select! {
            biased;
            () = self.ledger.until(&mut condition) => return,
            over = &mut cap.0 => over,
        };
        if !self.ledger.see(condition) {
            let why = if over.is_ok() { "waited in vain" } else { "the origin was stopped, nobody can wait" };
            panic!("{why} for {what} at {at} on the origin {}: {:#?}", self.address, self.ledger);
        }
    }
}

impl<L: Ledger> Drop for Server<L> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<L: Ledger> fmt::Debug for Server<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

/// A timer on the server's clock that ends with its waiter.
struct Cap(tokio::task::JoinHandle<()>);

impl Drop for Cap {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection in the ledger; dropped before it ended, it was stopped with its server.
struct Entry<L: Ledger> {
    ledger: Arc<Watched<L>>,
    order: usize,
}

impl<L: Ledger> Entry<L> {
    fn end(&self, end: End) {
        self.ledger.change(|ledger| ledger.end(self.order, end));
    }
}

impl<L: Ledger> Drop for Entry<L> {
    fn drop(&mut self) {
        self.end(End::OriginStopped);
    }
}

async fn accept<L, S, F>(
    listener: &Listener,
    ledger: &Arc<Watched<L>>,
    most: &Most,
    prepare: impl Fn(&mut Stream),
    serve: S,
) -> std::convert::Infallible
where
    L: Ledger,
    S: Fn(usize, Arc<Stream>) -> F,
    F: Future<Output = End> + Send + 'static,
{
    let mut open: Vec<Open> = Vec::new();
    loop {
        let Ok((mut stream, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // A turn of the reactor: it learns of every end that came before this connection, and the tasks that
        // wait in a read run before this one goes on.
        tokio::task::yield_now().await;
        let mut gone = retire(&mut open);
        gone.extend(most.retire(&mut open));
        let order = ledger.change(|ledger| {
            for (order, end) in gone {
                ledger.end(order, end);
            }
            ledger.admit(peer)
        });
        prepare(&mut stream);
        let stream = Arc::new(stream);
        open.push(Open {
            order,
            #[cfg(feature = "case")]
            peer,
            stream: Arc::downgrade(&stream),
        });
        let entry = Entry { ledger: ledger.clone(), order };
        let life = serve(order, stream);
        // The stream belongs to that life alone, and is closed when it is over.
        tokio::spawn(async move { entry.end(life.await) });
    }
}

/// A connection that has not ended, as far as is known.
struct Open {
    order: usize,
    #[cfg(feature = "case")]
    peer: Option<SocketAddr>,
    stream: Weak<Stream>,
}

/// Takes out the connections that are closed here, and those whose peer is gone; returns the latter.
fn retire(open: &mut Vec<Open>) -> Vec<(usize, End)> {
    let mut gone = Vec::new();
    let ask = open.len() <= PEEKED;
    open.retain(|it| {
        let Some(stream) = it.stream.upgrade() else {
            return false;
        };
        let end = if ask { stream.is_gone() } else { None };
        gone.extend(end.clone().map(|end| (it.order, end)));
        end.is_none()
    });
    gone
}

/// How many connections there may be, and where.
struct Most {
    #[cfg(feature = "case")]
    limit: Option<(usize, u16)>,
}

impl Most {
    #[cfg_attr(not(feature = "case"), expect(unused_variables, reason = "there is no limit"))]
    fn of(bind: &Bind, address: &Address) -> Self {
        Self {
            #[cfg(feature = "case")]
            limit: bind.most.and_then(|most| Some((most, address.port()?))),
        }
    }

    /// If one more would be too many: takes out those that their clients have closed, and returns them.
    ///
    /// Those that are left were all accepted before the look and are held at the look: at the accept of the
    /// new one they were open all at once, whatever has been closed meanwhile.
    #[cfg(feature = "case")]
    fn retire(&self, open: &mut Vec<Open>) -> Vec<(usize, End)> {
        let Some((_, port)) = self.limit.filter(|(most, _)| open.len() >= *most) else { return Vec::new() };
        let clients: Vec<_> = open.iter().filter_map(|it| it.peer).collect();
        let Some(holders) = crate::held::holders(&clients, port) else { return Vec::new() };
        let mut gone = Vec::new();
        open.retain(|it| {
            let held = it.peer.is_none_or(|peer| holders.contains(&peer));
            if !held {
                gone.push((it.order, End::ClosedByPeer));
            }
            held
        });
        gone
    }

    #[cfg(not(feature = "case"))]
    #[expect(clippy::unused_self, reason = "there is no limit")]
    fn retire(&self, _: &mut Vec<Open>) -> Vec<(usize, End)> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::panic::Location;
    use std::sync::Arc;
    use std::time::Duration;

    use super::Server;
    use crate::listen::Bind;
    use crate::record::End;
    use crate::tally::Tally;

    #[tokio::test]
    #[should_panic(expected = "waited in vain for a miracle at testkit/src/server.rs")]
    async fn a_wait_is_bounded_and_says_where_it_stood() {
        let server = Server::start(&Bind::default(), Arc::default(), |_, _| ready(End::ClosedByScript));
        let never = |_: &Tally| false;
        server.wait_within(Duration::from_millis(1), "a miracle", Location::caller(), never).await;
    }
}
