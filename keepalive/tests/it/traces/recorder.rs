//! A subscriber that writes down the events of the target `keepalive`, and which spans are alive.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// For one thread: what is current is kept as one stack.
#[derive(Clone)]
pub(super) struct Recorder(Arc<Shared>);

struct Shared {
    /// With only one subscriber alive `tracing` asks the thread at hand, once for each place, whether it is
    /// interested: the thread of some other test, which has none. With several it asks them all.
    _shadows: [Dispatch; 2],
    next: AtomicU64,
    seen: Mutex<Seen>,
    /// Called with each event, to see what the agent allows then.
    probe: Mutex<Option<Probe>>,
}

#[derive(Clone)]
struct Probe(Arc<dyn Fn() + Send + Sync>);

#[derive(Default)]
struct Seen {
    events: Vec<Told>,
    /// By number: the name, and how many handles to it there are.
    spans: BTreeMap<u64, (&'static str, usize)>,
    closed: Vec<&'static str>,
    current: Vec<u64>,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) level: Level,
    /// `request queued request=1 origin=http://…`
    pub(super) text: String,
    /// The span it is in.
    pub(super) span: Option<&'static str>,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            _shadows: std::array::from_fn(|_| Dispatch::new(NoSubscriber::default())),
            next: AtomicU64::default(),
            seen: Mutex::default(),
            probe: Mutex::default(),
        }))
    }

    pub(super) fn probe(&self, probe: impl Fn() + Send + Sync + 'static) {
        *self.0.probe.lock().unwrap() = Some(Probe(Arc::new(probe)));
    }

    /// The events since the last call.
    pub(super) fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.seen().events)
    }

    /// The names of the spans with no handle left.
    pub(super) fn closed(&self) -> Vec<&'static str> {
        self.seen().closed.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap()
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() || metadata.target() == "keepalive"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        self.seen().spans.insert(id, (span.metadata().name(), 1));
        Id::from_u64(id)
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.seen().spans.get_mut(&id.into_u64()).expect("it is alive").1 += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut seen = self.seen();
        let (name, handles) = seen.spans.get_mut(&id.into_u64()).expect("it is alive");
        *handles -= 1;
        if *handles > 0 {
            return false;
        }
        let name = *name;
        seen.spans.remove(&id.into_u64());
        seen.closed.push(name);
        true
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let mut seen = self.seen();
        let parent = if event.is_root() {
            None
        } else {
            event.parent().map(Id::into_u64).or_else(|| seen.current.last().copied())
        };
        let span = parent.map(|id| seen.spans[&id].0);
        seen.events.push(Told { level: *event.metadata().level(), text: text.message + &text.fields, span });
        drop(seen);
        // It may panic, and must not take the lock with it.
        let probe = self.0.probe.lock().unwrap().clone();
        if let Some(Probe(probe)) = probe {
            probe();
        }
    }

    fn enter(&self, id: &Id) {
        self.seen().current.push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        assert_eq!(self.seen().current.pop(), Some(id.into_u64()));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            write!(self.fields, " {}={value:?}", field.name()).unwrap();
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.fields, " {}={value}", field.name()).unwrap();
    }
}
