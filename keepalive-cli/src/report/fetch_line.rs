//! A request as one line of JSON. The order of the keys is part of the format.

use std::time::Duration;

use http::Version;
use serde::Serialize;

use super::times::ms;
use crate::fetch::{Answer, Failure, Outcome};

#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    id: usize,
    url: &'a str,
    status: Option<u16>,
    protocol: Option<String>,
    reused: Option<bool>,
    socket: Option<u64>,
    attempts: Option<u32>,
    bytes: u64,
    timing_ms: Timing,
    error: Option<String>,
}

#[derive(Default, Serialize)]
struct Timing {
    queue: Option<f64>,
    dns: Option<f64>,
    connect: Option<f64>,
    tls: Option<f64>,
    send: Option<f64>,
    wait: Option<f64>,
    receive: Option<f64>,
}

/// The line, with its end.
pub(crate) fn render(outcome: &Outcome) -> String {
    let answer = outcome.answer.as_ref();
    let info = answer.and_then(|answer| answer.info.as_ref());
    let line = Line {
        v: 1,
        id: outcome.id,
        url: &outcome.url,
        status: answer.map(|answer| answer.status.as_u16()),
        protocol: answer.map(|answer| protocol(answer.version)),
        reused: info.map(|info| info.reused),
        socket: info.map(|info| info.socket_id),
        attempts: info.map(|info| info.attempts),
        bytes: outcome.bytes,
        timing_ms: answer.map(Timing::of).unwrap_or_default(),
        error: outcome.failure.as_ref().map(Failure::text),
    };
    let mut json = serde_json::to_string(&line).expect("numbers and text are always JSON");
    json.push('\n');
    json
}

impl Timing {
    fn of(answer: &Answer) -> Self {
        let times = answer.info.as_ref().map(|info| info.timings);
        let of = |pick: fn(keepalive::Timings) -> Option<Duration>| times.and_then(pick).map(ms);
        Self {
            queue: of(|times| Some(times.queue)),
            dns: of(|times| times.dns),
            connect: of(|times| times.connect),
            tls: of(|times| times.tls),
            send: of(|times| Some(times.send)),
            wait: of(|times| Some(times.wait)),
            receive: Some(ms(answer.receive)),
        }
    }
}

/// As RFC 9110 §2.5 and its versions call themselves: HTTP/2 has no minor version.
fn protocol(version: Version) -> String {
    match version {
        Version::HTTP_2 => "HTTP/2".to_owned(),
        version => format!("{version:?}"),
    }
}
