//! Why a socket was closed: one value for logs, counters, errors and tests.

use std::fmt;

/// Why the agent closed a socket. Every socket's end has exactly one.
///
/// [`Display`](fmt::Display) prints a sentence a person can act on, [`name`](Self::name) the short
/// name that logs and JSON use.
///
/// ```
/// use keepalive::CloseReason;
/// assert_eq!(CloseReason::Evicted.name(), "evicted");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The dial failed: no connection was made.
    DialFailed,
    /// The dial was stopped before it finished: nobody wanted it any more.
    DialAborted,
    /// The response carried `Connection: close`.
    ResponseSaidClose,
    /// The request carried `Connection: close`.
    RequestSaidClose,
    /// An HTTP/1.0 response without `Connection: keep-alive` (RFC 9112 §9.3).
    Http10,
    /// The body was delimited by the end of the connection (RFC 9112 §6.3, last item).
    CloseDelimited,
    /// Bytes came after the end of the response.
    SurplusBytes,
    /// Bytes came before a request was written.
    UnsolicitedBytes,
    /// The server closed the connection while it was idle.
    ClosedByServer,
    /// The server takes no more requests on it (GOAWAY, RFC 9113 §6.8).
    GoAway,
    /// The server did not answer whether it is there (PING, RFC 9113 §6.7).
    Silent,
    /// It had been idle, or had served before, and ended when a request was written, without a byte of the
    /// response.
    Stale,
    /// It was idle, and another socket of its origin, idle no longer, proved stale.
    Suspect,
    /// The connection ended before the response was complete.
    Truncated,
    /// The response was not valid HTTP.
    ProtocolError,
    /// Reading or writing failed.
    IoError,
    /// The request's future or its body was dropped midway.
    Cancelled,
    /// A time limit ran out.
    TimedOut,
    /// The body was dropped and the rest was too long, or too slow, to read off.
    BodyNotDrained,
    /// The response was complete and the request body was not.
    UploadUnfinished,
    /// The request body failed, or did not have the length it announced.
    RequestBodyFailed,
    /// Keep-alive is off and no request was waiting.
    KeepAliveOff,
    /// It was idle for `free_socket_timeout`.
    IdleTimeout,
    /// It was idle, with no limit to that, while the process was suspended for more than 15 s.
    Suspended,
    /// The server's `Keep-Alive` field said that it would close it soon, or take no more requests.
    KeepAliveHint,
    /// It was open for `max_socket_age`.
    MaxAge,
    /// It had served `max_requests_per_socket` requests.
    MaxRequests,
    /// There were more idle sockets than `max_free_sockets` or `max_total_free_sockets` allow.
    IdleLimit,
    /// It was idle and made room for another origin at the total cap.
    Evicted,
    /// The process had no file descriptor left, and another connection needed one.
    DescriptorLimit,
    /// A limit was lowered below the number of open sockets.
    OverLimit,
    /// [`Agent::close_idle`](crate::Agent::close_idle) was called.
    CloseIdle,
    /// [`Agent::close`](crate::Agent::close) was called.
    AgentClosed,
    /// [`Agent::destroy`](crate::Agent::destroy) was called.
    Destroyed,
    /// The last handle to the agent was dropped.
    AgentDropped,
    /// The socket was handed out after a 101 or a CONNECT, and its user closed it.
    Upgraded,
}

