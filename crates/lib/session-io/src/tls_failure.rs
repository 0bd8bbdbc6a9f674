//! TLS errors as sentences, with the remedy.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

const DAY: u64 = 24 * 60 * 60;

/// A handshake with a server, whose certificate is verified.
pub(crate) fn with_server(error: &io::Error) -> String {
    match tls(error) {
        Some(Error::InvalidCertificate(why)) => certificate(why),
        Some(Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::AccessDenied,
        )) => "it asks for a certificate of ours, and we have none for it".to_owned(),
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "what it says is no TLS; TLS begins at once on ports such as 465 and 995, and after STARTTLS \
             or STLS on 25, 587 and 110"
                .to_owned()
        }
        _ => common(error),
    }
}

/// A handshake with a client.
pub(crate) fn with_client(error: &io::Error) -> String {
    match tls(error) {
        Some(Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::UnsupportedCertificate,
        )) => "the client does not accept our certificate ([tls] certificate): it may be self-signed, \
               expired, or for another name than the client asks for"
            .to_owned(),
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "what the client says is no TLS, which begins at once on this port".to_owned()
        }
        Some(Error::InvalidCertificate(why)) => {
            format!("the client's certificate is not accepted: {}", plain(why))
        }
        _ => common(error),
    }
}

/// An error of rustls outside a handshake, such as an unreadable authority.
pub(crate) fn plain_text(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(why) => format!("the certificate cannot be used: {}", plain(why)),
        other => other.to_string(),
    }
}

fn tls(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn common(error: &io::Error) -> String {
    match tls(error) {
        Some(
            Error::AlertReceived(
                AlertDescription::HandshakeFailure
                | AlertDescription::ProtocolVersion
                | AlertDescription::InsufficientSecurity,
            )
            | Error::PeerIncompatible(_),
        ) => "the two have no version of TLS and no cipher in common: here it is TLS 1.2 and 1.3"
            .to_owned(),
        Some(Error::AlertReceived(alert)) => {
            format!("the other side ended the handshake with the alert {alert:?}")
        }
        Some(other) => other.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the connection was closed during the handshake".to_owned()
        }
        None => error.to_string(),
    }
}

/// A server's certificate error, with the remedy.
fn certificate(why: &CertificateError) -> String {
    let cure = match why {
        CertificateError::UnknownIssuer => {
            "If that authority, or the certificate if it is self-signed, is to be trusted, add it to the PEM \
             file that `authorities` names in [delivery] or [collector] of postern.toml"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "Its administrator has to renew it"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "The clock of this machine may be wrong"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "Name the host in the policy as its certificate does"
        }
        CertificateError::Other(_) if is_authority(why) => {
            "Give the server a certificate of its own, made without CA:TRUE (`openssl req -x509` sets that \
             unless told otherwise), and let `authorities` in postern.toml name who signed it"
        }
        _ => "Its administrator has to replace it",
    };
    format!("its certificate is not accepted: {}. {cure}", plain(why))
}

/// The error of a certificate.
fn plain(why: &CertificateError) -> String {
    let text = match why {
        CertificateError::UnknownIssuer => "it is signed by no authority that is known here",
        CertificateError::Expired => "it has expired",
        CertificateError::ExpiredContext { time, not_after } => {
            let days = time.as_secs().saturating_sub(not_after.as_secs()) / DAY;
            return match days {
                0 => "it has expired today".to_owned(),
                1 => "it expired a day ago".to_owned(),
                days => format!("it expired {days} days ago"),
            };
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet"
        }
        CertificateError::NotValidForName => "it is for another name",
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let presented: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let presented = match presented.as_slice() {
                [] => "no name".to_owned(),
                names => names.join(", "),
            };
            return format!("it is for {presented}, not for {}", expected.to_str());
        }
        CertificateError::Revoked => "it has been revoked",
        CertificateError::BadEncoding => "it cannot be read",
        CertificateError::BadSignature => "its signature is wrong",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is made for another purpose (extendedKeyUsage)"
        }
        CertificateError::Other(_) if is_authority(why) => {
            "it is an authority's certificate (CA:TRUE), which no server may show as its own"
        }
        CertificateError::Other(other) => return other.to_string(),
        other => return other.to_string(),
    };
    text.to_owned()
}

/// The name in `DnsName("mx.test")`, as rustls formats it.
fn bare(presented: &str) -> &str {
    match presented.split_once('"') {
        Some((_, rest)) => rest.split('"').next().unwrap_or(rest),
        None => presented,
    }
}

/// webpki uses a type that rustls does not export.
fn is_authority(why: &CertificateError) -> bool {
    matches!(why, CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{OtherError, PeerIncompatible};

    use super::*;

    fn of_tls(error: Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    #[derive(Debug)]
    struct CaUsedAsEndEntity;

    impl std::fmt::Display for CaUsedAsEndEntity {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("CaUsedAsEndEntity")
        }
    }

    impl std::error::Error for CaUsedAsEndEntity {}

    #[test]
    fn a_servers_certificate_that_is_not_accepted_is_told_with_the_cure() {
        let at = |days| UnixTime::since_unix_epoch(Duration::from_secs(days * DAY));
        let rows = [
            (CertificateError::UnknownIssuer, "`authorities`"),
            (
                CertificateError::ExpiredContext {
                    time: at(20_010),
                    not_after: at(20_000),
                },
                "expired 10 days ago",
            ),
            (CertificateError::Expired, "renew"),
            (
                CertificateError::NotValidYetContext {
                    time: at(1),
                    not_before: at(2),
                },
                "clock",
            ),
            (
                CertificateError::NotValidForNameContext {
                    expected: ServerName::try_from("smtp.isp.test").expect("a name"),
                    presented: vec!["DnsName(\"mx.isp.test\")".to_owned()],
                },
                "it is for mx.isp.test, not for smtp.isp.test. Name the host",
            ),
            (
                CertificateError::Other(OtherError(Arc::new(CaUsedAsEndEntity))),
                "CA:TRUE",
            ),
            (CertificateError::BadEncoding, "cannot be read"),
        ];
        for (why, expected) in rows {
            let told = with_server(&of_tls(Error::InvalidCertificate(why)));
            assert!(
                told.starts_with("its certificate is not accepted: it "),
                "{told}"
            );
            assert!(told.contains(expected), "{told}");
            assert!(!told.contains("Other("), "{told}");
        }
    }

    #[test]
    fn other_failures_are_sentences_too() {
        let no_tls = || Error::InvalidMessage(InvalidMessage::InvalidContentType);
        let alert = |alert| of_tls(Error::AlertReceived(alert));
        let eof = io::Error::from(io::ErrorKind::UnexpectedEof);
        let rows = [
            (with_server(&of_tls(no_tls())), "no TLS"),
            (with_client(&of_tls(no_tls())), "no TLS"),
            (with_server(&eof), "closed during the handshake"),
            (
                with_client(&alert(AlertDescription::UnknownCA)),
                "our certificate",
            ),
            (
                with_server(&alert(AlertDescription::HandshakeFailure)),
                "in common",
            ),
            (
                with_server(&of_tls(Error::PeerIncompatible(
                    PeerIncompatible::NoCipherSuitesInCommon,
                ))),
                "in common",
            ),
            (
                with_server(&alert(AlertDescription::CertificateRequired)),
                "certificate of ours",
            ),
            (
                with_client(&of_tls(Error::InvalidCertificate(
                    CertificateError::UnknownIssuer,
                ))),
                "the client's certificate is not accepted: it is signed by no authority",
            ),
        ];
        for (told, expected) in rows {
            assert!(told.contains(expected), "{told}");
        }
    }
}
