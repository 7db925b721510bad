//! Connections without any pool: what tokio and rustls themselves need for one that did the same exchange.
//! Each is boxed, so that what is inside the stream counts too.

use std::error::Error;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::alloc::counts;
use super::server::{BIG, Server, answer_length};

/// Bytes of heap of a plain one.
pub(crate) async fn plain(server: &Server, count: usize) -> Result<f64, Box<dyn Error>> {
    let mut held = Vec::with_capacity(count);
    exchange(TcpStream::connect(server.plain).await?).await?;
    let before = counts().live;
    for _ in 0..count {
        held.push(Box::new(exchange(TcpStream::connect(server.plain).await?).await?));
    }
    Ok((counts().live - before) as f64 / count as f64)
}

/// The same of one with TLS.
pub(crate) async fn tls(server: &Server, count: usize) -> Result<f64, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.root.as_bytes())?)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let connect = async || {
        let stream = TcpStream::connect(server.tls).await?;
        exchange(connector.connect(ServerName::from(server.tls.ip()), stream).await?).await
    };
    let mut held = Vec::with_capacity(count);
    drop(connect().await?);
    let before = counts().live;
    for _ in 0..count {
        held.push(Box::new(connect().await?));
    }
    Ok((counts().live - before) as f64 / count as f64)
}

/// One request and its whole answer.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> Result<S, Box<dyn Error>> {
    stream.write_all(format!("GET {BIG} HTTP/1.1\r\nhost: guards\r\n\r\n").as_bytes()).await?;
    stream.flush().await?;
    let (mut left, mut buffer) = (answer_length(BIG), [0; 8192]);
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => return Err("the server closed early".into()),
            read => left = left.checked_sub(read).ok_or("more than the answer came")?,
        }
    }
    Ok(stream)
}
