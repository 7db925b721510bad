//! IPv6 and unix sockets.

use testkit::{Case, End, Script, ScriptedOrigin, ok};

use crate::client::{Client, GET};

#[test]
fn an_ipv6_origin_has_its_address_in_brackets() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no ::1");
        return;
    }
    testkit::run(async |case: &Case| {
        let script = Script::new().request().send(ok("hello"));
        let origin = case.scripted(ScriptedOrigin::builder().bind("[::1]:0").connection(script));
        assert_eq!(origin.url("/a"), format!("http://[::1]:{}/a", origin.port()));
        Client::connect(origin.addr()).await.hello().await;
    });
}

#[cfg(unix)]
#[test]
fn a_unix_socket_works_and_is_removed() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let path = std::env::temp_dir().join(format!("testkit-{}.sock", std::process::id()));
    testkit::run(async |case: &Case| {
        let script = Script::new().request().send(ok("hello")).close();
        let origin = case.scripted(
            ScriptedOrigin::builder()
                .bind_unix(&path)
                .connection(script.clone())
                .otherwise(Script::new().stall()),
        );
        assert_eq!(origin.url("/a"), "http://localhost/a");
        let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
        client.write_all(GET.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, ok("hello"));
        drop(tokio::net::UnixStream::connect(&path).await.unwrap());
        origin.wait(|record| record.accepted() == 2 && record.open() == 0).await;
        let record = origin.record();
        assert_eq!((record.peak_open, record.connections[0].peer), (1, None));
        assert_eq!(record.connections[1].ended, Some(End::ClosedByPeer));
    });
    assert!(!path.exists());
}

#[test]
#[should_panic(expected = "the origin cannot listen on 127.0.0.1:")]
fn a_taken_address_is_said_in_plain_words() {
    let first = ScriptedOrigin::new(Script::new());
    let _second = ScriptedOrigin::builder().bind(first.addr().to_string()).start();
}
