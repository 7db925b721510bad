//! From settings to rustls's configuration.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, Error, RootCertStore, SupportedProtocolVersion, version};
use rustls_platform_verifier::Verifier;

use super::pinned::Pinned;
use super::unverified::Unverified;
use super::{Roots, Settings, TlsVersion};

/// How many server names sessions are kept for: as many as a busy crawler talks to at a time, at about
/// 2 KiB each.
const SESSIONS: usize = 1024;

pub(super) fn client_config(settings: &Settings) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions: &[&SupportedProtocolVersion] = match settings.min_version {
        TlsVersion::Tls12 => &[&version::TLS13, &version::TLS12],
        TlsVersion::Tls13 => &[&version::TLS13],
    };
    let verifier = verifier(settings, &provider)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &settings.identity {
        Some(identity) => {
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(identity))))
        }
        None => config.with_no_client_auth(),
    };
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(config)
}

fn verifier(
    settings: &Settings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    if settings.accept_invalid_certs {
        return Ok(Arc::new(Unverified::new(Arc::clone(provider))));
    }
    let inner = trusting(settings, provider)?;
    if settings.extra_roots.is_empty() {
        return Ok(inner);
    }
    Ok(Arc::new(Pinned { inner, roots: settings.extra_roots.clone() }))
}

/// Trusts what the settings say, as a root.
fn trusting(
    settings: &Settings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut store = RootCertStore::empty();
    match settings.roots {
        Roots::System => {
            let extra = settings.extra_roots.iter().cloned();
            return Ok(Arc::new(Verifier::new_with_extra_roots(extra, Arc::clone(provider))?));
        }
        #[cfg(feature = "webpki-roots")]
        Roots::Mozilla => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Roots::None => {}
    }
    for root in &settings.extra_roots {
        store.add(root.clone())?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider)).build();
    verifier.map(|verifier| verifier as _).map_err(|error| Error::General(error.to_string()))
}
