//! Refusals: what was refused to whom, and why.

use api::queue::v1::ListRefusalsRequest;
use jiff::Timestamp;
use rules::Network;
use serde::{Deserialize, Serialize};

use crate::listing::Pages;
use crate::{Administration, Error, Listing, time};

/// Which refusals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only those whose sender contains this.
    pub sender: String,
    /// Only those with a recipient that contains this.
    pub recipient: String,
    /// Only those of clients at this address or in this network.
    pub address: Option<Network>,
    /// Only those with this verdict, such as `relay-denied`.
    pub verdict: String,
    /// Not before.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

/// What was refused to a client. What one client repeats within seconds is one refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// When it was refused first.
    pub at: Option<Timestamp>,
    /// And last.
    pub last_at: Option<Timestamp>,
    /// How often.
    pub count: u64,
    /// Address of the client.
    pub peer: String,
    /// What it said in EHLO.
    pub helo: String,
    /// Its login, or the one that it tried.
    pub login: String,
    /// Name of the listener.
    pub listener: String,
    /// The reverse-path.
    pub sender: String,
    /// The recipient, where one was refused.
    pub recipient: String,
    /// Name of the verdict.
    pub verdict: String,
    /// Its reasons, each a sentence.
    pub reasons: Vec<String>,
    /// The policy's revision that was in force.
    pub policy_revision: u64,
    /// The id of the message or of the session, as the log has it.
    pub session: String,
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
        }
    }
}

/// What was refused, the newest first.
///
/// # Errors
/// The queue cannot be asked.
pub async fn list(
    administration: &Administration,
    filter: &Filter,
) -> Result<Listing<Refusal>, Error> {
    let mut client = administration.system().refusals()?;
    let address = filter.address.map(|network| network.to_string());
    let mut pages = Pages::of(filter.limit);
    while let Some((after, limit)) = pages.next_page() {
        let request = ListRefusalsRequest {
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
