//! HTTP/1.1 on one leased socket.

mod codec;
