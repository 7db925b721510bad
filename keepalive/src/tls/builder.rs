//! The settings in the making.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::{Roots, Settings, Tls, TlsVersion};
use crate::Error;

/// TLS settings in the making. What is wrong with them is said by [`build`](Self::build).
#[must_use = "settings do nothing until `build`"]
pub struct TlsBuilder {
    settings: Settings,
    /// The first thing that was wrong.
    error: Option<Error>,
}

impl TlsBuilder {
    pub(super) fn new() -> Self {
        Self { settings: Tls::default().0.settings.clone(), error: None }
    }

    /// Trusts the certificates in this PEM text too (Node: `ca`, which replaces the built-in ones; so does
    /// [`builtin_roots(false)`](Self::builtin_roots)).
    pub fn add_root_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        match certificates(pem.as_ref(), "the root certificates") {
            Ok(roots) => self.settings.extra_roots.extend(roots),
            Err(error) => self.fail(error),
        }
        self
    }

    /// Whether the authorities that the system trusts are trusted. Default: true.
    pub fn builtin_roots(mut self, trusted: bool) -> Self {
        self.settings.roots = if trusted { Roots::System } else { Roots::None };
        self
    }

    /// Trusts Mozilla's list of authorities, compiled in, instead of the system's: for machines without
    /// one. Needs the feature `webpki-roots`.
    #[cfg(feature = "webpki-roots")]
    pub fn webpki_roots(mut self) -> Self {
        self.settings.roots = Roots::Mozilla;
        self
    }

    /// Shows this certificate, with the chain behind it, to a server that asks for one (Node: `cert`,
    /// `key`). Both are PEM; the key as PKCS #8, PKCS #1 or SEC 1.
    pub fn identity_pem(mut self, certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        match identity(certificates.as_ref(), key.as_ref()) {
            Ok(identity) => self.settings.identity = Some(Arc::new(identity)),
            Err(error) => self.fail(error),
        }
        self
    }

    /// Asks for, and checks, this name instead of the URL's host (Node: `servername`).
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        match ServerName::try_from(name.clone()) {
            Ok(name) => self.settings.server_name = Some(name),
            Err(_) => self.fail(Error::request(format!("`{}` is no server name", name.escape_debug()))),
        }
        self
    }

    /// The oldest version that is spoken (Node: `minVersion`). Default: TLS 1.2.
    pub fn min_version(mut self, version: TlsVersion) -> Self {
        self.settings.min_version = version;
        self
    }

    /// Takes any certificate of any server (Node: `rejectUnauthorized: false`): **whoever sits between can
    /// read and change everything.** For tests. Default: false.
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.settings.accept_invalid_certs = accept;
        self
    }

    /// Makes the settings. Nothing is read from disk yet.
    ///
    /// # Errors
    ///
    /// [`Error::is_request`]: the first thing that was wrong with a certificate, a key or a name.
    pub fn build(self) -> Result<Tls, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let settings = self.settings;
        let trusts_nobody = settings.roots == Roots::None && settings.extra_roots.is_empty();
        if trusts_nobody && !settings.accept_invalid_certs {
            let text = "builtin_roots(false) without a certificate from add_root_pem trusts no server at all";
            return Err(Error::request(text));
        }
        Ok(Tls::new(settings))
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}

impl std::fmt::Debug for TlsBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsBuilder").field("error", &self.error).finish_non_exhaustive()
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bad = |error| Error::request(format!("{what} are not valid PEM")).caused_by(error);
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(bad)?;
    if found.is_empty() {
        return Err(Error::request(format!("{what}: there is no certificate in the PEM text")));
    }
    for certificate in &found {
        rustls::server::ParsedCertificate::try_from(certificate)
            .map_err(|error| Error::request(format!("{what}: one cannot be read")).caused_by(error))?;
    }
    Ok(found)
}

fn identity(chain: &[u8], key: &[u8]) -> Result<CertifiedKey, Error> {
    let chain = certificates(chain, "the client's certificates")?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
        Error::request("the client's key: there is no private key in the PEM text").caused_by(error)
    })?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            Error::request("the client's key does not belong to its first certificate")
        }
        error => Error::request("the client's key cannot be used").caused_by(error),
    })
}
