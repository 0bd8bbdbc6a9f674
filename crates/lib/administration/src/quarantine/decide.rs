//! Decisions about quarantined messages.

use api::actor::v1::Actor;
use api::grpc::{Channel, Code, Status};
use api::queue::v1::quarantine_client::QuarantineClient;
use api::queue::v1::{ReleaseQuarantinedRequest, RemoveQuarantinedRequest};
use serde::{Deserialize, Serialize};

use crate::Removal;
use crate::queue::MessageName;
use crate::{Administration, Error};

/// An administrator's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The message is delivered to its recipients.
    Release,
    /// The message is removed without a notice. This must be confirmed.
    Remove,
}

/// The result of a decision.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// Number of the message.
    pub message: i64,
    /// The decision.
    pub decision: Decision,
    /// Whether the message was in quarantine; otherwise it was decided before, or its time limit has
    /// passed.
    pub done: bool,
    /// The number of its recipients.
    pub recipients: u32,
}

/// The results of decisions about several messages.
#[derive(Debug)]
pub struct Decisions {
    /// In the given order, up to the first failed call.
    pub decided: Vec<Decided>,
    /// The reason why the remaining messages were not decided.
    pub error: Option<Error>,
}

/// Decides about each message.
///
/// # Errors
/// If one is neither in the queue nor in the history, or a removal was not confirmed: nothing is decided
/// then.
pub async fn decide(
    administration: &Administration,
    decision: Decision,
    messages: &[MessageName],
    confirmed: bool,
) -> Result<Decisions, Error> {
    if decision == Decision::Remove {
        removal(messages.len()).confirm(confirmed)?;
    }
    // All are looked up before anything is decided.
    let mut numbers = Vec::with_capacity(messages.len());
    for message in messages {
        numbers.push(message.number(administration).await?);
    }
    let mut client = administration.system().quarantine()?;
    let mut decided = Vec::with_capacity(numbers.len());
    for message in numbers {
        let answer = decide_one(&mut client, administration.asking(), decision, message).await;
        let recipients = match answer {
            Ok(recipients) => Some(recipients),
            Err(status) if status.code() == Code::NotFound => None,
            Err(status) => {
                let error = Some(Error::call("the queue", &status));
                return Ok(Decisions { decided, error });
            }
        };
        decided.push(Decided {
            message,
            decision,
            done: recipients.is_some(),
            recipients: recipients.unwrap_or(0),
        });
    }
    Ok(Decisions {
        decided,
        error: None,
    })
}

fn removal(messages: usize) -> Removal {
    Removal {
        what: match messages {
            1 => "removes 1 message, which nobody gets then".to_owned(),
            count => format!("removes {count} messages, which nobody gets then"),
        },
        dependents: Vec::new(),
        way_back: "They cannot be brought back.".to_owned(),
    }
}

async fn decide_one(
    client: &mut QuarantineClient<Channel>,
    actor: Option<Actor>,
    decision: Decision,
    message_id: i64,
) -> Result<u32, Status> {
    match decision {
        Decision::Release => {
            let request = ReleaseQuarantinedRequest { actor, message_id };
            let released = client.release_quarantined(request).await?;
            Ok(released.into_inner().recipients)
        }
        Decision::Remove => {
            let request = RemoveQuarantinedRequest { actor, message_id };
            let removed = client.remove_quarantined(request).await?;
            Ok(removed.into_inner().recipients)
        }
    }
}
