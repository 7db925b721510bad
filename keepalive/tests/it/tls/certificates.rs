//! Which server is believed, and what is said of one that is not.

use keepalive::{Agent, CloseReason, Tls, TlsVersion};
use testkit::{Authority, Case, Identity, PlainOrigin, ServerTls, run};

use super::{agent, local, origin, refused, scripted, trusted, trusting};
use crate::kit::{at_rest, closed_by, text};

#[test]
fn a_certificate_of_a_trusted_authority_is_believed_for_its_names() {
    run(async |case: &Case| {
        let (authority, agent) = trusted();
        let origin = origin(case, &authority.local());
        assert_eq!(text(&agent, &origin.url("/")).await, "hello");
        assert_eq!(text(&agent, &local(&origin)).await, "hello");
        assert_eq!(origin.stats().accepted, 2, "two names are two origins");
    });
}

#[test]
fn a_wrong_name_is_refused_and_the_right_one_is_named() {
    run(async |case: &Case| {
        let (authority, agent) = trusted();
        let named = origin(case, &authority.issue(&["a.example", "b.example"]));
        assert_eq!(
            refused(&agent, &local(&named)).await,
            "the certificate is not valid for `localhost`, only for `a.example`, `b.example`"
        );
        let by_address = refused(&agent, &named.url("/")).await;
        assert!(by_address.starts_with("the certificate is not valid for `127.0.0.1`"), "{by_address}");
        assert_eq!(named.stats().requests, 0);
        assert_eq!(closed_by(&agent), [(CloseReason::DialFailed, 2)]);
    });
}

#[test]
fn one_that_expired_is_refused_with_the_date() {
    run(async |case: &Case| {
        let (authority, agent) = trusted();
        let text = refused(&agent, &local(&origin(case, &authority.expired()))).await;
        let begin = "the certificate of `localhost` has expired: since 2020-02-29, ";
        assert!(text.starts_with(begin) && text.ends_with(" days ago"), "{text}");
    });
}

#[test]
fn one_that_is_not_valid_yet_is_refused_with_the_date() {
    run(async |case: &Case| {
        let (authority, agent) = trusted();
        assert_eq!(
            refused(&agent, &local(&origin(case, &authority.not_yet_valid()))).await,
            "the certificate of `localhost` is not valid before 3000-01-01; is the clock right?"
        );
    });
}

const UNKNOWN: &str = "the certificate of `localhost` comes from an authority that is not trusted (unknown issuer, or self-signed)";

#[test]
fn an_authority_that_nobody_knows_is_refused() {
    run(async |case: &Case| {
        let (_, agent) = trusted();
        let other = origin(case, &Authority::new("another").local());
        assert_eq!(refused(&agent, &local(&other)).await, UNKNOWN);
        let alone = origin(case, &Identity::self_signed(&["localhost"]));
        assert_eq!(refused(&agent, &local(&alone)).await, UNKNOWN);
        let alone = origin(case, &Identity::self_signed_authority(&["localhost"]));
        assert_eq!(
            refused(&agent, &local(&alone)).await,
            "the certificate of `localhost` is self-signed, as that of an authority, and not trusted; it can be added as a root"
        );
    });
}

/// With the roots of the system, or without any: then the platform has nothing to trust, which says the same.
#[test]
fn the_defaults_trust_the_system_and_nobody_else() {
    run(async |case: &Case| {
        let own = Authority::new("another");
        let origin = origin(case, &own.local());
        assert_eq!(refused(&Agent::new(), &local(&origin)).await, UNKNOWN);
        let both = agent(Tls::builder().add_root_pem(own.pem()));
        assert_eq!(text(&both, &local(&origin)).await, "hello");
    });
}

