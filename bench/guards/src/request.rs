//! Whole requests through the public interface, one after another on one warm socket: from
//! `Agent::request` to the end of the body. The request itself is its caller's and made before.

use std::error::Error;

use http::{Method, Request};
use keepalive::{Agent, Body};
use tokio::runtime::{Builder, Runtime};

use super::alloc::counts;
use super::callgrind::{self, Counted};
use super::server::Server;
use super::{Figure, Rule};

const KINDS: [(Method, usize, &str); 2] = [(Method::GET, 0, "get_small"), (Method::POST, 4096, "post_4k")];

const REQUESTS: usize = 500;
const WARM_UP: usize = 100;
/// What is promised of a whole small request.
const ALLOCATIONS: f64 = 10.0;
/// Another compiler, C library or tokio may need this much more.
const MARGIN: f64 = 0.10;

/// The part of the program under valgrind.
pub(crate) fn count(url: &str) -> Result<(), Box<dyn Error>> {
    for (method, length, name) in KINDS {
        let client = Client::new()?;
        client.run(requests(&method, url, length, WARM_UP)?)?;
        let (mut requests, mut outcome) = (requests(&method, url, length, REQUESTS)?, Ok(()));
        let work = || outcome = client.run(std::mem::take(&mut requests));
        callgrind::count_steps(&key(name), REQUESTS, work);
        outcome?;
    }
    Ok(())
}

pub(crate) fn instructions(counted: &Counted) -> Result<Vec<Figure>, String> {
    let figure = |(_, _, name)| {
        let &value = counted.get(&key(name)).ok_or_else(|| format!("{name} was not counted"))?;
        Ok(Figure::new(key(name), value, Rule::Baseline(MARGIN)))
    };
    KINDS.into_iter().map(figure).collect()
}

pub(crate) fn allocations(server: &Server) -> Result<Vec<Figure>, Box<dyn Error>> {
    let url = server.url("/");
    let figure = |(method, length, name)| {
        let client = Client::new()?;
        client.run(requests(&method, &url, length, WARM_UP)?)?;
        let requests = requests(&method, &url, length, REQUESTS)?;
        let before = counts().allocations;
        client.run(requests)?;
        let each = (counts().allocations - before) as f64 / REQUESTS as f64;
        Ok(Figure::new(format!("allocations.{name}"), each, Rule::AtMost(ALLOCATIONS)))
    };
    KINDS.into_iter().map(figure).collect()
}

struct Client {
    runtime: Runtime,
    agent: Agent,
}

impl Client {
    fn new() -> Result<Self, Box<dyn Error>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, agent: Agent::new() })
    }

    fn run(&self, requests: Vec<Request<Body>>) -> Result<(), keepalive::Error> {
        self.runtime.block_on(async {
            for request in requests {
                let mut response = self.agent.request(request).await?;
                while response.body_mut().chunk().await?.is_some() {}
            }
            Ok(())
        })
    }
}

fn requests(method: &Method, url: &str, length: usize, count: usize) -> http::Result<Vec<Request<Body>>> {
    let one = |_| {
        let body = if length == 0 { Body::default() } else { Body::from(vec![b'x'; length]) };
        Request::builder().method(method).uri(url).header("accept", "*/*").body(body)
    };
    (0..count).map(one).collect()
}

fn key(name: &str) -> String {
    format!("instructions.{name}")
}
