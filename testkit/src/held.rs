//! Which client sockets to an origin are held by a process, whatever the origin sees of them.
//!
//! An origin cannot see a client that keeps a socket which the origin closed, and learns of a client's close
//! only when its FIN arrives, which may be late on a busy machine; the kernel's table knows (Linux only;
//! elsewhere nothing is known). Called by the fixture's check, and by a server that counts.

#[cfg(target_os = "linux")]
use std::collections::HashSet;
#[cfg(target_os = "linux")]
use std::net::IpAddr;
use std::net::SocketAddr;

/// How many sockets connected, or connecting, to one of these addresses are held by a process.
///
/// One look at each table, however many addresses: after some thousand connections it is long.
#[cfg(target_os = "linux")]
pub(crate) fn held(origins: &[SocketAddr]) -> usize {
    let (four, six): (Vec<_>, Vec<_>) = origins.iter().partition(|origin| origin.is_ipv4());
    held_in("/proc/net/tcp", &four) + held_in("/proc/net/tcp6", &six)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn held(_origins: &[SocketAddr]) -> usize {
    0
}

/// Which of these clients hold their sockets to this port; `None` where that cannot be known.
///
/// A client whose close(2) has begun is not among them.
pub(crate) fn holders(clients: &[SocketAddr], port: u16) -> Option<Vec<SocketAddr>> {
    #[cfg(target_os = "linux")]
    {
        let mut holders = Vec::new();
        for (table, is_four) in [("/proc/net/tcp", true), ("/proc/net/tcp6", false)] {
            let clients: Vec<_> = clients.iter().filter(|client| client.is_ipv4() == is_four).collect();
            if clients.is_empty() {
                continue;
            }
            let table = std::fs::read_to_string(table).ok()?;
            let rows: HashSet<_> = table.lines().skip(1).filter_map(|row| held_by(row, port)).collect();
            holders.extend(clients.into_iter().filter(|client| rows.contains(&*row_name(client))).copied());
        }
        Some(holders)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (clients, port);
        None
    }
}

/// The local address of a socket that is held, and connected to this port.
#[cfg(target_os = "linux")]
fn held_by(row: &str, port: u16) -> Option<&str> {
    let mut columns = row.split_ascii_whitespace();
    let local = columns.nth(1)?;
    let remote = columns.next()?.rsplit_once(':')?.1;
    let held = columns.nth(6)? != "0";
    (held && u16::from_str_radix(remote, 16) == Ok(port)).then_some(local)
}

#[cfg(target_os = "linux")]
fn held_in(table: &str, origins: &[SocketAddr]) -> usize {
    if origins.is_empty() {
        return 0;
    }
    let remotes: HashSet<_> = origins.iter().map(row_name).collect();
    // Without the table nothing can be said against the test.
    let table = std::fs::read_to_string(table).unwrap_or_default();
    table.lines().skip(1).filter(|row| is_held(row, &remotes)).count()
}

/// A row is `sl local remote state queues timer retransmits uid timeout inode …`; a socket that nobody holds
/// any more has inode 0.
#[cfg(target_os = "linux")]
fn is_held(row: &str, remotes: &HashSet<String>) -> bool {
    let mut columns = row.split_ascii_whitespace();
    columns.nth(2).is_some_and(|remote| remotes.contains(remote))
        && columns.nth(6).is_some_and(|inode| inode != "0")
}

/// As the tables name it.
#[cfg(target_os = "linux")]
fn row_name(place: &SocketAddr) -> String {
    format!("{}:{:04X}", address(place.ip()), place.port())
}

/// The kernel prints each 32 bits of an address as a number in the machine's own byte order.
#[cfg(target_os = "linux")]
fn address(ip: IpAddr) -> String {
    let octets = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_ne_bytes);
    octets.chunks(4).map(|bytes| format!("{:08X}", word(bytes))).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::{held, holders};

    #[test]
    fn a_socket_is_held_until_it_is_closed_whatever_the_origin_does() {
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(place) else {
                eprintln!("skipped: this machine has no {place}");
                continue;
            };
            let origin = listener.local_addr().unwrap();
            assert_eq!(held(&[origin]), 0);
            let client = TcpStream::connect(origin).unwrap();
            drop(listener.accept().unwrap());
            assert_eq!(held(&[origin]), 1);
            let name = client.local_addr().unwrap();
            assert_eq!(holders(&[name, origin], origin.port()), Some(vec![name]));
            assert_eq!(holders(&[name], 1), Some(vec![]), "not to that port");
            drop(client);
            assert_eq!(held(&[origin]), 0);
            assert_eq!(holders(&[name], origin.port()), Some(vec![]));
        }
    }
}
