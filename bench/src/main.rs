//! `keepalive` beside raw sockets and its rivals.

mod client;
mod descriptors;
mod heap;
mod job;
mod server;

use std::path::PathBuf;

use client::Failure;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("serve") => {
            let scratch = arguments.get(2).map_or_else(std::env::temp_dir, PathBuf::from);
            match server::serve(&scratch)? {}
        }
        Some("client") => {
            let outcome = client::run(&arguments[2], &serde_json::from_str(&arguments[3])?)?;
            println!("{}", serde_json::to_string(&outcome)?);
            Ok(())
        }
        _ => Err("not yet".into()),
    }
}
