//! Name resolution: getaddrinfo, off the runtime's threads.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::nobody_waits;
use crate::descriptors::{Doubts, Place};
use crate::{Error, Origin};

/// The addresses of an origin's host, in the system's order; only those of the local address's family
/// if there is one. Never empty.
pub(super) async fn resolve(origin: &Origin, place: &mut Place) -> Result<Vec<SocketAddr>, Error> {
    let mut addresses = match origin.host().parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, origin.port())],
        Err(_) => lookup(origin, place).await?,
    };
    if let Some(local) = origin.local_address() {
        addresses.retain(|address| address.is_ipv4() == local.is_ipv4());
        if addresses.is_empty() {
            let family = if local.is_ipv4() { "IPv4" } else { "IPv6" };
            let text = format!(
                "`{}` has no {family} address, and the local address {local} needs one",
                origin.host()
            );
            return Err(Error::request(text));
        }
    }
    Ok(addresses)
}

/// Asks again where the resolver may only have lacked descriptors.
async fn lookup(origin: &Origin, place: &mut Place) -> Result<Vec<SocketAddr>, Error> {
    let mut doubts = Doubts::new(DESCRIPTORS);
    loop {
        place.turn(DESCRIPTORS).await.map_err(|_| nobody_waits(origin))?;
        doubts.begin();
        match ask(origin).await {
            Ok(addresses) => {
                place.leave();
                return Ok(addresses);
            }
            Err(error) if doubts.may_be_shortage(&error) => place.stay(error),
            Err(error) => {
                return Err(Error::connect(format!("cannot resolve `{}`", origin.host()), error));
            }
        }
    }
}

async fn ask(origin: &Origin) -> io::Result<Vec<SocketAddr>> {
    #[cfg(test)]
    crate::torture::pass(crate::torture::Op::Resolve).await?;
    let found = tokio::net::lookup_host((origin.host(), origin.port())).await?;
    let addresses: Vec<_> = found.collect();
    if addresses.is_empty() {
        return Err(io::Error::other("the resolver knows no address for it"));
    }
    Ok(addresses)
}

/// What getaddrinfo has open at once: a file or two of its settings, or a socket to each of two servers
/// and one to find out about the machine's own addresses.
const DESCRIPTORS: usize = 3;
