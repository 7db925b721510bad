//! TLS for the clients that take rustls' settings: the same for all, with one authority to trust and the
//! cryptography of aws-lc.

use std::sync::Arc;

use http::Uri;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Failure;
use crate::job::Job;

/// The PEM text of the one authority, if `job` is over TLS.
pub(super) fn authority(job: &Job) -> Result<Option<Vec<u8>>, Failure> {
    Ok(job.ca.as_ref().map(std::fs::read).transpose()?)
}

/// `None` without TLS. No protocol is offered yet.
pub(super) fn config(job: &Job) -> Result<Option<ClientConfig>, Failure> {
    let Some(pem) = authority(job)? else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem)?)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots);
    Ok(Some(config.with_no_client_auth()))
}

/// Opens sockets for the clients that have no pool to do it.
pub(super) struct Dialer {
    authority: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Dialer {
    pub(super) fn of(job: &Job) -> Result<Self, Failure> {
        let uri: Uri = job.url.parse()?;
        let name = uri.host().ok_or("no host")?.to_owned();
        let tls = config(job)?.map(|mut config| {
            let protocol: &[u8] = if job.http2 { b"h2" } else { b"http/1.1" };
            config.alpn_protocols = vec![protocol.to_vec()];
            Ok::<_, Failure>((TlsConnector::from(Arc::new(config)), ServerName::try_from(name)?))
        });
        let authority = uri.authority().ok_or("no host")?.to_string();
        Ok(Self { authority, tls: tls.transpose()? })
    }

    pub(super) async fn plain(&self) -> Result<TcpStream, Failure> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    pub(super) async fn tls(&self) -> Result<TlsStream<TcpStream>, Failure> {
        let (connector, name) = self.tls.as_ref().ok_or("no authority to trust")?;
        Ok(connector.connect(name.clone(), self.plain().await?).await?)
    }
}
