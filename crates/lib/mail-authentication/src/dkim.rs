//! DKIM signatures (RFC 6376, RFC 8463) in the words of RFC 8601 §2.7.1.

use mail_auth::common::crypto::{Algorithm, CryptoError};
use mail_auth::dkim::{DkimError, Signature};
use mail_auth::{AuthenticatedMessage, DkimOutput, DkimResult, DnsError, Error};
use rules::AuthenticationResult;

use crate::findings::{Method, Reported};

/// Maximum number of reported results: a header section can be full of apparent signatures.
const MAX_REPORTED: usize = 12;

/// Signatures that are not verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// RFC 8301 §3.1: SHA-1 is not accepted.
    pub(crate) sha1: usize,
    /// RFC 6376 §6.1.1: From must be signed.
    pub(crate) authorless: usize,
    /// They name more fields than a message has: verification would take seconds.
    pub(crate) vast: usize,
}

/// The results of a message; without outputs the time limit was exceeded.
pub(crate) fn reported(
    message: &AuthenticatedMessage<'_>,
    outputs: Option<&[DkimOutput<'_>]>,
    unfit: Unfit,
) -> Vec<Reported> {
    let mut reported: Vec<Reported> = match outputs {
        Some(outputs) => outputs.iter().map(of_output).collect(),
        None => message
            .dkim_headers
            .iter()
            .map(|signature| {
                of_signature(AuthenticationResult::TempError, Some(&signature.header))
                    .because(Some(NO_DNS))
            })
            .collect(),
    };
    // Valid signatures come first, so that they are not among the omitted ones.
    reported.sort_by_key(|one| one.result != AuthenticationResult::Pass);
    for (count, reason) in [
        (unfit.sha1, "rsa-sha1 is not relied on"),
        (unfit.authorless, "the author is not signed"),
        (unfit.vast, "it names too many fields"),
    ] {
        if count > 0 {
            let unfit = of_signature(AuthenticationResult::Policy, None);
            reported.push(unfit.because(Some(reason)));
        }
    }
    if reported.is_empty() {
        let nothing = match message.has_dkim_errors {
            true => of_signature(AuthenticationResult::Neutral, None).because(Some(UNREADABLE)),
            false => of_signature(AuthenticationResult::None, None),
        };
        reported.push(nothing);
    }
    reported.truncate(MAX_REPORTED);
    reported
}

const NO_DNS: &str = "the DNS does not answer";
const UNREADABLE: &str = "the signature cannot be read";

fn of_output(output: &DkimOutput<'_>) -> Reported {
    let (result, reason) = of_result(output.result());
    of_signature(result, output.signature()).because(reason)
}

fn of_signature(result: AuthenticationResult, signature: Option<&Signature>) -> Reported {
    let Some(signature) = signature else {
        return Reported::new(Method::Dkim, result, "");
    };
    let algorithm = match signature.a {
        Algorithm::RsaSha1 => "rsa-sha1",
        Algorithm::RsaSha256 => "rsa-sha256",
        Algorithm::Ed25519Sha256 => "ed25519-sha256",
    };
    Reported::new(Method::Dkim, result, &signature.d)
        .with("header.d", signature.d.as_str())
        .with("header.s", signature.s.as_str())
        .with("header.a", algorithm)
}

/// The name of a result, and its reason.
pub(crate) fn of_result(result: &DkimResult) -> (AuthenticationResult, Option<&'static str>) {
    use AuthenticationResult as R;
    let (result, error) = match result {
        DkimResult::Pass => return (R::Pass, None),
        DkimResult::None => return (R::None, None),
        DkimResult::Neutral(error) => (R::Neutral, error),
        DkimResult::Fail(error) => (R::Fail, error),
        DkimResult::PermError(error) => (R::PermError, error),
        DkimResult::TempError(error) => (R::TempError, error),
    };
    let result = match error {
        Error::Dkim(DkimError::FailedBodyHashMatch | DkimError::SignatureExpired) => R::Fail,
        Error::Dkim(DkimError::SignatureLength) => R::Policy,
        _ => result,
    };
    (result, Some(why(error)))
}

/// In our own words: those of the library may reveal our resolver.
fn why(error: &Error) -> &'static str {
    match error {
        Error::Dkim(DkimError::FailedBodyHashMatch) => "the text was changed",
        Error::Dkim(DkimError::SignatureExpired) => "the signature has expired",
        Error::Dkim(DkimError::SignatureLength) => "only a part of the text is signed",
        Error::Dkim(DkimError::RevokedPublicKey) => "the key was revoked",
        Error::Dkim(DkimError::FailedAuidMatch) => "the identity is not of the signing domain",
        Error::Dkim(_) | Error::Base64 | Error::MissingParameters => UNREADABLE,
        Error::Crypto(CryptoError::IncompatibleAlgorithms) => "the key is of another algorithm",
        Error::Crypto(_) => "the signature does not hold",
        Error::Dns(DnsError::RecordNotFound(_)) => "there is no key",
        Error::Dns(DnsError::InvalidRecordType) | Error::ParseError => "the key cannot be read",
        Error::Dns(DnsError::Resolver(_)) => NO_DNS,
        Error::Arc(_) => "the chain is broken",
        _ => "it cannot be verified",
    }
}
