//! The queue: messages in transit, and the history of others.

mod derivation;
mod history;
mod message;
mod message_name;

use api::grpc::Code;
use api::queue::v1::{ListMessagesRequest, ShowMessageRequest, ShowMessageResponse};
use api::queue_run::{self, RetryTarget};
use rules::Domain;
use serde::{Deserialize, Serialize};

use crate::listing::Pages;
use crate::{Administration, Deadline, Error, Listing};
pub use derivation::{Child, Parent};
pub use history::{Event, HistoryFilter, history};
pub use message::{DeliverBy, Message, Origin, Quarantine, Recipient};
pub use message_name::MessageName;

/// Filter for messages of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only those whose sender contains this.
    pub sender: String,
    /// Only those with a recipient that contains this.
    pub recipient: String,
    /// Maximum number of entries.
    pub limit: usize,
}

/// The messages in the queue, the oldest first.
///
/// # Errors
/// If the queue does not answer.
pub async fn list(
    administration: &Administration,
    filter: &Filter,
) -> Result<Listing<Message>, Error> {
    let mut client = administration.system().queue(Deadline::Search)?;
    let mut pages = Pages::of(filter.limit);
    while let Some((after, limit)) = pages.next_page() {
        let request = ListMessagesRequest {
            actor: administration.asking(),
            after: after.unwrap_or(0),
            limit,
            sender: filter.sender.clone(),
            recipient: filter.recipient.clone(),
        };
        let page = client.list_messages(request).await;
        let page = page.map_err(|status| Error::call("the queue", &status))?;
        let page = page.into_inner();
        pages.add(
            page.messages.into_iter().map(Message::from),
            (page.next != 0).then_some(page.next),
        );
    }
    Ok(pages.listing())
}

/// A message and its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// Its number.
    pub message: i64,
    /// Present while a recipient waits.
    pub waiting: Option<Message>,
    /// The message that this one was derived from.
    pub parent: Option<Parent>,
    /// The messages derived from this one, the oldest first.
    pub children: Vec<Child>,
    /// Whether there are more of them.
    pub more_children: bool,
    /// The history, the oldest event first.
    pub history: Vec<Event>,
}

impl Story {
    pub(crate) fn of(message: i64, shown: ShowMessageResponse) -> Self {
        Self {
            message,
            waiting: shown.message.map(Message::from),
            parent: shown.parent.as_ref().map(Parent::from),
            children: shown.children.iter().map(Child::from).collect(),
            more_children: shown.more_children,
            history: shown.history.into_iter().map(Event::from).collect(),
        }
    }
}

/// The waiting recipients of a message, and the outcomes of the others.
///
/// # Errors
/// If the message is neither in the queue nor in the history.
pub async fn show(administration: &Administration, message: i64) -> Result<Story, Error> {
    let shown = shown(administration, message).await?;
    Ok(Story::of(message, shown))
}

async fn shown(
    administration: &Administration,
    message: i64,
) -> Result<ShowMessageResponse, Error> {
    let request = ShowMessageRequest {
        actor: administration.asking(),
        message_id: message,
    };
    match administration
        .system()
        .queue(Deadline::Question)?
        .show_message(request)
        .await
    {
        Ok(shown) => {
            let shown = shown.into_inner();
            if shown.message.is_none() && shown.history.is_empty() {
                return Err(unknown(message));
            }
            Ok(shown)
        }
        Err(status) if status.code() == Code::NotFound => Err(unknown(message)),
        Err(status) => Err(Error::call("the queue", &status)),
    }
}

fn unknown(message: i64) -> Error {
    Error::NotFound(format!(
        "there is no message {message} in the queue or in the history; postern queue list shows waiting messages"
    ))
}

/// The recipients to retry now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// All that wait for their next attempt.
    All,
    /// Those of one message.
    Message(i64),
    /// Those of a domain.
    Domain {
        /// Its name.
        name: Domain,
        /// Includes subdomains.
        subdomains: bool,
    },
}

/// The result of a retry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// The number of recipients.
    pub recipients: u64,
}

/// Makes waiting recipients due now. Recipients in progress, held or in quarantine do not change.
///
/// # Errors
/// If the queue does not answer; retries already started continue.
pub async fn retry(administration: &Administration, retry: Retry) -> Result<Retried, Error> {
    let wanted = match retry {
        Retry::All => RetryTarget::All,
        Retry::Message(message) => RetryTarget::Message(message),
        Retry::Domain { name, subdomains } => RetryTarget::Domain {
            name: name.to_string(),
            subdomains,
        },
    };
    let mut client = administration.system().queue(Deadline::Work)?;
    let asking = administration.asking();
    let started = queue_run::retry_now(&mut client, asking, wanted, usize::MAX).await;
    let started = started.map_err(|status| Error::call("the queue", &status))?;
    Ok(Retried {
        recipients: started.recipients,
    })
}
