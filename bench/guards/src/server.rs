//! A server that costs little and answers every request alike, in a process of its own: what it takes in
//! memory and instructions must not show in the client's.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// The argument of the server's process.
pub(crate) const PART: &str = "serve";

/// Its body is more than a client reads along with a head.
const BIG: usize = 256 * 1024;

const SMALL: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello";

/// A server process; it ends when this is dropped, and by itself when this process dies.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    addr: SocketAddr,
}

impl Server {
    pub(crate) fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(PART)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line)?;
        let addr = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self { child, addr })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// What the server's process does: says where it listens, and answers until its stdin ends.
pub(crate) fn serve() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The thread ends with the process.
    let parent = std::thread::spawn(|| io::copy(&mut io::stdin(), &mut io::sink()));
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        writeln!(io::stdout(), "{}", listener.local_addr()?)?;
        tokio::spawn(accept(listener));
        while !parent.is_finished() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Ok(())
    })
}

async fn accept(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(answer(stream));
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut big = format!("HTTP/1.1 200 OK\r\ncontent-length: {BIG}\r\n\r\n").into_bytes();
    big.resize(big.len() + BIG, b'x');
    let mut buffer = vec![0; 16 * 1024];
    let mut have = 0;
    loop {
        while let Some(length) = request(&buffer[..have]) {
            let is_big = buffer.starts_with(b"GET /big");
            stream.write_all(if is_big { &big } else { SMALL }).await?;
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