impl CloseReason {
    /// The short name, as in JSON: `"evicted"`, `"surplus_bytes"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.texts().0
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::DialFailed => ("dial_failed", "the dial failed"),
            Self::DialAborted => ("dial_aborted", "the dial was stopped, nobody wanted it any more"),
            Self::ResponseSaidClose => ("response_said_close", "the response carried `connection: close`"),
            Self::RequestSaidClose => ("request_said_close", "the request carried `connection: close`"),
            Self::Http10 => ("http_10", "the server speaks HTTP/1.0 and did not offer keep-alive"),
            Self::CloseDelimited => ("close_delimited", "the body ended with the connection"),
            Self::SurplusBytes => ("surplus_bytes", "bytes came after the end of the response"),
            Self::UnsolicitedBytes => ("unsolicited_bytes", "bytes came before a request was written"),
            Self::ClosedByServer => ("closed_by_server", "the server closed it while it was idle"),
            Self::GoAway => ("go_away", "the server takes no more requests on it"),
            Self::Silent => ("silent", "the server did not answer a PING"),
            Self::Stale => {
                ("stale", "it ended when a request was written to it, before a byte of the response")
            }
            Self::Suspect => ("suspect", "another socket of its origin proved stale"),
            Self::Truncated => ("truncated", "the connection ended before the response was complete"),
            Self::ProtocolError => ("protocol_error", "the response was not valid HTTP"),
            Self::IoError => ("io_error", "reading or writing failed"),
            Self::Cancelled => ("cancelled", "the request was dropped midway"),
            Self::TimedOut => ("timed_out", "a time limit ran out"),
            Self::BodyNotDrained => {
                ("body_not_drained", "the rest of a dropped body was too long or too slow to read off")
            }
            Self::UploadUnfinished => {
                ("upload_unfinished", "the response was complete before the request body was sent")
            }
            Self::RequestBodyFailed => {
                ("request_body_failed", "the request body failed or did not keep its length")
            }
            Self::KeepAliveOff => ("keep_alive_off", "keep-alive is off and no request was waiting"),
            Self::IdleTimeout => ("idle_timeout", "it was idle for too long"),
            Self::Suspended => ("suspended", "it was idle while the process was suspended for long"),
            Self::KeepAliveHint => ("keep_alive_hint", "the server said that it would close it soon"),
            Self::MaxAge => ("max_age", "it was open for as long as a socket may be"),
            Self::MaxRequests => ("max_requests", "it had served as many requests as a socket may"),
            Self::IdleLimit => ("idle_limit", "there were more idle sockets than the limit allows"),
            Self::Evicted => ("evicted", "it was idle and made room for another origin"),
            Self::DescriptorLimit => (
                "descriptor_limit",
                "the process had no file descriptor left, and another connection needed one",
            ),
            Self::OverLimit => ("over_limit", "a limit was lowered below the number of open sockets"),
            Self::CloseIdle => ("close_idle", "close_idle() was called"),
            Self::AgentClosed => ("agent_closed", "the agent was closed"),
            Self::Destroyed => ("destroyed", "the agent was destroyed"),
            Self::AgentDropped => ("agent_dropped", "the last handle to the agent was dropped"),
            Self::Upgraded => ("upgraded", "it was handed out after an upgrade and closed by its user"),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.texts().1)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for CloseReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::CloseReason;
    use super::CloseReason::*;

    /// The reason declared after this one. A new one must be put into the chain, or this does not compile.
    fn next(reason: CloseReason) -> Option<CloseReason> {
        Some(match reason {
            DialFailed => DialAborted,
            DialAborted => ResponseSaidClose,
            ResponseSaidClose => RequestSaidClose,
            RequestSaidClose => Http10,
            Http10 => CloseDelimited,
            CloseDelimited => SurplusBytes,
            SurplusBytes => UnsolicitedBytes,
            UnsolicitedBytes => ClosedByServer,
            ClosedByServer => GoAway,
            GoAway => Silent,
            Silent => Stale,
            Stale => Suspect,
            Suspect => Truncated,
            Truncated => ProtocolError,
            ProtocolError => IoError,
            IoError => Cancelled,
            Cancelled => TimedOut,
            TimedOut => BodyNotDrained,
            BodyNotDrained => UploadUnfinished,
            UploadUnfinished => RequestBodyFailed,
            RequestBodyFailed => KeepAliveOff,
            KeepAliveOff => IdleTimeout,
            IdleTimeout => Suspended,
            Suspended => KeepAliveHint,
            KeepAliveHint => MaxAge,
            MaxAge => MaxRequests,
            MaxRequests => IdleLimit,
            IdleLimit => Evicted,
            Evicted => DescriptorLimit,
            DescriptorLimit => OverLimit,
            OverLimit => CloseIdle,
            CloseIdle => AgentClosed,
            AgentClosed => Destroyed,
            Destroyed => AgentDropped,
            AgentDropped => Upgraded,
            Upgraded => return None,
        })
    }

    #[test]
    fn every_reason_has_a_name_and_a_sentence_of_its_own() {
        let all: Vec<_> = std::iter::successors(Some(DialFailed), |&reason| next(reason)).collect();
        for pair in all.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?} are declared in another order");
        }
        let names: BTreeSet<_> = all.iter().map(|reason| reason.name()).collect();
        let sentences: BTreeSet<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!((names.len(), sentences.len()), (all.len(), all.len()));
        for reason in all {
            let (name, sentence) = (reason.name(), reason.to_string());
            assert!(
                name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_'),
                "{name}"
            );
            // As they stand in "closed because …".
            assert!(sentence.contains(' ') && !sentence.ends_with('.'), "{sentence}");
            let name: String = name.split('_').collect();
            assert_eq!(name, format!("{reason:?}").to_lowercase(), "the name is the variant's");
        }
    }
}