#[cfg(feature = "webpki-roots")]
#[test]
fn mozillas_roots_do_not_know_a_private_authority_but_go_with_one() {
    run(async |case: &Case| {
        let own = Authority::new("another");
        let origin = origin(case, &own.local());
        assert_eq!(refused(&agent(Tls::builder().webpki_roots()), &local(&origin)).await, UNKNOWN);
        let both = agent(Tls::builder().webpki_roots().add_root_pem(own.pem()));
        assert_eq!(text(&both, &local(&origin)).await, "hello");
    });
}

#[test]
fn a_self_signed_certificate_that_was_added_is_believed_for_its_name_and_its_time() {
    run(async |case: &Case| {
        for make in [Identity::self_signed, Identity::self_signed_authority] {
            let identity = make(&["localhost"]);
            let origin = origin(case, &identity);
            let agent = agent(trusting(&identity.chain));
            assert_eq!(text(&agent, &local(&origin)).await, "hello");
            let wrong = refused(&agent, &origin.url("/")).await;
            assert_eq!(wrong, "the certificate is not valid for `127.0.0.1`, only for `localhost`");
        }
        let old = Identity::expired_authority(&["localhost"]);
        let wrong = refused(&agent(trusting(&old.chain)), &local(&origin(case, &old))).await;
        assert!(wrong.contains("has expired: since 2020-02-29"), "{wrong}");
    });
}

/// The other's certificate is a root, but that does not make it this server's.
#[test]
fn a_self_signed_certificate_vouches_for_itself_alone() {
    run(async |case: &Case| {
        let [one, other] = [(); 2].map(|()| Identity::self_signed_authority(&["localhost"]));
        let text = refused(&agent(trusting(&one.chain)), &local(&origin(case, &other))).await;
        assert!(text.contains("self-signed"), "{text}");
    });
}

#[test]
fn any_certificate_will_do_if_the_user_says_so() {
    run(async |case: &Case| {
        let agent = agent(Tls::builder().danger_accept_invalid_certs(true));
        let unknown = Authority::new("unknown");
        for identity in [
            unknown.expired(),
            unknown.issue(&["a.example"]),
            Identity::self_signed_authority(&["a.example"]),
        ] {
            for tls in [ServerTls::tls12(&identity), ServerTls::tls13(&identity)] {
                let origin = case.plain(PlainOrigin::builder().tls(&tls));
                assert_eq!(text(&agent, &local(&origin)).await, "hello");
            }
        }
        assert_eq!(at_rest(&agent).await.failed, 0);
    });
}

#[test]
fn a_server_name_of_ones_own_is_asked_for_and_checked() {
    run(async |case: &Case| {
        let authority = Authority::new("trusted");
        let tls = ServerTls::new(&authority.issue(&["a.example"]));
        let origin = scripted(case, &tls);
        let named = agent(trusting(authority.pem()).server_name("a.example"));
        assert_eq!(text(&named, &origin.url("/")).await, "hello");
        let seen = origin.record().connections[0].tls.clone().unwrap();
        assert_eq!(seen.server_name.as_deref(), Some("a.example"));
        assert_eq!(origin.record().requests()[0].header("host"), Some(&*origin.addr().to_string()));
        let other = agent(trusting(authority.pem()).server_name("b.example"));
        let wrong = refused(&other, &origin.url("/")).await;
        assert_eq!(wrong, "the certificate is not valid for `b.example`, only for `a.example`");
    });
}

#[test]
fn a_version_that_is_too_old_is_refused() {
    run(async |case: &Case| {
        let authority = Authority::new("trusted");
        let old = scripted(case, &ServerTls::tls12(&authority.local()));
        let url = format!("https://localhost:{}/", old.port());
        assert_eq!(text(&agent(trusting(authority.pem())), &url).await, "hello");
        let seen = old.record().connections[0].tls.clone().unwrap();
        assert!(!seen.tls13 && seen.alpn.is_none() && seen.server_name.as_deref() == Some("localhost"));
        let strict = agent(trusting(authority.pem()).min_version(TlsVersion::Tls13));
        let text = refused(&strict, &url).await;
        assert_eq!(text, "`localhost` has no version or cipher of TLS in common with us");
    });
}
