//! The Keep-Alive field, as well and as badly as it comes.

use std::time::Duration;

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue};

use super::super::keep_alive::KeepAliveHint;
use super::super::{HeadEvent, ResponseDecoder};
use super::GET;

/// The lines of the field, then timeout and max.
const TABLE: &[(&[&str], Option<u64>, Option<u32>)] = &[
    (&[], None, None),
    (&["timeout=5, max=100"], Some(5), Some(100)),
    (&["max=100,timeout=5"], Some(5), Some(100)),
    (&["timeout=5"], Some(5), None),
    (&["max=0"], None, Some(0)),
    (&["timeout=0"], Some(0), None),
    (&["max=1", "timeout=2"], Some(2), Some(1)),
    (&["Timeout = 5 ,\tMAX\t=\t7"], Some(5), Some(7)),
    (&["timeout=\"5\", max=\"7\""], Some(5), Some(7)),
    (&["timeout=5s"], Some(5), None),
    (&["timeout=\"5s\""], Some(5), None),
    (&["x=1, timeout=5, y, z=\"a,timeout=1,b\""], Some(5), None),
    (&["300"], None, None),
    (&["timeout"], None, None),
    (&["timeout="], None, None),
    (&["timeout=-5"], None, None),
    (&["timeout=+5"], None, None),
    (&["timeout=5.5"], None, None),
    (&["timeout=s"], None, None),
    (&["timeout=5m, max=7"], None, Some(7)),
    (&["timeout=\"5"], None, None),
    (&["max=5s"], None, None),
    (&["xtimeout=5"], None, None),
    (&[",,=,"], None, None),
    // Of a repeated parameter the smallest value counts.
    (&["timeout=5, timeout=3", "timeout=9"], Some(3), None),
    (&["timeout=5, timeout=x"], Some(5), None),
    // Overflow saturates.
    (&["timeout=4294967296, max=99999999999999999999999"], Some(4_294_967_295), Some(u32::MAX)),
];

#[test]
fn hints() {
    for (lines, timeout, max) in TABLE {
        let mut headers = HeaderMap::new();
        for line in *lines {
            headers.append("keep-alive", HeaderValue::from_static(line));
        }
        let timeout = timeout.map(Duration::from_secs);
        let want = (timeout.is_some() || max.is_some()).then_some(KeepAliveHint { timeout, max: *max });
        assert_eq!(KeepAliveHint::of(&headers), want, "for {lines:?}");
    }
}

/// The final response's hint counts, not that of a 1xx.
#[test]
fn the_decoder_carries_it() {
    let mut decoder = ResponseDecoder::new(GET);
    let mut buf = BytesMut::from(
        "HTTP/1.1 103 x\r\nkeep-alive: max=1\r\n\r\nHTTP/1.1 204 x\r\nKeep-Alive: timeout=5\r\n\r\n",
    );
    assert!(matches!(decoder.head(&mut buf), Ok(HeadEvent::Informational(_))));
    assert_eq!(decoder.hint(), None);
    assert!(matches!(decoder.head(&mut buf), Ok(HeadEvent::Response(_))));
    assert_eq!(decoder.hint(), Some(KeepAliveHint { timeout: Some(Duration::from_secs(5)), max: None }));
}
