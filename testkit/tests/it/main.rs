//! The test kit's own tests: what a script, a count or a gate promises is seen from a raw client.

mod client;
mod fixture;
mod gate;
mod places;
mod plain;
mod record;
mod script;
