//! What went wrong in a handshake, in words of a person who looks after servers.

use std::fmt;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};
use rustls_pki_types::UnixTime;

use super::pinned::is_authoritys;

/// The text for an error of a handshake with `host`; `None` where there is nothing better to say than the
/// error itself does.
pub(crate) fn explain(error: &io::Error, host: &str) -> Option<String> {
    let middle = "in the middle of the TLS handshake";
    match error.kind() {
        io::ErrorKind::UnexpectedEof => return Some(format!("`{host}` closed the connection {middle}")),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            return Some(format!("`{host}` reset the connection {middle}"));
        }
        _ => {}
    }
    let tls = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match tls {
        error if is_authoritys(error) => format!(
            "the certificate of `{host}` is self-signed, as that of an authority, and not trusted; it can be added as a root"
        ),
        Error::InvalidCertificate(error) => certificate(error, host)?,
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        ) => format!(
            "`{host}` does not speak TLS on this port: it answered in something else; is it plain http?"
        ),
        Error::AlertReceived(alert) => refused(*alert, &format!("`{host}`")),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => {
            format!("`{host}` speaks only a version of TLS that is too old")
        }
        Error::PeerIncompatible(_) => format!("`{host}` has no version or cipher of TLS in common with us"),
        Error::PeerMisbehaved(_) => format!("`{host}` broke the rules of TLS"),
        _ => return None,
    })
}

/// The text for what TLS found wrong after the handshake; in TLS 1.3 a server looks at the client's certificate
/// only then.
pub(crate) fn explain_later(error: &Error) -> String {
    match error {
        Error::AlertReceived(alert) => refused(*alert, "the server"),
        _ => "what the server sent is not valid TLS".to_owned(),
    }
}

/// The same for an error of a read or a write; `None` for what is not TLS's affair.
pub(crate) fn explain_io(error: &io::Error) -> Option<String> {
    error.get_ref()?.downcast_ref().map(explain_later)
}

fn certificate(error: &CertificateError, host: &str) -> Option<String> {
    use CertificateError as It;
    Some(match error {
        It::Expired => format!("the certificate of `{host}` has expired"),
        It::ExpiredContext { time, not_after } => {
            let age = Age(time.as_secs().saturating_sub(not_after.as_secs()));
            format!("the certificate of `{host}` has expired: since {}, {age} ago", Date(*not_after))
        }
        It::NotValidYet => format!("the certificate of `{host}` is not valid yet"),
        It::NotValidYetContext { not_before, .. } => {
            format!(
                "the certificate of `{host}` is not valid before {}; is the clock right?",
                Date(*not_before)
            )
        }
        It::NotValidForName => format!("the certificate is not valid for `{host}`"),
        It::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            match presented.as_slice() {
                [] => format!("the certificate of `{host}` names no host, and is not valid for `{expected}`"),
                names => {
                    let names: Vec<_> = names.iter().map(|name| bare(name)).collect();
                    format!("the certificate is not valid for `{expected}`, only for {}", names.join(", "))
                }
            }
        }
        It::UnknownIssuer => format!(
            "the certificate of `{host}` comes from an authority that is not trusted (unknown issuer, or self-signed)"
        ),
        It::Revoked => format!("the certificate of `{host}` was revoked"),
        It::BadEncoding => format!("the certificate of `{host}` cannot be read"),
        It::BadSignature => format!("the certificate of `{host}` has a wrong signature"),
        It::InvalidPurpose | It::InvalidPurposeContext { .. } => {
            format!("the certificate of `{host}` is not one for a server")
        }
        _ => return None,
    })
}

fn refused(alert: AlertDescription, who: &str) -> String {
    use AlertDescription as It;
    match alert {
        It::ProtocolVersion | It::InsufficientSecurity => {
            format!("{who} has no version or cipher of TLS in common with us")
        }
        // What some servers say in TLS 1.2 to a client without a certificate.
        It::HandshakeFailure => format!(
            "{who} has no version or cipher of TLS in common with us, or wants a client certificate and got none"
        ),
        It::NoApplicationProtocol => {
            format!("{who} speaks none of the protocols that were offered (ALPN)")
        }
        It::CertificateRequired => format!("{who} wants a client certificate, and none was set"),
        It::BadCertificate
        | It::UnsupportedCertificate
        | It::CertificateRevoked
        | It::CertificateExpired
        | It::CertificateUnknown
        | It::UnknownCA
        | It::AccessDenied => {
            format!("{who} refused the client certificate")
        }
        It::UnrecognisedName => format!("{who} does not know that name"),
        _ => format!("{who} ended the TLS connection with an alert"),
    }
}

/// rustls shows a name as `DnsName("a.example")` or `IpAddress(127.0.0.1)`.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    format!("`{}`", inner.trim_matches('"').escape_debug())
}

/// The day in UTC.
struct Date(UnixTime);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.as_secs() / 86_400);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// The date of a day counted from 1970-01-01: years are counted from March, so that the leap day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next_year, month, day)
}

/// A number of seconds as people say it.
struct Age(u64);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let age = Duration::from_secs(self.0).as_secs();
        let (count, unit) = match age {
            0..120 => (age, "second"),
            120..7_200 => (age / 60, "minute"),
            7_200..172_800 => (age / 3_600, "hour"),
            _ => (age / 86_400, "day"),
        };
        write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        for (secs, text) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_709_164_800, "2024-02-29"),
            (1_735_603_200, "2024-12-31"),
            (4_107_542_400, "2100-03-01"),
            (4_107_456_000, "2100-02-28"),
        ] {
            assert_eq!(Date(UnixTime::since_unix_epoch(Duration::from_secs(secs))).to_string(), text);
        }
    }

    #[test]
    fn ages_read_well() {
        for (secs, text) in [
            (1, "1 second"),
            (119, "119 seconds"),
            (3_600, "60 minutes"),
            (90_000, "25 hours"),
            (864_000, "10 days"),
        ] {
            assert_eq!(Age(secs).to_string(), text);
        }
    }
}
