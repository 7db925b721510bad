//! A double of Node's agent: what it does, event by event, and not what its documents say. It has no order
//! across origins, counts a connection when its connector delivers it, and looks at its queue only when a
//! socket comes free or is closed.
//!
//! Written from its observed behaviour (Node 20) with keep-alive on; only [`super::compare`] uses it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Pool;
use crate::pool::state::Limits;

/// What it makes of `maxFreeSockets: 0`.
const DEFAULT_MAX_FREE_SOCKETS: usize = 256;
/// How much sooner than its server an idle socket is closed.
const HINT_MARGIN: Duration = Duration::from_secs(1);

pub(super) struct NodeLike {
    max_sockets: usize,
    max_total_sockets: usize,
    max_free_sockets: usize,
    /// The agent's `timeout`, which is the time for an idle socket, too.
    timeout: Option<Duration>,
    /// Active sockets by origin.
    sockets: BTreeMap<String, Vec<u64>>,
    /// Idle sockets by origin, the last parked behind.
    free_sockets: BTreeMap<String, Vec<u64>>,
    /// The queues, in the order in which their origins came into the table.
    requests: Vec<(String, VecDeque<Request>)>,
    /// Delivered by the connector and not closed.
    total_socket_count: usize,
    connections: BTreeMap<u64, Connection>,
    slow: bool,
    next: u64,
    now: Duration,
    peak: usize,
    log: Vec<String>,
}

struct Request {
    name: String,
    cancelled: bool,
}

struct Connection {
    origin: String,
    request: Option<String>,
    says_reused: bool,
    closed_by_server: bool,
    /// Its inactivity timeout, which stays when it is used again.
    timeout: Option<Duration>,
    quiet_since: Duration,
}

impl NodeLike {
    pub(super) fn new(limits: Limits) -> Self {
        let or_default = |limit, default| if limit == 0 { default } else { limit };
        Self {
            max_sockets: or_default(limits.max_sockets, usize::MAX),
            max_total_sockets: limits.max_total_sockets,
            max_free_sockets: or_default(limits.max_free_sockets, DEFAULT_MAX_FREE_SOCKETS),
            timeout: limits.free_socket_timeout,
            sockets: BTreeMap::new(),
            free_sockets: BTreeMap::new(),
            requests: Vec::new(),
            total_socket_count: 0,
            connections: BTreeMap::new(),
            slow: false,
            next: 1,
            now: Duration::ZERO,
            peak: 0,
            log: Vec::new(),
        }
    }

    fn add_request(&mut self, name: &str) {
        let origin = &name[..1];
        let idle = self.free_sockets.get_mut(origin).and_then(Vec::pop);
        let used = count(&self.free_sockets, origin) + count(&self.sockets, origin);
        if let Some(socket) = idle {
            self.sockets.entry(origin.into()).or_default().push(socket);
            self.connections.get_mut(&socket).unwrap().says_reused = true;
            self.assign(socket, name);
        } else if used < self.max_sockets && self.total_socket_count < self.max_total_sockets {
            if let Some(socket) = self.create_socket(origin) {
                self.assign(socket, name);
            }
        } else {
            let request = Request { name: name.into(), cancelled: false };
            match self.requests.iter_mut().find(|(other, _)| other == origin) {
                Some((_, queue)) => queue.push_back(request),
                None => self.requests.push((origin.into(), VecDeque::from([request]))),
            }
        }
    }

    /// Makes a connection. One that takes its time is not counted before it is there.
    fn create_socket(&mut self, origin: &str) -> Option<u64> {
        let connection = Connection {
            origin: origin.into(),
            request: None,
            says_reused: false,
            closed_by_server: false,
            timeout: self.timeout,
            quiet_since: self.now,
        };
        let socket = self.next;
        self.next += 1;
        self.connections.insert(socket, connection);
        self.peak = self.peak.max(self.connections.len());
        if self.slow {
            return None;
        }
        self.sockets.entry(origin.into()).or_default().push(socket);
        self.total_socket_count += 1;
        Some(socket)
    }

    /// The request is written at once, whatever has become of the connection meanwhile.
    fn assign(&mut self, socket: u64, name: &str) {
        let connection = self.connections.get_mut(&socket).unwrap();
        connection.quiet_since = self.now;
        if connection.closed_by_server {
            self.log.push(format!("{name} fails"));
            self.close(socket);
        } else {
            connection.request = Some(name.into());
            self.log.push(format!("{name} gets {socket}"));
        }
    }

