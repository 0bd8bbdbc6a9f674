//! The queue: messages on their way, and what became of those that were.

mod derivation;
mod history;
mod message;
mod message_name;

use api::grpc::Code;
use api::queue::v1::{ListMessagesRequest, ShowMessageRequest, ShowMessageResponse};
use api::queue_run::{self, Wanted};
use rules::Domain;
use serde::{Deserialize, Serialize};

use crate::listing::Pages;
use crate::{Administration, Deadline, Error, Listing, System};
pub use derivation::{Child, Parent};
pub use history::{Event, HistoryFilter, history};
pub use message::{DeliverBy, Message, Origin, Quarantine, Recipient};
pub use message_name::MessageName;

/// Which messages of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only those whose sender contains this.
    pub sender: String,
    /// Only those with a recipient that contains this.
    pub recipient: String,
    /// At most so many.
    pub limit: usize,
}

/// The messages in the queue, the oldest first.
///
/// # Errors
/// The queue cannot be asked.
pub async fn list(
    administration: &Administration,
    filter: &Filter,
) -> Result<Listing<Message>, Error> {
    let mut client = administration.system().queue(Deadline::Search)?;
    let mut pages = Pages::of(filter.limit);
    while let Some((after, limit)) = pages.next_page() {
        let request = ListMessagesRequest {
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
    /// While a recipient waits for it.
    pub waiting: Option<Message>,
    /// How it was made of another message.
    pub parent: Option<Parent>,
    /// What was made of it, the oldest first.
    pub children: Vec<Child>,
    /// The oldest first.
    pub history: Vec<Event>,
}

impl Story {
    pub(crate) fn of(message: i64, shown: ShowMessageResponse) -> Self {
        Self {
            message,
            waiting: shown.message.map(Message::from),
            parent: shown.parent.as_ref().map(Parent::from),
            children: shown.children.iter().map(Child::from).collect(),
            history: shown.history.into_iter().map(Event::from).collect(),
        }
    }
}

/// Who still waits for a message, and what became of its other recipients.
///
/// # Errors
/// No such message is in the queue or remembered.
pub async fn show(administration: &Administration, message: i64) -> Result<Story, Error> {
    let shown = shown(administration.system(), message).await?;
    Ok(Story::of(message, shown))
}

async fn shown(system: &System, message: i64) -> Result<ShowMessageResponse, Error> {
    let request = ShowMessageRequest {
        message_id: message,
    };
    match system
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
        "there is no message {message}, and none is remembered; postern queue list shows what waits"
    ))
}

/// What is to be tried now instead of at its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// Everything that waits for its next attempt.
    All,
    /// What waits of one message.
    Message(i64),
    /// What waits for a domain.
    Domain {
        /// Its name.
        name: Domain,
        /// And what waits for those below it.
        subdomains: bool,
    },
}

/// What is tried now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// How many recipients.
    pub recipients: u64,
}

/// Has tried now what waits for its next attempt. What is under way, held on purpose or in
/// quarantine stays as it is.
///
/// # Errors
/// The queue cannot be asked; what it began before is tried all the same.
pub async fn retry(administration: &Administration, retry: Retry) -> Result<Retried, Error> {
    let wanted = match retry {
        Retry::All => Wanted::All,
        Retry::Message(message) => Wanted::Message(message),
        Retry::Domain { name, subdomains } => Wanted::Domain {
            name: name.to_string(),
            subdomains,
        },
    };
    let mut client = administration.system().queue(Deadline::Work)?;
    let started = queue_run::retry_now(&mut client, wanted, usize::MAX).await;
    let started = started.map_err(|status| Error::call("the queue", &status))?;
    Ok(Retried {
        recipients: started.recipients,
    })
}
