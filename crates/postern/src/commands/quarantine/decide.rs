//! `postern quarantine release` and `remove`.

use api::grpc::{Channel, Code, Status};
use api::queue::v1::quarantine_client::QuarantineClient;
use api::queue::v1::{ReleaseQuarantinedRequest, RemoveQuarantinedRequest};

use super::Serialize;
use crate::commands::message_name::MessageName;
use crate::commands::revision::author;
use crate::failure::{Failure, Outcome};
use crate::screen::Screen;
use crate::system::System;

/// What an administrator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Decision {
    Release,
    Remove,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Decided {
    message: i64,
    decision: Decision,
    /// Whether it was in quarantine; else somebody else has decided, or its time has ended.
    done: bool,
    recipients: u32,
}

/// Decides about each message; no when one of them is not in quarantine.
pub(super) async fn run(
    decision: Decision,
    messages: &[MessageName],
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    // All are found before anything is decided.
    let mut numbers = Vec::with_capacity(messages.len());
    for message in messages {
        numbers.push(message.number(system).await?);
    }
    let mut client = system.quarantine()?;
    let mut decided = Vec::with_capacity(numbers.len());
    let mut failure = None;
    for message in numbers {
        let answer = decide(&mut client, decision, message).await;
        let recipients = match answer {
            Ok(recipients) => Some(recipients),
            Err(status) if status.code() == Code::NotFound => None,
            Err(status) => {
                failure = Some(Failure::call("the queue", &status));
                break;
            }
        };
        decided.push(Decided {
            message,
            decision,
            done: recipients.is_some(),
            recipients: recipients.unwrap_or(0),
        });
    }
    if failure.is_none() || !decided.is_empty() {
        screen.show(&decided, || text(&decided));
    }
    match failure {
        Some(failure) => Err(failure),
        None => Ok(Outcome::of(decided.iter().all(|one| one.done))),
    }
}

async fn decide(
    client: &mut QuarantineClient<Channel>,
    decision: Decision,
    message_id: i64,
) -> Result<u32, Status> {
    let author = author();
    match decision {
        Decision::Release => {
            let request = ReleaseQuarantinedRequest { message_id, author };
            let released = client.release_quarantined(request).await?;
            Ok(released.into_inner().recipients)
        }
        Decision::Remove => {
            let request = RemoveQuarantinedRequest { message_id, author };
            let removed = client.remove_quarantined(request).await?;
            Ok(removed.into_inner().recipients)
        }
    }
}

fn text(decided: &[Decided]) -> String {
    let lines = decided.iter().map(|one| {
        let message = one.message;
        match (one.done, one.decision) {
            (false, _) => format!(
                "Message {message} is not in quarantine; postern queue show {message} tells what \
                 became of it, if it is known."
            ),
            (true, Decision::Release) => {
                format!("Message {message} goes on to {}.", people(one.recipients))
            }
            (true, Decision::Remove) => {
                format!("Message {message} to {} is gone.", people(one.recipients))
            }
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn people(recipients: u32) -> String {
    match recipients {
        1 => "1 recipient".to_owned(),
        many => format!("{many} recipients"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_its_sentence() {
        let decided = |message, decision, done, recipients| Decided {
            message,
            decision,
            done,
            recipients,
        };
        let all = [
            decided(1, Decision::Release, true, 1),
            decided(2, Decision::Remove, true, 3),
            decided(4, Decision::Release, false, 0),
        ];
        assert_eq!(
            text(&all),
            "Message 1 goes on to 1 recipient.\n\
             Message 2 to 3 recipients is gone.\n\
             Message 4 is not in quarantine; postern queue show 4 tells what became of it, if it is \
             known."
        );
    }
}
