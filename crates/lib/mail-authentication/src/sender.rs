//! Reverse DNS and SPF: the checks possible before the message arrives.

use std::net::IpAddr;

use futures::future::{OptionFuture, join3};
use hickory_resolver::proto::rr::RData;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{IprevOutput, IprevResult, SpfOutput, SpfResult};
use rules::{AuthenticationResult, Domain, ReversePath};
use tokio::time::timeout;

use crate::dns::{Absence, is_absence};
use crate::findings::{Method, Reported};
use crate::methods::Methods;
use crate::shared::Shared;

/// The facts about a session at MAIL.
#[derive(Clone, Debug)]
pub struct Session {
    /// The peer's address.
    pub peer: IpAddr,
    /// The name in HELO or EHLO.
    pub helo: String,
    /// The reverse-path.
    pub sender: ReversePath,
    /// Our own name, for SPF macros.
    pub hostname: String,
}

/// The results of the sender's checks.
#[derive(Clone, Debug)]
pub struct SenderFindings {
    pub(crate) results: Vec<Reported>,
    /// The result for the reverse-path, as DMARC needs it.
    pub(crate) spf: SpfOutput,
    /// The domain checked by SPF (RFC 7489 §4.1).
    pub(crate) domain: String,
}

impl SenderFindings {
    /// The results if the checks did not finish.
    #[must_use]
    pub fn unknown(methods: Methods, session: &Session) -> Self {
        let lost = SpfOutput::new(String::new()).with_result(SpfResult::TempError);
        let iprev = IprevOutput {
            result: IprevResult::TempError(mail_auth::Error::ParseError),
            ptr: None,
        };
        Self::new(
            session,
            methods.iprev.then_some(iprev),
            methods.spf.then(|| lost.clone()),
            methods.spf.then_some(lost),
        )
    }

    pub(crate) async fn look_up(by: &Shared, methods: Methods, session: Session) -> Self {
        let spf = |sender: Option<String>| {
            let session = &session;
            async move { spf(by, session, sender.as_deref()).await }
        };
        let peer = session.peer.to_canonical();
        let looked_up = join3(
            OptionFuture::from(
                methods
                    .iprev
                    .then(|| by.inner.verify_iprev(by.memory.with(&by.memory.spf, peer))),
            ),
            OptionFuture::from(methods.spf.then(|| spf(None))),
            OptionFuture::from(methods.spf.then(|| spf(Some(session.sender.to_string())))),
        );
        let (iprev, helo, sender) = match timeout(by.patience, looked_up).await {
            Ok(found) => found,
            Err(_) => return Self::unknown(methods, &session),
        };
        Self::new(&session, iprev, helo, sender)
    }

    fn new(
        session: &Session,
        iprev: Option<IprevOutput>,
        helo: Option<SpfOutput>,
        sender: Option<SpfOutput>,
    ) -> Self {
        let mut results = Vec::new();
        if let Some(iprev) = iprev {
            results.push(reverse_dns(session.peer, &iprev));
        }
        let domain = match session.sender.address() {
            Some(address) => address.host().to_string(),
            None => session.helo.clone(),
        };
        if let Some(helo) = helo {
            let reported = Reported::new(Method::SpfHelo, of_spf(helo.result()), &session.helo);
            results.push(reported.with("smtp.helo", session.helo.as_str()));
        }
        let mut spf = SpfOutput::default();
        if let Some(sender) = sender {
            let property = match session.sender {
                ReversePath::Null => "smtp.helo",
                ReversePath::Address(_) => "smtp.mailfrom",
            };
            // With a null reverse-path both identities are equal, and are reported once.
            if session.sender.is_null() {
                results.retain(|reported| reported.method != Method::SpfHelo);
            }
            let reported = Reported::new(Method::Spf, of_spf(sender.result()), &domain);
            results.push(reported.with(property, domain.as_str()));
            spf = sender;
        }
        Self {
            results,
            spf,
            domain,
        }
    }
}

