//! Quarantine: accepted mail that waits for an administrator's decision.

mod decide;

use std::time::Duration;

use api::queue::v1::{ListQuarantinedRequest, ReadMessageRequest};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::listing::Pages;
use crate::queue::{self, Message};
use crate::{Administration, Deadline, Error, Listing};
pub use decide::{Decided, Decision, Decisions, decide};

/// Time limit for the next piece of a message.
const NEXT_PIECE: Duration = Duration::from_secs(10);

/// Octets of a message shown at most.
const MOST_SHOWN: usize = 1 << 20;

/// Filter for quarantined messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only those whose sender contains this.
    pub sender: String,
    /// Only those with a recipient that contains this.
    pub recipient: String,
    /// Only those kept for a reason that contains this, such as `dmarc-quarantine`.
    pub reason: String,
    /// Maximum number of entries.
    pub limit: usize,
}

/// The quarantined messages, the oldest first.
///
/// # Errors
/// If the queue does not answer.
pub async fn list(
    administration: &Administration,
    filter: &Filter,
) -> Result<Listing<Message>, Error> {
    let mut client = administration.system().quarantine()?;
    let mut pages = Pages::of(filter.limit);
    while let Some((after, limit)) = pages.next_page() {
        let request = ListQuarantinedRequest {
            actor: administration.asking(),
            after: after.unwrap_or(0),
            limit,
            sender: filter.sender.clone(),
            recipient: filter.recipient.clone(),
            reason: filter.reason.clone(),
        };
        let page = client.list_quarantined(request).await;
        let page = page.map_err(|status| Error::call("the queue", &status))?;
        let page = page.into_inner();
        pages.add(
            page.messages.into_iter().map(Message::from),
            (page.next != 0).then_some(page.next),
        );
    }
    Ok(pages.listing())
}

/// A quarantined message, shown for a decision.
#[derive(Debug, Serialize)]
pub struct Quarantined {
    /// Its envelope, and the reason for quarantine.
    #[serde(flatten)]
    pub message: Message,
    /// The header section, or the whole message.
    pub content: String,
    /// Only the first MiB of the content is included.
    #[serde(skip)]
    pub more: bool,
}

/// Shows a quarantined message; with its text only if requested.
///
/// # Errors
/// If the message is not in quarantine.
pub async fn show(
    administration: &Administration,
    message: i64,
    with_text: bool,
) -> Result<Quarantined, Error> {
    let found = queue::show(administration, message).await?.waiting;
    let Some(found) = found.filter(|found| found.quarantine.is_some()) else {
        return Err(Error::NotFound(format!(
            "message {message} is not in quarantine; postern queue show {message} tells where it is, and \
             postern quarantine list shows what is there"
        )));
    };
    let (content, more) = read(administration, message, !with_text).await?;
    Ok(Quarantined {
        message: found,
        content: String::from_utf8_lossy(&content).into_owned(),
        more,
    })
}

/// The first octets of the message, and whether there are more.
async fn read(
    administration: &Administration,
    id: i64,
    header_only: bool,
) -> Result<(Vec<u8>, bool), Error> {
    let failed = |status| Error::call("the queue", &status);
    let request = ReadMessageRequest {
        actor: administration.asking(),
        message_id: id,
        header_only,
    };
    let mut client = administration.system().queue(Deadline::Question)?;
    let answer = client.read_message(request).await.map_err(failed)?;
    let mut chunks = answer.into_inner();
    let mut content = Vec::new();
    loop {
        let next = timeout(NEXT_PIECE, chunks.message()).await;
        let next = next.map_err(|_| Error::silent("the queue"))?;
        let Some(chunk) = next.map_err(failed)? else {
            return Ok((content, false));
        };
        content.extend_from_slice(&chunk.data);
        if content.len() > MOST_SHOWN {
            content.truncate(MOST_SHOWN);
            return Ok((content, true));
        }
    }
}
