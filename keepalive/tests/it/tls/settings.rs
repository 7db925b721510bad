//! What is wrong with settings is said when they are made, and nothing tells what is secret.

use keepalive::{Agent, Tls};
use testkit::{Authority, Identity};

fn fails(result: Result<Tls, keepalive::Error>) -> String {
    let error = result.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    error.to_string()
}

#[test]
fn bad_roots() {
    let root = |pem: &str| fails(Tls::builder().add_root_pem(pem).build());
    let none = "the root certificates: there is no certificate in the PEM text";
    assert_eq!(root(""), none);
    assert_eq!(root("garbage"), none);
    assert_eq!(root(&Identity::self_signed(&["a"]).key), none, "a key is none");
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    assert_eq!(root(cut), "the root certificates are not valid PEM");
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(root(empty), "the root certificates: one cannot be read");
}

#[test]
fn a_bad_identity() {
    let [one, other] = [(); 2].map(|()| Identity::self_signed(&["me"]));
    let identity = |chain: &str, key: &str| fails(Tls::builder().identity_pem(chain, key).build());
    let no_key = "the client's key: there is no private key in the PEM text";
    assert_eq!(identity(&one.chain, ""), no_key);
    assert_eq!(identity(&one.chain, "garbage"), no_key);
    assert_eq!(identity(&one.chain, &one.chain), no_key);
    let no_certificate = "the client's certificates: there is no certificate in the PEM text";
    assert_eq!(identity("", &one.key), no_certificate);
    assert_eq!(identity(&one.key, &one.key), no_certificate);
    assert_eq!(identity(&one.chain, &other.key), "the client's key does not belong to its first certificate");
    let both = one.chain.clone() + &one.key;
    Tls::builder().identity_pem(&both, &both).build().expect("one file with both will do");
}

#[test]
fn bad_names_and_nobody_to_trust() {
    for name in ["", "a b", "a\nb", "http://a", "a:443"] {
        let text = fails(Tls::builder().server_name(name).build());
        assert!(text.contains("is no server name") && !text.contains('\n'), "{text}");
    }
    let text = fails(Tls::builder().builtin_roots(false).build());
    assert!(text.contains("trusts no server at all"), "{text}");
    Tls::builder().builtin_roots(false).danger_accept_invalid_certs(true).build().unwrap();
}

#[test]
fn the_first_fault_is_told() {
    let text = fails(Tls::builder().server_name("a b").add_root_pem("").build());
    assert!(text.contains("`a b`"), "{text}");
}

#[test]
fn debug_shows_neither_certificate_nor_key() {
    let me = Authority::new("clients").issue(&["me.example"]);
    let builder = Tls::builder().identity_pem(&me.chain, &me.key).add_root_pem(&me.chain);
    let shown = format!("{builder:?}");
    let tls = builder.build().unwrap();
    let agent = Agent::builder().tls(tls.clone());
    let shown = format!("{shown} {tls:?} {agent:?}") + &format!(" {:?}", agent.build().unwrap());
    // Of both, as text and as numbers.
    for line in me.key.lines().chain(me.chain.lines()).filter(|line| !line.starts_with('-')) {
        assert!(!shown.contains(line), "{shown}");
    }
    assert!(!shown.contains("[48, ") && !shown.contains("me.example"), "{shown}");
    let bad = Tls::builder()
        .identity_pem(&me.chain, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----");
    let shown = format!("{bad:?}") + &format!(" {:?}", bad.build());
    assert!(!shown.contains("c2VjcmV0") && !shown.contains("secret"), "{shown}");
}
