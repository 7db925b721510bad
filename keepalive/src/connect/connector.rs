//! The steps of a dial in their order: resolve, connect, TLS for an `https` origin, and the beginning of
//! HTTP/2 where that is spoken.

use super::tcp::Dialer;
use super::{Carrier, Connect, Connected, Connecting};
use crate::descriptors::Place;
use crate::io::{Io, Permit};
use crate::options::SocketOptions;
use crate::{Error, Origin, Protocol};

/// Makes the connections of one agent.
#[derive(Debug)]
pub(crate) struct Connector {
    tcp: Dialer,
    options: SocketOptions,
}

impl Connector {
    pub(crate) fn new(options: SocketOptions) -> Self {
        Self { tcp: Dialer::new(options.clone()), options }
    }

    async fn dial(&self, origin: &Origin, permit: Permit, place: Place) -> Result<Connected, Error> {
        let (tcp, timings) = self.tcp.dial(origin, permit, place).await?;
        let (local, peer) = (tcp.local_addr(), tcp.peer_addr());
        #[cfg(feature = "tls")]
        if origin.is_secure() {
            let began = crate::clock::now();
            let settings = origin.tls().unwrap_or(&self.options.tls.settings);
            let (io, http2) = super::tls::handshake(settings, origin, tcp, &self.options).await?;
            let timings = super::DialTimings { tls: Some(crate::clock::now() - began), ..timings };
            return Ok(Connected { carrier: self.carrier(Box::new(io), http2).await?, local, peer, timings });
        }
        let http2 = self.options.protocol == Protocol::Http2PriorKnowledge;
        Ok(Connected { carrier: self.carrier(Box::new(tcp), http2).await?, local, peer, timings })
    }

    #[cfg(feature = "http2")]
    async fn carrier(&self, io: Box<dyn Io>, http2: bool) -> Result<Carrier, Error> {
        if http2 {
            let opened = crate::mux::open(io, self.options.mux).await?;
            return Ok(Carrier::Many(Box::new(opened)));
        }
        Ok(Carrier::One(io))
    }

    #[cfg(not(feature = "http2"))]
    async fn carrier(&self, io: Box<dyn Io>, _http2: bool) -> Result<Carrier, Error> {
        std::future::ready(Ok(Carrier::One(io))).await
    }
}

impl Connect for Connector {
    fn connect<'a>(&'a self, origin: &'a Origin, permit: Permit, place: Place) -> Connecting<'a> {
        Box::pin(self.dial(origin, permit, place))
    }
}
