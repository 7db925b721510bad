//! `keepalive` beside raw sockets and its rivals.

mod client;
mod job;
mod server;

use client::Failure;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("serve") => match server::serve()? {},
        Some("client") => {
            let outcome = client::run(&arguments[2], &serde_json::from_str(&arguments[3])?)?;
            println!("{}", serde_json::to_string(&outcome)?);
            Ok(())
        }
        _ => Err("not yet".into()),
    }
}
