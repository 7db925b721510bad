//! Against a server that nobody here wrote: nginx, from the system's packages.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testkit::Authority;

use crate::program::{Guard, fetch, kill, names};

#[test]
fn a_thousand_files_over_exactly_five_connections() {
    a_thousand_files("", &[], None, 5);
}

#[test]
fn a_thousand_files_over_exactly_five_tls_connections() {
    let authority = Authority::new("nginx's");
    a_thousand_files(" ssl", &[], Some(&authority), 5);
    a_thousand_files(" ssl http2", &["--http1.1"], Some(&authority), 5);
}

#[test]
fn a_thousand_files_over_exactly_one_http2_connection() {
    let authority = Authority::new("nginx's");
    a_thousand_files(" ssl http2", &[], Some(&authority), 1);
    a_thousand_files(" ssl http2", &["--http2"], Some(&authority), 1);
    a_thousand_files(" http2", &["--http2-prior-knowledge"], None, 1);
}

/// `speaks` is for its `listen` (`http2` there is understood by old and new versions).
fn a_thousand_files(speaks: &str, flags: &[&str], authority: Option<&Authority>, sockets: usize) {
    let Some(program) = find() else {
        assert!(std::env::var_os("KEEPALIVE_REQUIRE_EXTERNAL").is_none(), "nginx is not installed");
        println!("skipped: nginx is not installed (Debian: apt-get install nginx-light)");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("root"), dir.path().join("out"));
    fs::create_dir(&root).unwrap();
    for number in 0..FILES {
        fs::write(root.join(number.to_string()), content(number)).unwrap();
    }
    let (mut scheme, mut tls) = ("http", Vec::new());
    if let Some(authority) = authority {
        let server = authority.local();
        for (name, content) in [("ca.pem", &authority.pem()), ("cert", &server.chain), ("key", &server.key)] {
            fs::write(dir.path().join(name), content).unwrap();
        }
        (scheme, tls) =
            ("https", vec!["--cacert".to_owned(), dir.path().join("ca.pem").display().to_string()]);
    }
    let server = Nginx::start(&program, dir.path(), speaks);
    let list = dir.path().join("urls");
    let urls: String = (0..REQUESTS).fold(String::new(), |mut urls, nth| {
        let _ = writeln!(urls, "{scheme}://127.0.0.1:{}/{}?{nth}", server.port, nth % FILES);
        urls
    });
    fs::write(&list, urls).unwrap();

    let args = ["-i", list.to_str().unwrap(), "-c", "5", "--out-dir", out.to_str().unwrap()];
    let flags = flags.iter().map(|&flag| flag.to_owned());
    let run = fetch(args.map(str::to_owned).into_iter().chain(tls).chain(flags)).expect(0);

    let log = server.stop();
    assert_eq!(log.lines().count(), REQUESTS, "{log}");
    let connections: BTreeSet<_> = log.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(connections.len(), sockets, "{}", run.stderr);
    let protocol = if sockets == 1 { "HTTP/2" } else { "HTTP/1.1" };
    assert_eq!(run.stdout.matches(&format!("\"protocol\":\"{protocol}\"")).count(), REQUESTS);
    let reused = 100.0 - sockets as f64 / 10.0;
    let summary = format!("sockets opened {sockets} (perfect keep-alive: {sockets}), reused {reused:.1}%");
    assert!(run.stderr.contains(&summary), "{}", run.stderr);
    let wanted: Vec<_> = (1..=REQUESTS).map(|id| format!("{id:06}.body")).collect();
    assert_eq!(names(&out), wanted);
    for (nth, name) in wanted.iter().enumerate() {
        assert!(fs::read(out.join(name)).unwrap() == content(nth % FILES), "{name} is not what nginx has");
    }
}

const FILES: usize = 100;

const REQUESTS: usize = 1000;

/// From 0 bytes to 100 KiB, different at every place of every file.
fn content(number: usize) -> Vec<u8> {
    let size = 100 * 1024 * number / (FILES - 1);
    (0..size).map(|at| (at.wrapping_mul(31) ^ (at >> 8) ^ number) as u8).collect()
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian installs it where only root's PATH leads to.
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    places.map(|place| place.join("nginx")).find(|program| program.is_file())
}

/// A running nginx; everything that it writes is in one directory.
struct Nginx {
    process: Guard,
    port: u16,
    log: PathBuf,
}

impl Nginx {
    fn start(program: &Path, dir: &Path, speaks: &str) -> Self {
        // Somebody else may take the port between the choice and the use.
        (0..10).find_map(|_| Self::try_start(program, dir, speaks)).expect("nginx starts")
    }

    fn try_start(program: &Path, dir: &Path, speaks: &str) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = dir.join("nginx.conf");
        fs::write(&config, configuration(dir, port, speaks)).unwrap();
        let mut command = Command::new(program);
        command.arg("-p").arg(dir).arg("-c").arg(&config).args(["-e", "stderr"]);
        let mut process = Guard(command.stderr(Stdio::piped()).spawn().unwrap());
        let mut said = String::new();
        let mut stderr = BufReader::new(process.0.stderr.take().unwrap());
        // It says which kernel it runs on once it listens.
        while !said.contains("[notice]") || !said.contains("OS:") {
            if stderr.read_line(&mut said).unwrap() == 0 {
                assert!(said.contains("Address already in use"), "nginx does not start: {said}");
                return None;
            }
        }
        // Whatever else it has to say must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        Some(Self { process, port, log: dir.join("access.log") })
    }

    /// Ends it in order and returns its access log.
    fn stop(mut self) -> String {
        kill(&self.process.0, "QUIT");
        assert!(self.process.0.wait().unwrap().success());
        fs::read_to_string(&self.log).unwrap()
    }
}

/// One process, as whoever runs the test: a worker of root's nginx would be another user, who may not read
/// the test's directory.
fn configuration(dir: &Path, port: u16, speaks: &str) -> String {
    let dir = dir.display();
    let mut listen = format!("listen 127.0.0.1:{port}{speaks};");
    if speaks.contains("ssl") {
        listen.push_str(&format!(" ssl_certificate {dir}/cert; ssl_certificate_key {dir}/key;"));
    }
    format!(
        "daemon off; master_process off; pid {dir}/nginx.pid; error_log stderr notice;
events {{ worker_connections 64; }}
http {{
    log_format connections '$connection $connection_requests $request';
    access_log {dir}/access.log connections;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
    uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    keepalive_requests 10000;
    server {{ {listen} root {dir}/root; }}
}}
"
    )
}