/// SPF for a sender, or for HELO.
async fn spf(by: &Shared, session: &Session, sender: Option<&str>) -> SpfOutput {
    let Session { helo, hostname, .. } = session;
    let peer = session.peer.to_canonical();
    let sender = sender.filter(|sender| !sender.is_empty());
    // An address literal has no records (RFC 7208 §2.3), nor has an invalid name.
    let domain = match (sender, session.sender.address()) {
        (Some(_), Some(address)) => address.domain().map(ToString::to_string),
        _ => Domain::parse(helo).ok().map(|domain| domain.to_string()),
    };
    let Some(domain) = domain else {
        return SpfOutput::new(String::new()).with_result(SpfResult::None);
    };
    let parameters = match sender {
        Some(sender) => SpfParameters::verify_mail_from(peer, helo, hostname, sender),
        None => SpfParameters::verify_ehlo(peer, &domain, hostname),
    };
    let records = match records(by, &domain).await {
        Ok(0) => return SpfOutput::new(domain).with_result(SpfResult::None),
        Ok(records) => records,
        // The check will meet the same error and report it.
        Err(Unknown) => 0,
    };
    if records > 1 {
        // RFC 7208 §4.5.
        return SpfOutput::new(domain).with_result(SpfResult::PermError);
    }
    let check = by.memory.with(&by.memory.spf, parameters);
    let output = by.inner.verify_spf(check).await;
    match output.result() {
        // An unreadable record is an error, not a missing record.
        SpfResult::None if records == 1 => output.with_result(SpfResult::PermError),
        _ => output,
    }
}

/// The DNS does not answer.
struct Unknown;

/// The number of a domain's SPF records.
async fn records(by: &Shared, domain: &str) -> Result<usize, Unknown> {
    if let Some(known) = by.memory.spf_records.recall(domain) {
        return Ok(known);
    }
    let name = resolver::name(domain).map_err(|_| Unknown)?;
    let (records, until) = match by.dns.resolver.txt_lookup(name).await {
        Ok(answer) => {
            let texts = answer
                .answers()
                .iter()
                .filter(|record| is_spf(&record.data));
            (texts.count(), Some(answer.valid_until()))
        }
        Err(error) if is_absence(&error) => (0, Absence::of(&error).map(|absence| absence.until)),
        Err(_) => return Err(Unknown),
    };
    if let Some(until) = until {
        let memory = &by.memory.spf_records;
        memory.remember(domain.into(), records, until);
    }
    Ok(records)
}

fn is_spf(data: &RData) -> bool {
    let RData::TXT(text) = data else {
        return false;
    };
    let text = text.txt_data.concat();
    let version = text.get(..6).unwrap_or_default();
    version.eq_ignore_ascii_case(b"v=spf1") && matches!(text.get(6), None | Some(b' '))
}

fn of_spf(result: SpfResult) -> AuthenticationResult {
    match result {
        SpfResult::Pass => AuthenticationResult::Pass,
        SpfResult::Fail => AuthenticationResult::Fail,
        SpfResult::SoftFail => AuthenticationResult::SoftFail,
        SpfResult::Neutral => AuthenticationResult::Neutral,
        SpfResult::TempError => AuthenticationResult::TempError,
        SpfResult::PermError => AuthenticationResult::PermError,
        SpfResult::None => AuthenticationResult::None,
    }
}

fn reverse_dns(peer: IpAddr, output: &IprevOutput) -> Reported {
    let result = match &output.result {
        IprevResult::Pass => AuthenticationResult::Pass,
        IprevResult::Fail(_) => AuthenticationResult::Fail,
        IprevResult::TempError(_) => AuthenticationResult::TempError,
        // RFC 8601 §2.7.3: a missing name is a permerror; a name with other addresses is a fail.
        IprevResult::PermError(_) | IprevResult::None if output.ptr.is_some() => {
            AuthenticationResult::Fail
        }
        IprevResult::PermError(_) | IprevResult::None => AuthenticationResult::PermError,
    };
    let peer = peer.to_canonical().to_string();
    Reported::new(Method::Iprev, result, &peer).with("policy.iprev", peer.as_str())
}
