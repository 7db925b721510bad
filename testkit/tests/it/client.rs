//! A raw client: bytes out, bytes in.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request without body.
pub(crate) const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// A client's connection.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until the end.
    pub(crate) async fn rest(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.0.read_to_string(&mut text).await?;
        Ok(text)
    }

    /// Reads this text and no more.
    pub(crate) async fn expect(&mut self, text: impl AsRef<[u8]>) {
        let mut bytes = vec![0; text.as_ref().len()];
        self.0.read_exact(&mut bytes).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(text.as_ref()));
    }

    /// What can be read without waiting.
    pub(crate) fn at_once(&mut self) -> io::Result<usize> {
        self.0.try_read(&mut [0; 1024])
    }

    /// Sends a request and reads the answer `hello` with its length.
    pub(crate) async fn hello(&mut self) {
        self.send(GET).await;
        self.expect(testkit::ok("hello")).await;
    }
}
