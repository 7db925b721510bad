//! A gate holds answers and lets them go in order.

use std::io::ErrorKind;

use testkit::{Case, Gate, PlainOrigin, ok};

use crate::client::{Client, GET};

#[test]
fn the_oldest_request_is_released_first() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let mut clients = Vec::new();
        for n in 0..4 {
            clients.push(Client::connect(origin.addr()).await);
            clients[n].send(GET).await;
            origin.wait(|stats| stats.requests == n + 1).await;
        }
        for n in 0..3 {
            gate.release(1);
            clients[n].expect(ok("hello")).await;
            for later in &mut clients[n + 1..] {
                assert_eq!(later.at_once().unwrap_err().kind(), ErrorKind::WouldBlock);
            }
        }
        gate.open();
        clients[3].expect(ok("hello")).await;
        clients[0].hello().await;
        gate.hold();
        clients[0].send(GET).await;
        origin.wait(|stats| stats.requests == 6).await;
        assert_eq!(clients[0].at_once().unwrap_err().kind(), ErrorKind::WouldBlock);
        gate.release(2);
        clients[0].expect(ok("hello")).await;
        clients[1].hello().await;
    });
}

#[test]
fn who_left_takes_nobodys_turn() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let mut left = Client::connect(origin.addr()).await;
        left.send(GET).await;
        origin.wait(|stats| stats.requests == 1).await;
        let mut stays = Client::connect(origin.addr()).await;
        stays.send(GET).await;
        origin.wait(|stats| stats.requests == 2).await;
        drop(left);
        origin.wait(|stats| stats.open == 1).await;
        gate.release(1);
        stays.expect(ok("hello")).await;
    });
}
