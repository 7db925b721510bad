//! A server that costs little and answers every request alike, plain and over TLS, in a process of its own:
//! what it takes in memory and instructions must not show in the client's.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::thread;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use testkit::Authority;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;

/// The argument of the server's process.
pub(crate) const PART: &str = "serve";

/// The path of an answer that is more than the 64 KiB that a client may take in along with a head.
pub(crate) const BIG: &str = "/big";
/// The path of the same answer without its last byte.
pub(crate) const STALLED: &str = "/stalled";
/// The length of its body.
pub(crate) const BIG_LENGTH: usize = 72 * 1024;

const SMALL_ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello";
static BIG_ANSWER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {BIG_LENGTH}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + BIG_LENGTH, b'x');
    answer
});

/// A server process; it ends when this is dropped, and by itself when this process dies.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) plain: SocketAddr,
    pub(crate) tls: SocketAddr,
    /// The certificate of the authority that vouches for it.
    pub(crate) root: String,
}

impl Server {
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(PART)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("it is piped")?).read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line)?;
        let text = |name: &str| told[name].as_str().ok_or_else(|| format!("the server told no {name}"));
        let (plain, tls, root) = (text("plain")?.parse()?, text("tls")?.parse()?, text("root")?.to_owned());
        Ok(Self { child, plain, tls, root })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.plain)
    }

    pub(crate) fn tls_url(&self, path: &str) -> String {
        format!("https://{}{path}", self.tls)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// How long the whole answer to that path is.
pub(crate) fn answer_length(path: &str) -> usize {
    if path == BIG { BIG_ANSWER.len() } else { SMALL_ANSWER.len() }
}

/// What the server's process does: says where it listens, and answers until its stdin ends.
pub(crate) fn serve() -> Result<(), Box<dyn Error>> {
    keepalive::raise_fd_limit()?;
    let authority = Authority::new("guards");
    let identity = authority.local();
    let chain = CertificateDer::pem_slice_iter(identity.chain.as_bytes()).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (plain, tls) = runtime.block_on(async {
        io::Result::Ok((TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?))
    })?;
    let told = json!({ "plain": plain.local_addr()?, "tls": tls.local_addr()?, "root": authority.pem() })
        .to_string();
    writeln!(io::stdout(), "{told}")?;
    // It ends with the process.
    thread::spawn(move || {
        runtime.spawn(accept(plain, |stream| drop(tokio::spawn(answer(stream)))));
        runtime.block_on(accept(tls, |stream| {
            let handshake = acceptor.accept(stream);
            tokio::spawn(async move { answer(handshake.await?).await });
        }));
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

async fn accept(listener: TcpListener, serve: impl Fn(TcpStream)) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        serve(stream);
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let mut have = 0;
    loop {
        while let Some(length) = request(&buffer[..have]) {
            let path = buffer[..length].split(|&byte| byte == b' ').nth(1).unwrap_or_default();
            let answer = match path {
                path if path == BIG.as_bytes() => &BIG_ANSWER,
                path if path == STALLED.as_bytes() => &BIG_ANSWER[..BIG_ANSWER.len() - 1],
                _ => SMALL_ANSWER,
            };
            stream.write_all(answer).await?;
            stream.flush().await?;
            buffer.copy_within(length..have, 0);
            have -= length;
        }
        let read = stream.read(&mut buffer[have..]).await?;
        if read == 0 {
            return Ok(());
        }
        have += read;
    }
}

/// The length of the first request, if all of it is there.
fn request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]);
    let body = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    Some(head + body.unwrap_or(0)).filter(|&length| length <= bytes.len())
}
