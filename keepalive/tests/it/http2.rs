//! HTTP/2: how it is agreed upon, streams and their credit, what a server may do to them and to their
//! connection. What of the pool's promises holds for any socket runs over HTTP/2 in `over_h2`.

#[path = "http2/apart.rs"]
mod apart;
#[path = "http2/events.rs"]
mod events;
#[path = "http2/floods.rs"]
mod floods;
#[path = "http2/flow.rs"]
mod flow;
#[path = "http2/goaway.rs"]
mod goaway;
#[path = "http2/health.rs"]
mod health;
#[path = "http2/hostile.rs"]
mod hostile;
#[path = "http2/integrity.rs"]
mod integrity;
#[path = "http2/life.rs"]
mod life;
#[path = "http2/messages.rs"]
mod messages;
#[path = "http2/moved.rs"]
mod moved;
#[path = "http2/negotiation.rs"]
mod negotiation;
#[path = "http2/resets.rs"]
mod resets;
#[path = "http2/streams.rs"]
mod streams;

use std::sync::Arc;

use keepalive::{Agent, AgentBuilder, Protocol};
use testkit::{Case, End, FrameOrigin, Peer, PlainBuilder, PlainOrigin};
use tokio::sync::Semaphore;

/// Agents that know that the server speaks HTTP/2.
fn builder() -> AgentBuilder {
    Agent::builder().protocol(Protocol::Http2PriorKnowledge)
}

fn agent() -> Agent {
    builder().build().unwrap()
}

/// Origins that do.
fn plain() -> PlainBuilder {
    PlainOrigin::builder().http2()
}

/// Every connection is opened well, allows 100 streams and then does this.
fn frames<F>(case: &Case, script: impl Fn(Peer) -> F + Clone + Send + Sync + 'static) -> FrameOrigin
where
    F: Future<Output = Result<(), End>> + Send + 'static,
{
    case.frames(FrameOrigin::script(move |mut peer: Peer| {
        let script = script.clone();
        async move {
            peer.open(&[(MAX_CONCURRENT_STREAMS, 100)]).await?;
            script(peer).await
        }
    }))
}

/// RFC 9113 §6.5.2.
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;

/// RFC 9113 §7.
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;
const HTTP_1_1_REQUIRED: u32 = 13;

/// What a test tells a script to go on with.
#[derive(Clone)]
struct Cue(Arc<Semaphore>);

impl Cue {
    fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    fn give(&self) {
        self.0.add_permits(1);
    }

    async fn come(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}
