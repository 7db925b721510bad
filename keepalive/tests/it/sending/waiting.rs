//! A request that has nothing to write yet.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use keepalive::Body;
use testkit::{Case, Script};

use super::feed::feed;
use super::wire;
use crate::kit::{poll, turns};

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// One that woke itself would keep a processor busy until its body came.
#[test]
fn one_that_waits_for_its_body_or_for_a_100_is_left_alone() {
    wire::run(async |case: &Case| {
        for held in [false, true] {
            let origin = case.scripted(Script::new().head().reached("head").read_to_end());
            let agent = wire::builder().expect_continue_timeout(None).build().unwrap();
            let (feeder, body) = feed();
            let mut request = agent.post(origin.url("/")).body(Body::wrap(body));
            if held {
                feeder.data("payload");
                request = request.header("expect", "100-continue");
            }
            let mut request = Box::pin(request.send());
            tokio::select! {
                _ = &mut request => panic!("the server said nothing"),
                () = origin.reached("head") => {}
            }
            turns().await;
            assert!(poll(&mut request).is_pending());
            let woken = Arc::new(Woken::default());
            let waker = Waker::from(Arc::clone(&woken));
            assert!(Pin::new(&mut request).poll(&mut Context::from_waker(&waker)).is_pending());
            turns().await;
            assert_eq!(woken.0.load(Ordering::Relaxed), 0, "held back: {held}");
        }
    });
}
