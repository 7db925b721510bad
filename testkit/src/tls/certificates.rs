//! Certificates made on the spot.
//!
//! Called by tests, for origins and for clients.

use std::fmt;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

/// An authority that issues certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate, with the chain behind it, and its key, in PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub chain: String,
    /// The key, as PKCS #8.
    pub key: String,
}

impl Authority {
    /// A new one of that name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = params(&[]);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, key()).expect("a certificate") }
    }

    /// Its own certificate, for those who trust it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for an origin of this crate: `localhost`, `127.0.0.1` and `::1`.
    #[must_use]
    pub fn local(&self) -> Identity {
        self.issue(&["localhost", "127.0.0.1", "::1"])
    }

    /// A certificate for these names.
    #[must_use]
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.sign(&params(names))
    }

    /// A local certificate that has been good from 2001 to 2020.
    #[must_use]
    pub fn expired(&self) -> Identity {
        let mut params = local();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 29);
        self.sign(&params)
    }

    /// A local certificate that will be good from 3000 on.
    #[must_use]
    pub fn not_yet_valid(&self) -> Identity {
        let mut params = local();
        params.not_before = date_time_ymd(3000, 1, 1);
        params.not_after = date_time_ymd(3001, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity { chain: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Identity {
    /// A certificate for these names that nobody vouches for.
    #[must_use]
    pub fn self_signed(names: &[&str]) -> Self {
        Self::alone(&params(names))
    }

    /// As `openssl req -x509` makes it: self-signed, and that of an authority.
    #[must_use]
    pub fn self_signed_authority(names: &[&str]) -> Self {
        let mut params = params(names);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self::alone(&params)
    }

    /// The same, good from 2001 to 2020.
    #[must_use]
    pub fn expired_authority(names: &[&str]) -> Self {
        let mut params = params(names);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 29);
        Self::alone(&params)
    }

    fn alone(params: &CertificateParams) -> Self {
        let key = key();
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { chain: certificate.pem(), key: key.serialize_pem() }
    }
}

fn local() -> CertificateParams {
    params(&["localhost", "127.0.0.1", "::1"])
}

fn params(names: &[&str]) -> CertificateParams {
    let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    CertificateParams::new(names).expect("names of hosts")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}
