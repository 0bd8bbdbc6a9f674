//! Policy scripts: plays them and compares the results with their expectations.

use std::collections::HashSet;

use rules::{Checked, EmailAddress, Script};
use serde::Serialize;

use super::{Document, QueriedPolicy};
use crate::{Administration, Error, System, consequences};

/// The results of all scripts.
#[derive(Debug, Serialize)]
pub struct Tested {
    /// The policy used.
    pub policy: String,
    /// Every expectation is met.
    pub passed: bool,
    /// In the given order.
    pub scripts: Vec<Played>,
}

/// The result of one script.
#[derive(Debug, Serialize)]
pub struct Played {
    /// The name of the script.
    pub file: String,
    /// The number of its expectations.
    pub expectations: usize,
    /// The expectations that are not met.
    pub failed: Vec<Checked>,
}

/// Parsed scripts.
#[derive(Debug)]
pub struct Scripts(Vec<(String, Script)>);

impl Scripts {
    /// Parses all scripts.
    ///
    /// # Errors
    /// All errors of the scripts, by line.
    pub fn parse(documents: &[Document]) -> Result<Self, Error> {
        let mut scripts = Vec::with_capacity(documents.len());
        let mut wrong = Vec::new();
        for Document { name, text } in documents {
            match Script::parse(text) {
                Ok(script) => scripts.push((name.clone(), script)),
                Err(errors) => wrong.extend(
                    errors
                        .iter()
                        .map(|error| format!("{name}:{}: {}", error.line, error.reason)),
                ),
            }
        }
        if wrong.is_empty() {
            return Ok(Self(scripts));
        }
        let wrong = wrong.join("\n");
        Err(Error::Invalid(format!("nothing was played\n{wrong}")))
    }
}

/// Plays scripts against a policy.
///
/// # Errors
/// If a script has no expectation, or the users cannot be looked up.
pub async fn test(
    administration: &Administration,
    queried: QueriedPolicy,
    scripts: Scripts,
) -> Result<Tested, Error> {
    let system = administration.system();
    let mut played = Vec::with_capacity(scripts.0.len());
    for (file, script) in scripts.0 {
        let script = script.knowing(&|listener| system.role_of(listener));
        let users = users(&script, &queried, system).await?;
        let checked = script.play(&queried.policy, &|user| users.contains(user));
        played.push(Played::of(file, checked)?);
    }
    Ok(Tested {
        policy: queried.name,
        passed: played.iter().all(|played| played.failed.is_empty()),
        scripts: played,
    })
}

/// The users with a mailbox: those listed in the script, otherwise those of the system.
async fn users(
    script: &Script,
    queried: &QueriedPolicy,
    system: &System,
) -> Result<HashSet<EmailAddress>, Error> {
    match script.users() {
        Some(users) => Ok(users.iter().cloned().collect()),
        None if queried.is_document => Ok(HashSet::new()),
        None => {
            let asked = script.users_asked(&queried.policy);
            consequences::with_mailbox(system, &asked).await
        }
    }
}

impl Played {
    fn of(file: String, checked: Vec<Checked>) -> Result<Self, Error> {
        if checked.is_empty() {
            return Err(Error::Invalid(format!(
                "{file} expects nothing: no line of it has `->`"
            )));
        }
        Ok(Self {
            file,
            expectations: checked.len(),
            failed: checked.into_iter().filter(|checked| !checked.met).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use rules::Policy;

    use super::*;

    fn played(script: &str) -> Result<Played, Error> {
        let policy = "[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n";
        let script = Script::parse(script).unwrap();
        let checked = script.play(&Policy::parse(policy).unwrap(), &|_| true);
        Played::of("s.txt".to_owned(), checked)
    }

    #[test]
    fn what_is_not_met_is_listed_with_its_line_and_what_was_found() {
        let played = played(
            "client 203.0.113.9\nmail <a@x.test> -> accepted\nrcpt <b@y.test> -> accepted\n\
             rcpt <bob@example.test> -> accepted (mailbox bob@example.test)\n",
        )
        .unwrap();
        let json = serde_json::to_value(&played).unwrap();
        assert_eq!(json["expectations"], 3);
        assert_eq!(json["failed"][0]["line"], 3);
        assert_eq!(json["failed"][0]["found"]["verdict"], "relay-denied");
    }

    #[test]
    fn a_script_that_expects_nothing_is_a_mistake() {
        let error = played("client 203.0.113.9\nmail <>\n").unwrap_err();
        assert!(matches!(error, Error::Invalid(_)));
        assert!(error.to_string().contains("expects nothing"));
    }

    #[test]
    fn all_that_is_wrong_is_told_with_the_names_of_the_scripts() {
        let script = |name: &str, text: &str| Document {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let scripts = [script("a.txt", "nonsense\n"), script("b.txt", "more\n")];
        let error = Scripts::parse(&scripts).unwrap_err().to_string();
        assert!(
            error.starts_with("nothing was played\na.txt:1: "),
            "{error}"
        );
        assert!(error.contains("\nb.txt:1: "), "{error}");
    }
}
