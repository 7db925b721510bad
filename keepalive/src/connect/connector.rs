//! The steps of a dial in their order: resolve, connect, and TLS for an `https` origin.

use super::tcp::Dialer;
use super::{Connect, Connected, Connecting};
use crate::descriptors::Place;
use crate::io::{Io, Permit};
use crate::options::SocketOptions;
use crate::{Error, Origin};

/// Makes the connections of one agent.
#[derive(Debug)]
pub(crate) struct Connector {
    tcp: Dialer,
    #[cfg(feature = "tls")]
    tls: crate::options::TlsDefaults,
}

impl Connector {
    pub(crate) fn new(options: SocketOptions) -> Self {
        Self {
            #[cfg(feature = "tls")]
            tls: options.tls.clone(),
            tcp: Dialer::new(options),
        }
    }

    async fn dial(&self, origin: &Origin, permit: Permit, place: Place) -> Result<Connected, Error> {
        let (tcp, timings) = self.tcp.dial(origin, permit, place).await?;
        let (local, peer) = (tcp.local_addr(), tcp.peer_addr());
        #[cfg(feature = "tls")]
        if origin.is_secure() {
            let began = crate::clock::now();
            let settings = origin.tls().unwrap_or(&self.tls.settings);
            let io = super::tls::handshake(settings, origin, tcp, self.tls.timeout).await?;
            let timings = super::DialTimings { tls: Some(crate::clock::now() - began), ..timings };
            return Ok(Connected { io: Box::new(io), local, peer, timings });
        }
        Ok(Connected { io: Box::new(tcp) as Box<dyn Io>, local, peer, timings })
    }
}

impl Connect for Connector {
    fn connect<'a>(&'a self, origin: &'a Origin, permit: Permit, place: Place) -> Connecting<'a> {
        Box::pin(self.dial(origin, permit, place))
    }
}
