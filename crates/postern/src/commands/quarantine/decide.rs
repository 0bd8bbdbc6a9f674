//! `postern quarantine release` and `remove`.

use administration::Administration;
use administration::quarantine::{self, Decided, Decision};
use administration::queue::MessageName;

use crate::failure::{Failure, Outcome};
use crate::screen::Screen;

/// Decides about each message; `No` if one of them is not in quarantine.
pub(super) async fn run(
    decision: Decision,
    messages: &[MessageName],
    confirmed: bool,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let decisions = quarantine::decide(administration, decision, messages, confirmed).await?;
    let decided = decisions.decided;
    if decisions.error.is_none() || !decided.is_empty() {
        screen.show(&decided, || text(&decided));
    }
    match decisions.error {
        Some(error) => Err(Failure::from(error)),
        None => Ok(Outcome::of(decided.iter().all(|one| one.done))),
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
