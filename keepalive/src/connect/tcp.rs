//! Dials TCP: every address of the host in turn, within one time limit.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

use super::{DialTimings, dns, nobody_waits};
use crate::clock;
use crate::descriptors::{self, Place, is_shortage};
use crate::io::{Permit, TcpIo};
use crate::options::SocketOptions;
use crate::{Error, Origin, Phase};

/// Makes TCP connections.
#[derive(Debug)]
pub(super) struct Dialer {
    options: SocketOptions,
}

impl Dialer {
    pub(super) fn new(options: SocketOptions) -> Self {
        Self { options }
    }

    pub(super) async fn dial(
        &self,
        origin: &Origin,
        permit: Permit,
        mut place: Place,
    ) -> Result<(TcpIo, DialTimings), Error> {
        let began = clock::now();
        let deadline = self.options.connect_timeout.and_then(|limit| began.checked_add(limit));
        let Some(addresses) = within(deadline, dns::resolve(origin, &mut place)).await else {
            return Err(self.too_late(origin, "its name was not resolved", &mut place));
        };
        let addresses = addresses?;
        let resolved = clock::now();

        let mut last = None;
        let mut tried = 0;
        while let Some(&address) = addresses.get(tried) {
            match within(deadline, place.turn(1)).await {
                Some(Ok(())) => {}
                Some(Err(_)) => return Err(nobody_waits(origin)),
                None => break,
            }
            let share = deadline.map(|deadline| share(clock::now(), deadline, addresses.len() - tried));
            let connected = match open(address, origin.local_address()) {
                Ok(socket) => {
                    place.leave();
                    within(share, self.connect_to(address, socket)).await
                }
                Err(error) => Some(Err(error)),
            };
            match connected {
                Some(Err(error)) if is_shortage(&error) => {
                    place.stay(error);
                    continue;
                }
                Some(Ok(stream)) => {
                    let (dns, connect) = (resolved - began, clock::now() - resolved);
                    return Ok((TcpIo::new(stream, permit), DialTimings { dns, connect, tls: None }));
                }
                Some(Err(error)) => last = Some(error),
                None => {}
            }
            place.leave();
            tried += 1;
        }
        Err(match last {
            Some(error) if deadline.is_none_or(|deadline| clock::now() < deadline) => {
                Error::connect(format!("cannot connect to {origin}{}", of_how_many(addresses.len())), error)
            }
            _ => self.too_late(origin, "no connection was made", &mut place),
        })
    }

    async fn connect_to(&self, address: SocketAddr, socket: TcpSocket) -> io::Result<TcpStream> {
        #[cfg(test)]
        crate::torture::pass(crate::torture::Op::Connect).await?;
        let stream = socket.connect(address).await?;
        // A connection without these is still a connection.
        let _ = stream.set_nodelay(self.options.tcp_nodelay);
        if let Some(time) = self.options.tcp_keepalive {
            let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(time));
        }
        Ok(stream)
    }

    fn too_late(&self, origin: &Origin, what: &str, place: &mut Place) -> Error {
        let limit = self.options.connect_timeout.unwrap_or_default();
        if let Some(met) = place.shortage() {
            return descriptors::explain(origin, limit, met);
        }
        Error::timeout(Phase::Connect, format!("{what} for {origin} within {limit:?} (connect_timeout)"))
    }
}

fn open(address: SocketAddr, local: Option<IpAddr>) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(local) = local {
        socket.bind(SocketAddr::new(local, 0))?;
    }
    Ok(socket)
}

/// The future's output, or `None` if it is not there by the deadline.
async fn within<F: Future>(deadline: Option<Instant>, future: F) -> Option<F::Output> {
    match deadline {
        Some(deadline) => timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

/// Until when one of `left` addresses may be tried: an equal share of the time, so that one that never
/// answers leaves some for the others, and at least [`MIN_SHARE`].
fn share(now: Instant, deadline: Instant, left: usize) -> Instant {
    let rest = deadline.saturating_duration_since(now);
    let equal = rest / u32::try_from(left).unwrap_or(u32::MAX);
    now + equal.max(MIN_SHARE).min(rest)
}

fn of_how_many(addresses: usize) -> String {
    if addresses > 1 { format!(" at any of its {addresses} addresses") } else { String::new() }
}

/// Less than this is not worth trying: one lost SYN takes a second to be sent again.
const MIN_SHARE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_share_the_time_evenly_but_get_a_useful_minimum() {
        let now = clock::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(share(now, at(10), 1), at(10));
        assert_eq!(share(now, at(10), 2), at(5));
        assert_eq!(share(now, at(10), 10), at(2));
        assert_eq!(share(now, at(1), 10), at(1));
        assert_eq!(share(at(11), at(10), 1), at(11));
    }
}
