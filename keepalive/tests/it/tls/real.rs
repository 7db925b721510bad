//! Servers that nobody here wrote: nginx, Node and OpenSSL. Where one is not installed its tests say so.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use keepalive::{Agent, CloseReason};
use testkit::{Authority, Case, run};
use tokio::task::JoinSet;

use super::{agent, trusting};
use crate::kit::{at_rest, closed_by, fetch, info, text, until};

/// Ends the server with the test.
struct Server {
    process: Child,
    port: u16,
    // Dropped after the process that writes there.
    _dir: tempfile::TempDir,
}

impl Server {
    fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where the program is; says so if it is not.
fn find(name: &str, package: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = places.map(|place| place.join(name)).find(|program| program.is_file());
    if found.is_none() {
        assert!(std::env::var_os("KEEPALIVE_REQUIRE_EXTERNAL").is_none(), "{name} is not installed");
        println!("skipped: {name} is not installed (Debian: apt-get install {package})");
    }
    found
}

/// A directory with `cert`, `key` and `clients`, the authority of clients.
fn stage(servers: &Authority, clients: &Authority) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let identity = servers.local();
    for (name, content) in [("cert", identity.chain), ("key", identity.key), ("clients", clients.pem())] {
        fs::write(dir.path().join(name), content).unwrap();
    }
    dir
}

/// A port that was free a moment ago.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts the server and reads what it says until there is a line with this word; `None` where it ended first,
/// as it does when somebody else took its port.
fn start(mut command: Command, word: &str) -> Option<(Child, String)> {
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines: BufReader<ChildStdout> = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        if lines.read_line(&mut line).unwrap() == 0 {
            let _ = process.wait();
            return None;
        }
    }
    // Whatever else it has to say must not fill the pipe.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    Some((process, line))
}

fn nginx(servers: &Authority, more: &str) -> Option<Server> {
    let program = find("nginx", "nginx-light")?;
    for _ in 0..10 {
        let (dir, port) = (stage(servers, servers), port());
        let at = dir.path().display();
        let config = format!(
            "daemon off; master_process off; pid {at}/pid; error_log /dev/stdout notice;
events {{ worker_connections 64; }}
http {{
    access_log off; {more}
    client_body_temp_path {at}/t1; proxy_temp_path {at}/t2; fastcgi_temp_path {at}/t3;
    uwsgi_temp_path {at}/t4; scgi_temp_path {at}/t5;
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {at}/cert; ssl_certificate_key {at}/key;
        location / {{ return 200 \"$connection $connection_requests $ssl_session_reused\"; }}
    }}
}}
"
        );
        let file = dir.path().join("nginx.conf");
        fs::write(&file, config).unwrap();
        let mut command = Command::new(&program);
        command.arg("-p").arg(dir.path()).arg("-c").arg(&file).args(["-e", "/dev/stdout"]);
        // It says which kernel it runs on once it listens.
        if let Some((process, _)) = start(command, " OS:") {
            return Some(Server { process, port, _dir: dir });
        }
    }
    panic!("nginx does not start");
}

#[test]
fn nginx_closes_connections_after_some_requests_and_no_request_notices() {
    run(async |_: &Case| {
        let authority = Authority::new("real");
        let Some(server) = nginx(&authority, "keepalive_requests 20;") else { return };
        let tls = trusting(authority.pem()).build().unwrap();
        let agent = Agent::builder().tls(tls).max_sockets(3).build().unwrap();
        let mut asked = JoinSet::new();
        for _ in 0..300 {
            asked.spawn(fetch(&agent, server.url("/")));
        }
        let answers: Vec<_> = asked.join_all().await.into_iter().map(Result::unwrap).collect();
        let mut connections: Vec<_> = answers.iter().map(|text| text.split(' ').next().unwrap()).collect();
        connections.sort_unstable();
        connections.dedup();
        // 20 requests each, by its own count; the last ones have fewer.
        assert!((15..=17).contains(&connections.len()), "{connections:?}");
        let totals = at_rest(&agent).await;
        assert_eq!((totals.done, totals.failed, totals.retried), (300, 0, 0), "{totals:#?}");
        // A dial may end when a freed socket has served its request already.
        assert!(totals.opened <= connections.len() as u64 + 3, "{totals:#?}");
    });
}

/// Its `Keep-Alive` field is not sent here, so the client cannot know: it has to see the close.
#[test]
fn nginx_closes_an_idle_connection_which_is_noticed_and_the_session_is_resumed() {
    run(async |_: &Case| {
        let authority = Authority::new("real");
        let Some(server) = nginx(&authority, "keepalive_timeout 1s; ssl_session_cache shared:s:1m;") else {
            return;
        };
        let agent = agent(trusting(authority.pem()));
        assert!(text(&agent, &server.url("/")).await.ends_with(" ."), "no session yet");
        until(&agent, |totals| totals.closed == 1).await;
        assert_eq!(closed_by(&agent), [(CloseReason::ClosedByServer, 1)]);
        let again = agent.post(server.url("/")).body("x").send().await.unwrap();
        assert!(!info(&again).reused);
        assert!(again.text().await.unwrap().ends_with(" r"), "resumed, nginx says");
    });
}

