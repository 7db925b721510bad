//! Name resolution: getaddrinfo, off the runtime's threads.

use std::net::{IpAddr, SocketAddr};

use crate::{Error, Origin};

/// The addresses of an origin's host, in the system's order; only those of the local address's family
/// if there is one. Never empty.
pub(super) async fn resolve(origin: &Origin) -> Result<Vec<SocketAddr>, Error> {
    let mut addresses = match origin.host().parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, origin.port())],
        Err(_) => lookup(origin).await?,
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

async fn lookup(origin: &Origin) -> Result<Vec<SocketAddr>, Error> {
    let unresolved = |source| Error::connect(format!("cannot resolve `{}`", origin.host()), source);
    let found = tokio::net::lookup_host((origin.host(), origin.port())).await.map_err(unresolved)?;
    let addresses: Vec<_> = found.collect();
    if addresses.is_empty() {
        return Err(unresolved(std::io::Error::other("the resolver knows no address for it")));
    }
    Ok(addresses)
}
