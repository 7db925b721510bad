//! What TLS itself promises: whom it trusts, what it says when something is wrong, what an idle socket bears.
//! The pool's promises over TLS are in `over_tls`.

#[path = "tls/bodies.rs"]
mod bodies;
#[path = "tls/certificates.rs"]
mod certificates;
#[path = "tls/clients.rs"]
mod clients;
#[path = "tls/handshakes.rs"]
mod handshakes;
#[path = "tls/idle.rs"]
mod idle;
#[cfg(unix)]
#[path = "tls/real.rs"]
mod real;
#[path = "tls/sessions.rs"]
mod sessions;
#[path = "tls/settings.rs"]
mod settings;

use std::error::Error as _;

use keepalive::{Agent, Error, Phase, Tls, TlsBuilder};
use testkit::{Authority, Case, Identity, PlainOrigin, Script, ScriptedOrigin, ServerTls, ok};

/// Trusts this authority and nobody else.
fn trusting(pem: impl AsRef<[u8]>) -> TlsBuilder {
    Tls::builder().builtin_roots(false).add_root_pem(pem)
}

fn agent(tls: TlsBuilder) -> Agent {
    Agent::builder().tls(tls.build().unwrap()).build().unwrap()
}

/// An authority, and an agent that trusts it.
fn trusted() -> (Authority, Agent) {
    let authority = Authority::new("trusted");
    let agent = agent(trusting(authority.pem()));
    (authority, agent)
}

fn origin(case: &Case, identity: &Identity) -> PlainOrigin {
    case.plain(PlainOrigin::builder().tls(&ServerTls::new(identity)))
}

/// Answers every request.
fn scripted(case: &Case, tls: &ServerTls) -> ScriptedOrigin {
    case.scripted(
        ScriptedOrigin::builder().tls(tls).otherwise(Script::new().request().send(ok("hello")).repeat()),
    )
}

fn local(origin: &PlainOrigin) -> String {
    format!("https://localhost:{}/", origin.port())
}

/// The error of a GET that no connection came about for.
async fn refused(agent: &Agent, url: &str) -> String {
    let error = agent.get(url.to_owned()).send().await.unwrap_err();
    assert_eq!(
        (error.phase(), error.is_connect(), error.is_timeout()),
        (Phase::Tls, true, false),
        "{error:?}"
    );
    assert_eq!((error.bytes_written(), error.safe_to_retry()), (0, true), "{error:?}");
    error.to_string()
}

/// The error and all its causes.
fn told(error: &Error) -> String {
    let mut text = format!("{error} | {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(" | {error} | {error:?}"));
        cause = error.source();
    }
    text
}
