//! Refusals, with their clients and reasons.

use api::queue::v1::ListRefusalsRequest;
use jiff::Timestamp;
use rules::Network;
use serde::{Deserialize, Serialize};

use crate::listing::Pages;
use crate::{Administration, Error, Listing, time};

/// Filter for refusals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only those whose sender contains this.
    pub sender: String,
    /// Only those with a recipient that contains this.
    pub recipient: String,
    /// Only those of clients with this address or in this network.
    pub address: Option<Network>,
    /// Only those with this verdict, such as `relay-denied`.
    pub verdict: String,
    /// The earliest time.
    pub since: Option<Timestamp>,
    /// Maximum number of entries.
    pub limit: usize,
}

/// A refusal. Repetitions by one client within seconds are one refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The time of the first.
    pub at: Option<Timestamp>,
    /// The time of the last.
    pub last_at: Option<Timestamp>,
    /// The number of repetitions.
    pub count: u64,
    /// Address of the client.
    pub peer: String,
    /// The client's name in EHLO.
    pub helo: String,
    /// Its login, or the attempted one.
    pub login: String,
    /// Name of the listener.
    pub listener: String,
    /// The reverse-path.
    pub sender: String,
    /// The refused recipient, if any.
    pub recipient: String,
    /// Name of the verdict.
    pub verdict: String,
    /// The reasons, each a sentence.
    pub reasons: Vec<String>,
    /// The policy's revision that was in force.
    pub policy_revision: u64,
    /// The id of the message or of the session, as in the log.
    pub session: String,
    /// The process that refused it.
    pub service: String,
}

impl From<api::queue::v1::Refusal> for Refusal {
    fn from(refusal: api::queue::v1::Refusal) -> Self {
        Self {
            at: time(refusal.at_ms),
            last_at: time(refusal.last_at_ms),
            count: refusal.count,
            peer: refusal.peer_address,
            helo: refusal.helo,
            login: refusal.login,
            listener: refusal.listener,
            sender: refusal.reverse_path,
            recipient: refusal.recipient,
            verdict: refusal.verdict,
            reasons: refusal.reasons,
            policy_revision: refusal.policy_revision,
            session: refusal.session,
            service: refusal.service,
        }
    }
}

/// The refusals, the newest first.
///
/// # Errors
/// If the queue does not answer.
pub async fn list(
    administration: &Administration,
    filter: &Filter,
) -> Result<Listing<Refusal>, Error> {
    let mut client = administration.system().refusals()?;
    let address = filter.address.map(|network| network.to_string());
    let mut pages = Pages::of(filter.limit);
    while let Some((after, limit)) = pages.next_page() {
        let request = ListRefusalsRequest {
            actor: administration.asking(),
            after,
            limit,
            sender: filter.sender.clone(),
            recipient: filter.recipient.clone(),
            address: address.clone().unwrap_or_default(),
            verdict: filter.verdict.clone(),
            since_ms: filter.since.map_or(0, Timestamp::as_millisecond),
        };
        let page = client.list_refusals(request).await;
        let page = page.map_err(|status| Error::call("the queue", &status))?;
        let page = page.into_inner();
        pages.add(page.refusals.into_iter().map(Refusal::from), page.next);
    }
    Ok(pages.listing())
}
