//! Channel bindings of a login (RFC 5056), which stop a man in the middle of the TLS session from relaying
//! it.

use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use sasl::Bindings;

use super::Connection;
use super::der::{OBJECT_IDENTIFIER, SEQUENCE, element};
use crate::stream::Stream;

/// RFC 9266 §3.
const EXPORTER: &[u8] = b"EXPORTER-Channel-Binding";

impl Connection {
    /// The channel bindings of this end of a server's TLS session.
    pub fn bindings(&self) -> Bindings {
        let Stream::Server(tls) = &self.stream else {
            return Bindings::default();
        };
        let session = tls.get_ref().1;
        // RFC 9266 §4.2: with TLS 1.2 only with the extended master secret, which rustls does not report.
        let bindable = session.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        let export = || {
            session
                .export_keying_material([0; 32], EXPORTER, Some(b""))
                .ok()
        };
        Bindings {
            exporter: bindable.then(export).flatten().map(|key| key.to_vec()),
            server_end_point: self.end_point.clone(),
        }
    }
}

/// RFC 5929 §4.1: the certificate's hash with the hash function of its signature, or with SHA-256 if that
/// one is weaker. None if the signature has no single hash function.
pub(super) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = signature_hash(certificate)?;
    Some(digest(algorithm, certificate).as_ref().to_vec())
}

/// RFC 5280 §4.1.1.2: `SEQUENCE { tbsCertificate, SEQUENCE { OID, … }, … }`.
fn signature_hash(certificate: &[u8]) -> Option<&'static Algorithm> {
    let (SEQUENCE, fields, _) = element(certificate)? else {
        return None;
    };
    let (_, _, behind) = element(fields)?;
    let (SEQUENCE, algorithm, _) = element(behind)? else {
        return None;
    };
    let (OBJECT_IDENTIFIER, name, _) = element(algorithm)? else {
        return None;
    };
    match (name.strip_prefix(PKCS_1), name.strip_prefix(ECDSA)) {
        // MD5 and SHA-1, then SHA-256, SHA-384, SHA-512 with RSA.
        (Some([4 | 5 | 11]), _) => Some(&SHA256),
        (Some([12]), _) => Some(&SHA384),
        (Some([13]), _) => Some(&SHA512),
        (_, Some([1] | [3, 2])) => Some(&SHA256),
        (_, Some([3, 3])) => Some(&SHA384),
        (_, Some([3, 4])) => Some(&SHA512),
        _ => None,
    }
}

/// 1.2.840.113549.1.1
const PKCS_1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
/// 1.2.840.10045.4
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate that contains only its signature algorithm.
    fn certificate(oid: &[u8]) -> Vec<u8> {
        let name = [&[OBJECT_IDENTIFIER, oid.len() as u8], oid].concat();
        let algorithm = [&[SEQUENCE, name.len() as u8], name.as_slice()].concat();
        let fields = [&[SEQUENCE, 0x81, 1, 7], algorithm.as_slice()].concat();
        [&[SEQUENCE, 0x82, 0, fields.len() as u8], fields.as_slice()].concat()
    }

    #[test]
    fn the_hash_is_that_of_the_signature_and_never_a_weak_one() {
        let rows: &[(&[u8], &[u8], Option<usize>)] = &[
            (PKCS_1, &[5], Some(32)),
            (PKCS_1, &[11], Some(32)),
            (PKCS_1, &[12], Some(48)),
            (PKCS_1, &[13], Some(64)),
            (PKCS_1, &[10], None),
            (ECDSA, &[1], Some(32)),
            (ECDSA, &[3, 2], Some(32)),
            (ECDSA, &[3, 3], Some(48)),
            (ECDSA, &[3, 4], Some(64)),
            (&[0x2b, 0x65], &[0x70], None),
        ];
        for (prefix, end, length) in rows {
            let found = server_end_point(&certificate(&[*prefix, *end].concat()));
            assert_eq!(found.map(|hash| hash.len()), *length, "{end:?}");
        }
    }

    #[test]
    fn what_is_cut_off_is_no_certificate() {
        let whole = certificate(&[PKCS_1, &[11]].concat());
        for length in 0..whole.len() {
            assert_eq!(server_end_point(&whole[..length]), None, "{length}");
        }
        assert_eq!(
            server_end_point(&[SEQUENCE, 0x88, 1, 1, 1, 1, 1, 1, 1, 1]),
            None
        );
    }
}
