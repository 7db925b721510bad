//! The TLS handshake over a TCP connection, within a time limit of its own.

use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::io::{TcpIo, TlsIo};
use crate::pool::Seconds;
use crate::tls::{Tls, explain};
use crate::{Error, Origin, Phase};

pub(super) async fn handshake(
    tls: &Tls,
    origin: &Origin,
    tcp: TcpIo,
    limit: Option<Duration>,
) -> Result<TlsIo, Error> {
    let name = match tls.server_name() {
        Some(name) => name.clone(),
        None => server_name(origin)?,
    };
    let connecting =
        TlsConnector::from(tls.config()?).with_alpn(vec![b"http/1.1".to_vec()]).connect(name, tcp);
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
    connected.map(TlsIo::new).map_err(|error| {
        let text = explain(&error, origin.host())
            .unwrap_or_else(|| format!("the TLS handshake with {origin} failed"));
        Error::tls(text).caused_by(error)
    })
}

/// The name the certificate must be for; an IPv6 address without its zone, which means nothing elsewhere.
fn server_name(origin: &Origin) -> Result<ServerName<'static>, Error> {
    let host = origin.host().split('%').next().unwrap_or_default();
    ServerName::try_from(host.to_owned()).map_err(|_| {
        Error::request(format!(
            "`{host}` cannot be the name of a TLS server; set one with Tls::builder().server_name()"
        ))
    })
}
