//! The rest of a body: of known length and taken at once, or in chunks.

use bytes::BytesMut;

use super::super::{BodyEvent, HeadEvent, RequestFacts, ResponseDecoder};

/// A decoder behind this head, and what came with it; `room` bytes more fit into the buffer.
fn behind(head: &[u8], rest: &[u8], room: usize) -> (ResponseDecoder, BytesMut) {
    let mut decoder = ResponseDecoder::new(RequestFacts::default());
    let mut buf = BytesMut::from(head);
    assert!(matches!(decoder.head(&mut buf), Ok(HeadEvent::Response(_))));
    let mut buf = BytesMut::with_capacity(rest.len() + room);
    buf.extend_from_slice(rest);
    (decoder, buf)
}

#[test]
fn it_is_the_body_and_nothing_behind_it() {
    let head = b"HTTP/1.1 200 x\r\ncontent-length: 4\r\n\r\n";
    for (rest, left) in [("body", ""), ("bodyHTTP", "HTTP")] {
        for room in [0, 1, 100] {
            let (mut decoder, mut buf) = behind(head, rest.as_bytes(), room);
            assert_eq!(decoder.take_rest(&mut buf), "body", "{rest} {room}");
            assert_eq!(buf, left);
            assert_eq!(decoder.body_remaining(), Some(0));
        }
    }
}

#[test]
fn the_buffer_is_given_away_only_if_it_is_of_no_use_any_more() {
    let head = b"HTTP/1.1 200 x\r\ncontent-length: 4\r\n\r\n";
    let (mut decoder, mut buf) = behind(head, b"body", 0);
    let place = buf.as_ptr();
    assert_eq!(decoder.take_rest(&mut buf).as_ptr(), place);
    assert_eq!(buf.capacity(), 0);
    let (mut decoder, mut buf) = behind(head, b"body", 100);
    decoder.take_rest(&mut buf);
    assert_eq!(buf.capacity(), 100, "the room behind it");
}

#[test]
fn of_a_body_that_is_over_there_is_none() {
    for head in [
        &b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n"[..],
        b"HTTP/1.1 204 x\r\n\r\n",
        b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n",
    ] {
        let (mut decoder, mut buf) = behind(head, b"HTTP", 0);
        assert_eq!(decoder.take_rest(&mut buf), "");
        assert_eq!(buf, "HTTP");
    }
}

#[test]
fn of_a_body_in_chunks_as_much_is_certain_as_its_chunk_says() {
    let mut decoder = ResponseDecoder::new(RequestFacts::default());
    let mut buf = BytesMut::from("HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n");
    assert!(matches!(decoder.head(&mut buf), Ok(HeadEvent::Response(_))));
    for (bytes, data, certain) in
        [("a\r\n", "", 10), ("bod", "bod", 7), ("y666666", "y666666", 0), ("\r\n1", "", 0)]
    {
        buf.extend_from_slice(bytes.as_bytes());
        let event = decoder.body(&mut buf, false);
        match event {
            Ok(BodyEvent::Data(got)) => assert_eq!(got, data),
            Ok(BodyEvent::NeedMore) => assert_eq!(data, ""),
            event => panic!("{bytes}: {event:?}"),
        }
        let hint = decoder.size_hint();
        assert_eq!((hint.lower(), hint.upper()), (certain, None), "{bytes}");
    }
}
