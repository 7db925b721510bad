//! TLS 1.3 under a connection, with a certificate for `localhost` made at the start.

use std::io::{self, BufRead, IoSlice, Write};
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection};

use super::out::Out;
use super::site::Site;

/// Writes the authority that vouches for the server to `ca`, as PEM.
pub(super) fn config(ca: &Path) -> io::Result<Arc<ServerConfig>> {
    let authority = {
        let mut params = CertificateParams::default();
        // A name of its own: OpenSSL takes a certificate that names itself as its issuer for self-signed.
        params.distinguished_name.push(DnType::CommonName, "keepalive-bench");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(io::Error::other)?)
            .map_err(io::Error::other)?
    };
    std::fs::write(ca, authority.pem())?;
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let params = CertificateParams::new(["localhost".to_owned()]).map_err(io::Error::other)?;
    let certificate = params.signed_by(&key, &authority).map_err(io::Error::other)?;

    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|builder| {
            let key = PrivatePkcs8KeyDer::from(key.serialize_der());
            builder.with_no_client_auth().with_single_cert(vec![certificate.into()], key.into())
        })
        .map_err(io::Error::other)?;
    // The server chooses: a client that offers both, as some cannot help doing, is measured with HTTP/1.1.
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// One connection's.
pub(super) struct Session {
    tls: ServerConnection,
    handshaken: bool,
}

impl Session {
    pub(super) fn new(config: &Arc<ServerConfig>) -> io::Result<Self> {
        let mut tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        tls.set_buffer_limit(Some(BUFFER));
        Ok(Self { tls, handshaken: false })
    }

    /// Takes what has come from the socket, and gives `take` what was encrypted in it.
    pub(super) fn receive(
        &mut self,
        mut bytes: &[u8],
        site: &mut Site,
        mut take: impl FnMut(&[u8], &mut Site) -> io::Result<()>,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            self.tls.read_tls(&mut bytes)?;
            self.tls.process_new_packets().map_err(io::Error::other)?;
            if !self.handshaken && !self.tls.is_handshaking() {
                self.handshaken = true;
                site.stats.handshakes += 1;
            }
            loop {
                let mut reader = self.tls.reader();
                let count = match reader.fill_buf() {
                    Ok(plain) => {
                        take(plain, site)?;
                        plain.len()
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                };
                if count == 0 {
                    break;
                }
                reader.consume(count);
            }
        }
        Ok(())
    }

    /// Encrypts and writes until all is written or the socket takes no more; says whether all is.
    pub(super) fn write(&mut self, out: &mut Out, socket: &mut impl Write) -> io::Result<bool> {
        loop {
            while self.tls.wants_write() {
                match self.tls.write_tls(socket) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            if out.is_empty() {
                return Ok(true);
            }
            out.write_to(&mut Sink(self.tls.writer()))?;
        }
    }
}

/// Where rustls says that it took nothing because its buffer is full, this says what a socket would.
struct Sink<'a>(rustls::Writer<'a>);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.0.write_vectored(slices)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is encrypted ahead of the socket.
const BUFFER: usize = 256 * 1024;
