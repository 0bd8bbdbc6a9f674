//! What vouches for the sender of a message, as a script writes it.

use super::read::unknown;
use crate::authentication::{AuthenticationFacts, AuthenticationResult, DmarcRequest, Finding};

/// `spf=fail dmarc=fail/quarantine arc=pass:lists.test`
pub(super) fn authentication_facts(words: &[&str]) -> Result<AuthenticationFacts, String> {
    let mut facts = AuthenticationFacts::default();
    for word in words {
        let (method, value) = word.split_once('=').unwrap_or((word, ""));
        match method {
            "iprev" => facts.iprev = Some(finding(value)?),
            "helo" => facts.spf_helo = Some(finding(value)?),
            "spf" => facts.spf = Some(finding(value)?),
            "dkim" => facts.dkim = Some(finding(value)?),
            "arc" => facts.arc = Some(finding(value)?),
            "dmarc" => {
                let (result, request) = value.split_once('/').unwrap_or((value, "none"));
                facts.dmarc = Some(finding(result)?);
                facts.dmarc_request = dmarc_request(request)?;
            }
            _ => return Err(unknown(word, "iprev=, helo=, spf=, dkim=, dmarc= and arc=")),
        }
    }
    Ok(facts)
}

/// A result, and behind `:` whose record or signature was looked at.
fn finding(value: &str) -> Result<Finding, String> {
    let (word, subject) = value.split_once(':').unwrap_or((value, "the sender"));
    let result = AuthenticationResult::ALL
        .into_iter()
        .find(|result| result.as_str() == word)
        .ok_or_else(|| {
            let known = AuthenticationResult::ALL.map(AuthenticationResult::as_str);
            format!("`{word}` is no result; there are {}", known.join(", "))
        })?;
    Ok(Finding {
        result,
        subject: subject.to_owned(),
    })
}

fn dmarc_request(word: &str) -> Result<DmarcRequest, String> {
    match word {
        "none" => Ok(DmarcRequest::None),
        "quarantine" => Ok(DmarcRequest::Quarantine),
        "reject" => Ok(DmarcRequest::Reject),
        _ => Err(format!(
            "`{word}` is nothing that a domain asks for by DMARC; there are none, quarantine and \
             reject"
        )),
    }
}
