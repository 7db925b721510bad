//! Every step of a script.

use std::io::ErrorKind;

use testkit::{Case, End, Script, ScriptedOrigin, ok};

use crate::client::{Client, GET};

#[test]
fn a_request_with_length_is_read_whole_and_recorded() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(ok("a")).close());
        let mut client = Client::connect(origin.addr()).await;
        client.send("POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nab").await;
        origin.wait(|record| record.connections.first().is_some_and(|c| c.bytes.ends_with(b"ab"))).await;
        assert!(origin.record().requests().is_empty(), "the body is not complete");
        client.send("c").await;
        assert_eq!(client.rest().await.unwrap().as_bytes(), ok("a"));
        origin.wait(|record| record.open() == 0).await;
        let record = origin.record();
        let request = record.requests()[0];
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/x"));
        assert_eq!((request.header("content-length"), request.body.as_slice()), (Some("3"), &b"abc"[..]));
        assert_eq!(request.head, b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\n");
        assert_eq!(record.connections[0].ended, Some(End::ClosedByScript));
    });
}

#[test]
fn a_chunked_request_is_unframed_however_it_is_cut() {
    let wire = "PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nt: u\r\n\r\n";
    for cut in [1, 7, wire.len()] {
        testkit::run(async |case: &Case| {
            let origin = case.scripted(Script::new().request().send(ok("")).close());
            let mut client = Client::connect(origin.addr()).await;
            for piece in wire.as_bytes().chunks(cut) {
                client.send(piece).await;
                tokio::task::yield_now().await;
            }
            client.rest().await.unwrap();
            let record = origin.record();
            assert_eq!(record.requests()[0].body, b"abc0123456789");
            assert_eq!(record.requests()[0].trailers, [("t".to_owned(), "u".to_owned())]);
            assert_eq!(record.connections[0].bytes, wire.as_bytes());
        });
    }
}

#[test]
fn a_head_is_recorded_before_its_body() {
    testkit::run(async |case: &Case| {
        let script = Script::new().head().send("HTTP/1.1 100 Continue\r\n\r\n").body().send(ok("")).close();
        let origin = case.scripted(script);
        let mut client = Client::connect(origin.addr()).await;
        client.send("PUT / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n").await;
        client.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
        assert_eq!(origin.record().requests()[0].body, b"");
        client.send("hi").await;
        client.rest().await.unwrap();
        assert_eq!(origin.record().requests()[0].body, b"hi");
    });
}

#[test]
fn pieces_and_single_bytes_arrive_in_order() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().pieces(["ab", "cd"]).bytewise("efg").half_close());
        let mut client = Client::connect(origin.addr()).await;
        assert_eq!(client.rest().await.unwrap(), "abcdefg");
    });
}

#[test]
fn a_signal_holds_the_script_and_stays_given() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().reached("before").signal("go").send("x").close());
        let mut client = Client::connect(origin.addr()).await;
        origin.reached("before").await;
        assert_eq!(client.at_once().unwrap_err().kind(), ErrorKind::WouldBlock);
        origin.signal("go");
        assert_eq!(client.rest().await.unwrap(), "x");
        let mut later = Client::connect(origin.addr()).await;
        assert_eq!(later.rest().await.unwrap(), "x");
    });
}

#[test]
fn a_peer_that_goes_during_a_signal_is_recorded_and_what_it_sent_is_read_later() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().signal("go").request().reached("after").stall());
        let mut client = Client::connect(origin.addr()).await;
        client.send(GET).await;
        drop(client);
        origin.wait(|record| record.accepted() == 1 && record.open() == 0).await;
        assert!(origin.record().requests().is_empty());
        origin.signal("go");
        origin.reached("after").await;
        assert_eq!(origin.record().requests()[0].target, "/");
        assert_eq!(origin.record().connections[0].ended, Some(End::ClosedByPeer));
    });
}

#[test]
fn bytes_that_came_during_a_signal_are_read_after_it() {
    testkit::run(async |case: &Case| {
        let scripts = ScriptedOrigin::builder()
            .connection(Script::new().reached("here").signal("go").request().send("x").close())
            .connection(Script::new().reached("later"));
        let origin = case.scripted(scripts);
        let mut client = Client::connect(origin.addr()).await;
        origin.reached("here").await;
        client.send(GET).await;
        // The origin is one thread: when it serves this one it has looked at the bytes before.
        let second = Client::connect(origin.addr()).await;
        origin.reached("later").await;
        origin.signal("go");
        client.expect("x").await;
        drop(second);
    });
}