/// Answers with its count of connections; counts and asks for what the test needs.
const NODE: &str = "
const fs = require('fs'), https = require('https');
const [dir, clients] = process.argv.slice(1);
let connections = 0;
const options = { cert: fs.readFileSync(dir + '/cert'), key: fs.readFileSync(dir + '/key') };
if (clients) Object.assign(options, { ca: fs.readFileSync(dir + '/clients'), requestCert: true });
const server = https.createServer(options, (request, response) => {
    let bytes = 0;
    request.on('data', data => bytes += data.length);
    request.on('end', () => {
        const who = clients ? request.socket.getPeerCertificate().subjectaltname : '-';
        response.end(JSON.stringify([connections, bytes, who]));
    });
});
server.on('secureConnection', () => connections++);
server.listen(0, '127.0.0.1', () => console.log('listens on ' + server.address().port));
";

fn node(servers: &Authority, clients: Option<&Authority>) -> Option<Server> {
    let program = find("node", "nodejs")?;
    let dir = stage(servers, clients.unwrap_or(servers));
    let mut command = Command::new(program);
    command.args(["-e", NODE, "--"]).arg(dir.path());
    if clients.is_some() {
        command.arg("clients");
    }
    let (process, line) = start(command, "listens on ").expect("node starts");
    let port = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
    Some(Server { process, port, _dir: dir })
}

#[test]
fn nodes_server_takes_bodies_over_as_many_connections_as_are_allowed() {
    run(async |_: &Case| {
        let authority = Authority::new("real");
        let Some(server) = node(&authority, None) else { return };
        let tls = trusting(authority.pem()).build().unwrap();
        let agent = Agent::builder().tls(tls).max_sockets(3).build().unwrap();
        let mut asked = JoinSet::new();
        for nth in 0..100 {
            let request = agent.put(server.url("/")).body(vec![b'x'; nth * 3_000]).send();
            asked.spawn(async move { (nth * 3_000, request.await.unwrap().text().await.unwrap()) });
        }
        for (sent, answer) in asked.join_all().await {
            assert!(answer.ends_with(&format!(",{sent},\"-\"]")), "{answer}");
        }
        let last = text(&agent, &server.url("/")).await;
        assert_eq!(last, "[3,0,\"-\"]", "three connections, by its own count");
        assert_eq!(at_rest(&agent).await.failed, 0);
    });
}

#[test]
fn nodes_server_knows_its_client() {
    run(async |_: &Case| {
        let (servers, clients) = (Authority::new("real"), Authority::new("clients"));
        let Some(server) = node(&servers, Some(&clients)) else { return };
        let me = clients.issue(&["me.example"]);
        let known = agent(trusting(servers.pem()).identity_pem(&me.chain, &me.key));
        assert_eq!(text(&known, &server.url("/")).await, "[1,0,\"DNS:me.example\"]");
        let error = fetch(&agent(trusting(servers.pem())), server.url("/")).await.unwrap_err();
        assert!(error.to_string().contains("wants a client certificate"), "{error:?}");
    });
}

/// One connection at a time; `-www` answers with a page whose end is the connection's.
fn openssl(servers: &Authority, clients: &Authority, args: &[&str]) -> Option<Server> {
    let program = find("openssl", "openssl")?;
    for _ in 0..10 {
        let (dir, port) = (stage(servers, clients), port());
        let mut command = Command::new(&program);
        let file = |name: &str| Path::join(dir.path(), name);
        command.args(["s_server", "-www", "-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(file("cert")).arg("-key").arg(file("key"));
        command.arg("-CAfile").arg(file("clients")).args(args).stderr(Stdio::null());
        if let Some((process, _)) = start(command, "ACCEPT") {
            return Some(Server { process, port, _dir: dir });
        }
    }
    panic!("openssl does not start");
}

#[test]
fn openssls_server_in_both_versions_and_one_that_is_too_old() {
    run(async |_: &Case| {
        let authority = Authority::new("real");
        for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
            let Some(server) = openssl(&authority, &authority, &[version]) else { return };
            let page = text(&agent(trusting(authority.pem())), &server.url("/")).await;
            assert!(page.contains(name), "{page}");
        }
        let Some(server) = openssl(&authority, &authority, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]) else {
            return;
        };
        let said = super::refused(&agent(trusting(authority.pem())), &server.url("/")).await;
        assert!(said.contains("version"), "{said}");
    });
}

#[test]
fn openssls_server_with_client_certificates() {
    run(async |_: &Case| {
        let (servers, clients) = (Authority::new("real"), Authority::new("clients"));
        let me = clients.issue(&["me.example"]);
        for version in ["-tls1_2", "-tls1_3"] {
            let args = [version, "-Verify", "2", "-verify_return_error"];
            let Some(server) = openssl(&servers, &clients, &args) else { return };
            let known = agent(trusting(servers.pem()).identity_pem(&me.chain, &me.key));
            let page = text(&known, &server.url("/")).await;
            assert!(page.contains("Client certificate"), "{page}");
            let error = fetch(&agent(trusting(servers.pem())), server.url("/")).await.unwrap_err();
            assert!(error.to_string().contains("wants a client certificate"), "{error:?}");
        }
    });
}
