//! The addresses in a client's certificate.

use super::Connection;
use super::der::{OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, element};
use crate::stream::Stream;

impl Connection {
    /// The mail addresses of the client's certificate (RFC 5280 §4.2.1.6, rfc822Name), in its order; absent
    /// without a certificate. The handshake has verified it.
    pub fn client_addresses(&self) -> Option<Vec<String>> {
        let Stream::Server(tls) = &self.stream else {
            return None;
        };
        let certificate = tls.get_ref().1.peer_certificates()?.first()?;
        Some(addresses(certificate).unwrap_or_default())
    }
}

/// `[3] { Extensions }` of a certificate's TBSCertificate (RFC 5280 §4.1).
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// `rfc822Name [1] IA5String` of a GeneralName.
const RFC_822_NAME: u8 = 0x81;

/// None if the certificate has no alternative names.
fn addresses(certificate: &[u8]) -> Option<Vec<String>> {
    let (SEQUENCE, certificate, _) = element(certificate)? else {
        return None;
    };
    let (SEQUENCE, fields, _) = element(certificate)? else {
        return None;
    };
    let extensions = elements(fields).find(|(tag, _)| *tag == EXTENSIONS)?.1;
    let (SEQUENCE, extensions, _) = element(extensions)? else {
        return None;
    };
    let names = elements(extensions).find_map(|(_, extension)| alternative_names(extension))?;
    let (SEQUENCE, names, _) = element(names)? else {
        return None;
    };
    let addresses = elements(names)
        .filter(|(tag, _)| *tag == RFC_822_NAME)
        .filter_map(|(_, name)| std::str::from_utf8(name).ok())
        .filter(|name| name.bytes().all(|b| b.is_ascii_graphic()))
        .map(str::to_owned);
    Some(addresses.collect())
}

/// `SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, value OCTET STRING }`.
fn alternative_names(extension: &[u8]) -> Option<&[u8]> {
    let (OBJECT_IDENTIFIER, SUBJECT_ALT_NAME, rest) = element(extension)? else {
        return None;
    };
    let value = elements(rest).find(|(tag, _)| *tag == OCTET_STRING);
    value.map(|(_, names)| names)
}

/// Consecutive elements, up to the first invalid one.
fn elements(mut input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = element(input)?;
        input = rest;
        Some((tag, content))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn certificate(names: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn address(text: &str) -> SanType {
        SanType::Rfc822Name(text.try_into().unwrap())
    }

    #[test]
    fn the_addresses_of_a_certificate_are_found_among_its_names() {
        let names = vec![
            SanType::DnsName("client.test".try_into().unwrap()),
            address("bob@example.test"),
            SanType::IpAddress([127, 0, 0, 1].into()),
            address("Robert@example.test"),
            address("b ob@example.test"),
        ];
        let found = addresses(&certificate(names)).unwrap();
        assert_eq!(found, ["bob@example.test", "Robert@example.test"]);
        let found = addresses(&certificate(vec![SanType::IpAddress(
            [127, 0, 0, 1].into(),
        )]));
        assert_eq!(found, Some(Vec::new()));
        assert_eq!(addresses(&certificate(Vec::new())), None);
    }

    #[test]
    fn what_is_cut_off_names_nobody() {
        let whole = certificate(vec![address("bob@example.test")]);
        for length in 0..whole.len() {
            assert_eq!(addresses(&whole[..length]), None, "{length}");
        }
    }
}
