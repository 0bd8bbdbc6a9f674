//! Missing DNS records, and the failures that follow.

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::Name;

use crate::fate::Failure;

/// What is missing.
pub(super) enum Absence {
    OfTheName,
    OfRecords,
}

/// Whether the DNS says that the record does not exist. Any other error may be temporary.
pub(super) fn absence(error: &NetError) -> Option<Absence> {
    let NetError::Dns(DnsError::NoRecordsFound(found)) = error else {
        return None;
    };
    match found.response_code {
        ResponseCode::NXDomain => Some(Absence::OfTheName),
        ResponseCode::NoError => Some(Absence::OfRecords),
        _ => None,
    }
}

/// Converts a name; a permanent failure if it cannot be a DNS name.
pub(super) fn dns_name(text: &str) -> Result<Name, Failure> {
    resolver::name(text).map_err(|why| {
        let reason = format!("{text} is not a valid domain: {why}.");
        Failure::permanent("5.1.2", reason)
    })
}

pub(super) fn no_domain(domain: &str) -> Failure {
    Failure::permanent("5.1.2", format!("There is no domain {domain}."))
}

pub(super) fn dns_failed(name: &str, error: &NetError) -> Failure {
    tracing::debug!(name, %error, "DNS");
    let reason = match error {
        NetError::Timeout => format!("The DNS query for {name} timed out."),
        NetError::Dns(DnsError::NoRecordsFound(found)) => {
            let code = found.response_code;
            format!("The DNS query for {name} failed: {code}.")
        }
        NetError::Dns(error) => format!("The DNS query for {name} failed: {error}."),
        // No name server could be asked, or none answered.
        error => format!("No name server answered the query for {name}: {error}."),
    };
    Failure::temporary("4.4.3", reason)
}

pub(super) fn loops_back() -> Failure {
    Failure::permanent(
        "5.4.6",
        "The MX records of this domain point to this server, but no domain rule accepts its mail. \
         Add one: postern domain add NAME.",
    )
}