    /// A response is complete and its socket clean, or a socket was made for the queue.
    fn free(&mut self, socket: u64, keep_alive: Option<u64>) {
        let origin = self.connections[&socket].origin.clone();
        if let Some(request) = self.shift(&origin) {
            if request.cancelled {
                // It learns now that it was dropped, and the socket goes on.
                self.log.push(format!("{} fails", request.name));
                return self.free(socket, keep_alive);
            }
            return self.assign(socket, &request.name);
        }
        let idle = count(&self.free_sockets, &origin);
        let hinted = keep_alive.map(|seconds| Duration::from_secs(seconds).saturating_sub(HINT_MARGIN));
        if self.total_socket_count > self.max_total_sockets
            || idle + count(&self.sockets, &origin) > self.max_sockets
            || idle >= self.max_free_sockets
            || hinted == Some(Duration::ZERO)
        {
            return self.close(socket);
        }
        let connection = self.connections.get_mut(&socket).unwrap();
        // A hint without a timeout of the agent is ignored.
        connection.timeout = self.timeout.map(|own| hinted.map_or(own, |hinted| hinted.min(own)));
        connection.request = None;
        connection.quiet_since = self.now;
        self.free_sockets.entry(origin.clone()).or_default().push(socket);
        remove(&mut self.sockets, &origin, socket);
        // A parked socket counts as one that left, so that another may be opened beside it.
        self.refill(&origin);
    }

    fn close(&mut self, socket: u64) {
        let origin = self.connections.remove(&socket).unwrap().origin;
        self.total_socket_count -= 1;
        remove(&mut self.sockets, &origin, socket);
        remove(&mut self.free_sockets, &origin, socket);
        self.refill(&origin);
    }

    /// Opens a connection for a queued request: of this origin, or of the first in the table, unless that
    /// one has a connection in use.
    fn refill(&mut self, origin: &str) {
        let own = self.requests.iter().find(|(other, _)| other == origin);
        let first = self.requests.first().filter(|(first, _)| count(&self.sockets, first) == 0);
        let Some(origin) = own.or(first).map(|(origin, _)| origin.clone()) else { return };
        if let Some(socket) = self.create_socket(&origin) {
            self.free(socket, None);
        }
    }

    fn shift(&mut self, origin: &str) -> Option<Request> {
        let at = self.requests.iter().position(|(other, _)| other == origin)?;
        let request = self.requests[at].1.pop_front();
        if self.requests[at].1.is_empty() {
            self.requests.remove(at);
        }
        request
    }

    fn held_by(&self, name: &str) -> u64 {
        let held = |connection: &Connection| connection.request.as_deref() == Some(name);
        *self.connections.iter().find(|(_, connection)| held(connection)).expect("it holds one").0
    }
}

impl Pool for NodeLike {
    fn ask(&mut self, names: &str) {
        names.split(' ').for_each(|name| self.add_request(name));
    }

    fn cancel(&mut self, name: &str) {
        let mut queued = self.requests.iter_mut().flat_map(|(_, queue)| queue);
        queued.find(|request| request.name == name).expect("it waits").cancelled = true;
    }

    fn done(&mut self, name: &str, keep_alive: Option<u64>) {
        self.free(self.held_by(name), keep_alive);
    }

    fn done_and_closed(&mut self, name: &str) {
        self.close(self.held_by(name));
    }

    fn connect_slowly(&mut self) {
        self.slow = true;
    }

    fn server_closes_idle(&mut self) {
        for socket in self.free_sockets.values().flatten() {
            self.connections.get_mut(socket).unwrap().closed_by_server = true;
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        let over = |connection: &Connection| {
            connection.timeout.is_some_and(|timeout| connection.quiet_since + timeout <= self.now)
        };
        let over: Vec<_> = self.connections.iter().filter(|(_, it)| over(it)).map(|(&it, _)| it).collect();
        for socket in over {
            match self.connections[&socket].request.clone() {
                Some(name) => self.log.push(format!("{name} times out")),
                None => self.close(socket),
            }
        }
    }

    fn set_max_sockets(&mut self, sockets: usize) {
        self.max_sockets = sockets;
    }

    fn destroy(&mut self) {
        let open: Vec<_> =
            self.free_sockets.values().chain(self.sockets.values()).flatten().copied().collect();
        for socket in open {
            let user = self.connections[&socket].request.clone();
            self.log.extend(user.map(|name| format!("{name} fails")));
            self.close(socket);
        }
    }

    fn log(&mut self) -> String {
        std::mem::take(&mut self.log).join(", ")
    }

    fn holding(&self) -> String {
        let mut names: Vec<_> = self.connections.values().filter_map(|it| it.request.clone()).collect();
        names.sort();
        names.join(" ")
    }

    fn queue(&self) -> String {
        let queued = self.requests.iter().flat_map(|(_, queue)| queue);
        queued.map(|request| request.name.clone()).collect::<Vec<_>>().join(" ")
    }

    fn open(&self) -> usize {
        self.connections.len()
    }

    fn peak(&self) -> usize {
        self.peak
    }

    fn says_reused(&self, name: &str) -> bool {
        self.connections[&self.held_by(name)].says_reused
    }
}

fn count(table: &BTreeMap<String, Vec<u64>>, origin: &str) -> usize {
    table.get(origin).map_or(0, Vec::len)
}

fn remove(table: &mut BTreeMap<String, Vec<u64>>, origin: &str, socket: u64) {
    if let Some(sockets) = table.get_mut(origin) {
        sockets.retain(|&other| other != socket);
    }
}
