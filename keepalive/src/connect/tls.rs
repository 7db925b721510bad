//! The TLS handshake over a TCP connection, within a time limit of its own.

use rustls_pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::io::{TcpIo, TlsIo};
use crate::options::SocketOptions;
use crate::pool::Seconds;
use crate::tls::{Tls, explain};
use crate::{Error, Origin, Phase, Protocol};

pub(super) async fn handshake(
    tls: &Tls,
    origin: &Origin,
    tcp: TcpIo,
    options: &SocketOptions,
) -> Result<(TlsIo, bool), Error> {
    let limit = options.tls.timeout;
    let name = match tls.server_name() {
        Some(name) => name.clone(),
        None => server_name(origin)?,
    };
    let connecting = TlsConnector::from(tls.config()?).with_alpn(offers(options.protocol)).connect(name, tcp);
    #[cfg(test)]
    let connecting = crate::torture::before(crate::torture::Op::Handshake, connecting);
    let connected = match limit {
        None => connecting.await,
        Some(limit) => match timeout(limit, connecting).await {
            Ok(connected) => connected,
            Err(_) => {
                let text = format!(
                    "the TLS handshake with {origin} was not done within {} (tls_timeout)",
                    Seconds(limit)
                );
                return Err(Error::timeout(Phase::Tls, text));
            }
        },
    };
    let stream = connected.map_err(|error| {
        let text = match options.protocol {
            Protocol::Http2 | Protocol::Http2PriorKnowledge if is_no_protocol(&error) => no_http2(origin),
            _ => explain(&error, origin.host())
                .unwrap_or_else(|| format!("the TLS handshake with {origin} failed")),
        };
        Error::tls(text).caused_by(error)
    })?;
    let chosen = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
    let http2 = match options.protocol {
        Protocol::Http2PriorKnowledge => true,
        Protocol::Http2 if !chosen => {
            return Err(Error::tls(no_http2(origin)));
        }
        _ => chosen,
    };
    Ok((TlsIo::new(stream), http2))
}

fn no_http2(origin: &Origin) -> String {
    format!("{origin} does not speak HTTP/2: it did not choose it (ALPN)")
}

/// Whether the server knows none of the protocols offered, and says so.
fn is_no_protocol(error: &std::io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    cause == Some(&rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol))
}

/// What is offered by ALPN (RFC 7301), what is liked best first.
fn offers(protocol: Protocol) -> Vec<Vec<u8>> {
    let offers: &[&[u8]] = match protocol {
        Protocol::Auto => &[HTTP2, HTTP1],
        Protocol::Http1 => &[HTTP1],
        Protocol::Http2 | Protocol::Http2PriorKnowledge => &[HTTP2],
    };
    offers.iter().map(|offer| offer.to_vec()).collect()
}

/// RFC 9113 §3.1.
const HTTP2: &[u8] = b"h2";
/// RFC 7301 §6.
const HTTP1: &[u8] = b"http/1.1";

/// The name the certificate must be for; an IPv6 address without its zone, which means nothing elsewhere.
fn server_name(origin: &Origin) -> Result<ServerName<'static>, Error> {
    let host = origin.host().split('%').next().unwrap_or_default();
    ServerName::try_from(host.to_owned()).map_err(|_| {
        Error::request(format!(
            "`{host}` cannot be the name of a TLS server; set one with Tls::builder().server_name()"
        ))
    })
}