#[test]
fn half_close_ends_the_answer_but_not_the_request() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().send("bye").half_close().request().reached("read"));
        let mut client = Client::connect(origin.addr()).await;
        assert_eq!(client.rest().await.unwrap(), "bye");
        client.send(GET).await;
        origin.reached("read").await;
        assert_eq!(origin.record().open(), 1);
    });
}

#[test]
fn a_reset_is_a_reset() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().reset());
        let mut client = Client::connect(origin.addr()).await;
        client.send(GET).await;
        assert_eq!(client.rest().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        origin.wait(|record| record.connections[0].ended == Some(End::ResetByScript)).await;
    });
}

#[test]
fn a_stalled_connection_reads_nothing_and_notices_both_ends() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().reached("stalled").stall());
        let mut client = Client::connect(origin.addr()).await;
        origin.reached("stalled").await;
        client.send(GET).await;
        drop(client);
        origin.wait(|record| record.open() == 0).await;
        let client = Client::connect(origin.addr()).await;
        origin.wait(|record| record.open() == 1).await;
        let socket = client.0.into_std().unwrap();
        reset_on_close(&socket);
        drop(socket);
        origin.wait(|record| record.open() == 0).await;
        let record = origin.record();
        assert_eq!(record.connections[0].bytes, b"");
        assert_eq!(record.connections[0].ended, Some(End::ClosedByPeer));
        assert_eq!(record.connections[1].ended, Some(End::ResetByPeer));
    });
}

/// Makes the coming close a reset.
fn reset_on_close(socket: &std::net::TcpStream) {
    socket2::SockRef::from(socket).set_linger(Some(std::time::Duration::ZERO)).unwrap();
}

#[test]
fn reading_to_the_end_records_it_all_and_goes_on() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().read_to_end().send("got it").close());
        let mut client = Client::connect(origin.addr()).await;
        client.send("any bytes").await;
        tokio::io::AsyncWriteExt::shutdown(&mut client.0).await.unwrap();
        assert_eq!(client.rest().await.unwrap(), "got it");
        assert_eq!(origin.record().connections[0].bytes, b"any bytes");
    });
}

#[test]
fn a_repeated_script_serves_pipelined_requests_until_the_peer_closes() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(ok("hello")).repeat());
        let mut client = Client::connect(origin.addr()).await;
        client.send([GET, GET].concat()).await;
        client.expect([ok("hello"), ok("hello")].concat()).await;
        client.hello().await;
        drop(client);
        origin.wait(|record| record.open() == 0).await;
        assert_eq!(origin.record().connections[0].requests.len(), 3);
    });
}

#[test]
fn a_script_without_end_records_the_surplus() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request());
        let mut client = Client::connect(origin.addr()).await;
        client.send([GET, "surplus"].concat()).await;
        origin.wait(|record| record.requests().len() == 1).await;
        client.send(" and more").await;
        origin.wait(|record| record.connections[0].bytes.ends_with(b"surplus and more")).await;
        assert_eq!((origin.record().open(), origin.record().requests().len()), (1, 1));
    });
}

#[test]
fn what_is_no_request_ends_the_connection_with_the_reason() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request());
        let mut client = Client::connect(origin.addr()).await;
        client.send("nonsense\r\n\r\n").await;
        assert_eq!(client.rest().await.unwrap(), "");
        let reason = "not a request line: \"nonsense\"".to_owned();
        origin.wait(|record| record.connections[0].ended == Some(End::BadRequest(reason.clone()))).await;
    });
}

#[test]
fn connections_follow_their_own_scripts_and_one_too_many_is_unexpected() {
    testkit::run(async |case: &Case| {
        let scripts = ScriptedOrigin::builder()
            .connection(Script::new().send("first").close())
            .connection(Script::new().send("second").close());
        let origin = case.scripted(scripts);
        for text in ["first", "second", ""] {
            assert_eq!(Client::connect(origin.addr()).await.rest().await.unwrap(), text);
        }
        origin.wait(|record| record.accepted() == 3 && record.open() == 0).await;
        assert_eq!(origin.record().connections[2].ended, Some(End::Unexpected));
    });
}

#[test]
#[should_panic(expected = "Send([]) can never be reached: Some(Close) comes before it")]
fn a_step_that_cannot_be_reached_is_refused() {
    let _ = Script::new().close().send("");
}
