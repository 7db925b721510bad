//! A response that is cut short: whether that can be known decides.

use keepalive::{CloseReason, Error};
use testkit::{Case, Script, ScriptedOrigin, ServerTls, run};

use super::trusted;
use crate::kit::closed_by;

/// What comes of a response that ends so, and of its socket.
async fn outcome(
    case: &Case,
    response: String,
    end: fn(Script) -> Script,
) -> (Result<usize, Error>, CloseReason) {
    let (authority, agent) = trusted();
    let tls = ServerTls::new(&authority.local());
    let script = end(Script::new().request().send(response));
    let origin = case.scripted(ScriptedOrigin::builder().tls(&tls).otherwise(script));
    let read = match agent.get(origin.url("/")).send().await {
        Ok(response) => response.bytes().await.map(|bytes| bytes.len()),
        Err(error) => Err(error),
    };
    crate::kit::until(&agent, |totals| totals.closed == 1).await;
    (read, closed_by(&agent)[0].0)
}

const HEAD: &str = "HTTP/1.1 200 OK\r\n";

/// Small enough to be taken in with the head, and not.
const SIZES: [usize; 2] = [100, 200_000];

#[test]
fn without_a_length_only_a_goodbye_is_the_end() {
    run(async |case: &Case| {
        for size in SIZES {
            let response = format!("{HEAD}\r\n{}", "x".repeat(size));
            let (read, reason) = outcome(case, response.clone(), Script::close).await;
            assert_eq!((read.unwrap(), reason), (size, CloseReason::CloseDelimited));
            let (read, reason) = outcome(case, response, Script::cut).await;
            let error = read.unwrap_err();
            assert!(error.is_protocol(), "{error:?}");
            assert!(error.to_string().contains("without TLS's goodbye (close_notify)"), "{error}");
            assert_eq!((error.phase(), reason), (keepalive::Phase::Receive, CloseReason::Truncated));
        }
    });
}

#[test]
fn with_a_length_a_whole_body_stands_and_a_short_one_is_an_error_either_way() {
    run(async |case: &Case| {
        for size in SIZES {
            let body = "x".repeat(size);
            let whole = format!("{HEAD}content-length: {size}\r\n\r\n{body}");
            let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n");
            for end in [Script::close, Script::cut] {
                for whole in [&whole, &format!("{chunked}0\r\n\r\n")] {
                    let (read, reason) = outcome(case, whole.clone(), end).await;
                    assert_eq!((read.unwrap(), reason), (size, CloseReason::ClosedByServer));
                }
                for short in [&whole[..whole.len() - 1], &chunked, &whole[..10]] {
                    let (read, reason) = outcome(case, short.to_owned(), end).await;
                    let error = read.unwrap_err();
                    assert!(error.is_protocol(), "{error:?}");
                    assert_eq!(reason, CloseReason::Truncated, "{error}");
                }
            }
        }
    });
}

#[test]
fn nothing_at_all_is_the_end_it_would_be_without_tls() {
    run(async |case: &Case| {
        for end in [Script::close, Script::cut] {
            let (read, reason) = outcome(case, String::new(), end).await;
            let error = read.unwrap_err();
            assert_eq!(error.to_string(), "the connection ended before the first byte of the response");
            assert_eq!((error.bytes_read(), reason), (0, CloseReason::Truncated));
        }
    });
}

#[test]
fn bytes_below_tls_in_the_middle_of_a_body_are_no_part_of_it() {
    run(async |case: &Case| {
        for size in SIZES {
            let response = format!("{HEAD}content-length: 1000000\r\n\r\n{}", "x".repeat(size));
            let (read, reason) = outcome(case, response, |script| script.raw("x".repeat(100)).stall()).await;
            let error = read.unwrap_err();
            assert_eq!(error.to_string(), "what the server sent is not valid TLS");
            assert_eq!(reason, CloseReason::IoError);
        }
    });
}
