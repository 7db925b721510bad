//! What a program says about TLS, as a value: roots, own certificate, versions.
//!
//! Not here: the handshake (`connect::tls`) and the connection (`io::tls`). None of rustls's types is in
//! the public part. The rustls configuration is made at the first dial that needs it, since that reads
//! the system's roots from disk: making an agent cannot fail for it.

mod builder;
mod config;
mod explain;
mod pinned;
mod unverified;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{self, AtomicU64};
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, ServerName};

pub use self::builder::TlsBuilder;
pub(crate) use self::explain::{explain, explain_io, explain_later};
use crate::Error;

/// How to speak TLS with a server; made by [`Tls::builder`].
///
/// Cheap to clone: clones are the same settings. Sockets made with different settings are never mixed,
/// even if both say the same: settings are part of the [`Origin`](crate::Origin). Sessions are resumed
/// within the same settings and the same server name.
///
/// ```
/// # let root = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
/// let tls = keepalive::Tls::builder().add_root_pem(root).build()?;
/// let agent = keepalive::Agent::builder().tls(tls).build()?;
/// # Ok::<(), keepalive::Error>(())
/// ```
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    /// Tells settings apart.
    id: u64,
    settings: Settings,
    /// Made at the first dial that can.
    config: OnceLock<Arc<ClientConfig>>,
}

#[derive(Clone)]
struct Settings {
    roots: Roots,
    extra_roots: Vec<CertificateDer<'static>>,
    identity: Option<Arc<CertifiedKey>>,
    server_name: Option<ServerName<'static>>,
    min_version: TlsVersion,
    accept_invalid_certs: bool,
}

/// Which authorities are trusted beside those that were added.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Roots {
    System,
    #[cfg(feature = "webpki-roots")]
    Mozilla,
    None,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl Tls {
    /// The defaults: the system's roots, TLS 1.2 and 1.3, no certificate of one's own.
    pub fn builder() -> TlsBuilder {
        TlsBuilder::new()
    }

    fn new(settings: Settings) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, atomic::Ordering::Relaxed);
        Self(Arc::new(Inner { id, settings, config: OnceLock::new() }))
    }

    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    /// The name that the server's certificate must be for, if it is not the host of the URL.
    pub(crate) fn server_name(&self) -> Option<&ServerName<'static>> {
        self.0.settings.server_name.as_ref()
    }

    /// Reads the system's roots the first time, which takes some milliseconds. A failure is not kept: it
    /// may be for want of descriptors.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = self.0.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = config::client_config(&self.0.settings)
            .map_err(|error| Error::tls("TLS cannot be set up").caused_by(error))?;
        Ok(Arc::clone(self.0.config.get_or_init(|| Arc::new(config))))
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self::new(Settings {
            roots: Roots::System,
            extra_roots: Vec::new(),
            identity: None,
            server_name: None,
            min_version: TlsVersion::Tls12,
            accept_invalid_certs: false,
        })
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Tls {}

impl PartialOrd for Tls {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Tls {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.id.cmp(&other.0.id)
    }
}

impl Hash for Tls {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for Tls {
    /// Says nothing of certificates and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("id", &self.0.id)
            .field("extra_roots", &self.0.settings.extra_roots.len())
            .field("identity", &self.0.settings.identity.is_some())
            .field("server_name", &self.0.settings.server_name)
            .field("min_version", &self.0.settings.min_version)
            .field("accept_invalid_certs", &self.0.settings.accept_invalid_certs)
            .finish()
    }
}
