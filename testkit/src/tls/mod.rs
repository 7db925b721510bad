//! How an origin speaks TLS: certificate, protocols, versions, what it wants of its clients.
//!
//! Not here: the connection (`session`) and where certificates come from (`certificates`). Called by tests.

mod certificates;
mod session;

use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub use self::certificates::{Authority, Identity};
pub(crate) use self::session::Session;

/// How an origin speaks TLS. Cheap to clone; origins with clones share their session tickets.
///
/// Default: TLS 1.2 and 1.3, no protocol names (ALPN), no client certificate, two tickets.
#[derive(Clone)]
#[must_use]
pub struct ServerTls {
    config: Arc<ServerConfig>,
}

impl ServerTls {
    /// With this certificate.
    pub fn new(identity: &Identity) -> Self {
        Self::build(identity, &[&TLS12, &TLS13], None)
    }

    /// That speaks TLS 1.2 only.
    pub fn tls12(identity: &Identity) -> Self {
        Self::build(identity, &[&TLS12], None)
    }

    /// That speaks TLS 1.3 only.
    pub fn tls13(identity: &Identity) -> Self {
        Self::build(identity, &[&TLS13], None)
    }

    /// That serves only clients with a certificate of this authority; in one version, as the two tell the
    /// client of a refusal at different times.
    pub fn for_clients_of(clients: &Authority, identity: &Identity, version13: bool) -> Self {
        let version = if version13 { &TLS13 } else { &TLS12 };
        Self::build(identity, &[version], Some(clients))
    }

    /// The names of the protocols it speaks, the preferred one first (ALPN).
    pub fn alpn(self, names: &[&str]) -> Self {
        self.change(|config| {
            config.alpn_protocols = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        })
    }

    /// How many tickets it sends after a handshake of TLS 1.3.
    pub fn tickets(self, count: usize) -> Self {
        self.change(|config| config.send_tls13_tickets = count)
    }

    /// The settings themselves, for an origin that is not of this crate.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    pub(crate) fn session(&self) -> Session {
        Session::new(Arc::clone(&self.config))
    }

    fn change(mut self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    fn build(
        identity: &Identity,
        versions: &[&'static SupportedProtocolVersion],
        clients: Option<&Authority>,
    ) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .expect("versions that the provider has");
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(certificates(&authority.pem()));
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().expect("an authority to trust"))
            }
        };
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key in PEM");
        let mut config = config
            .with_single_cert(certificates(&identity.chain), key)
            .expect("a key that fits the certificate");
        // Lets a script answer before it has looked at the end of the client's handshake.
        config.send_half_rtt_data = clients.is_none();
        Self { config: Arc::new(config) }
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(|one| one.expect("certificates in PEM")).collect()
}
