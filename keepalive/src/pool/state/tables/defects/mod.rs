//! The known defects of Node's own agent, each as one story told to two pools: to our state machine and to
//! [`NodeLike`](node::NodeLike), a small double that behaves as Node's agent does.
//!
//! A story says what it saw; [`compare`] wants of each pool exactly what its test says, and the two must
//! differ. So no story can pass that would not notice the defect. What lies above the state machine (the
//! bytes of a response, the clock of a waiting request) is in the integration tests, `tests/it/node_defects.rs`.
//!
//! Requests are named as in the other tables: "a1" asks origin "a".

mod fairness;
mod limits;
mod node;
mod ours;
mod sockets;
mod waiting;

use std::time::Duration;

use self::node::NodeLike;
use super::rig::Rig;
use crate::pool::state::Limits;

/// What both pools understand. Connections stand at once, unless they are held back.
trait Pool {
    /// New requests, one after another: `"a1 b1 a2"`.
    fn ask(&mut self, names: &str);
    /// The request's future is dropped while it waits.
    fn cancel(&mut self, name: &str);
    /// The response is complete; its head may say how many seconds the server keeps the socket.
    fn done(&mut self, name: &str, keep_alive: Option<u64>);
    /// The response is complete, and the server closed the connection with it.
    fn done_and_closed(&mut self, name: &str);
    /// From now on making a connection takes its time.
    fn connect_slowly(&mut self);
    /// The server closes its idle connections; the agent's side is not told yet.
    fn server_closes_idle(&mut self);
    fn pass(&mut self, time: Duration);
    fn set_max_sockets(&mut self, sockets: usize);
    fn destroy(&mut self);

    /// What became of the requests since the last call: "a1 gets 1" (the first connection), "a1 fails",
    /// "a1 times out".
    fn log(&mut self) -> String;
    /// Who holds a connection, by name.
    fn holding(&self) -> String;
    /// Who is in the queue, by name.
    fn queue(&self) -> String;
    /// Connections that were begun and are not closed.
    fn open(&self) -> usize;
    /// The most that were open at once.
    fn peak(&self) -> usize;
    /// Whether the request's connection says of itself that it served another before.
    fn says_reused(&self, name: &str) -> bool;
}

/// Tells the story to both pools; `ours` and `node` are what it sees there.
#[track_caller]
fn compare(limits: Limits, story: impl Fn(&mut dyn Pool) -> String, ours: &str, node: &str) {
    assert_ne!(ours, node, "this story does not tell one from the other");
    assert_eq!(story(&mut ours::Ours::new(Rig::new(limits))), ours, "our pool");
    assert_eq!(story(&mut NodeLike::new(limits)), node, "the double of Node's agent");
}
