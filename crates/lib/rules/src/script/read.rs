//! Text into statements.

use super::client::{Listener, client, listener};
use super::words::{unknown, words};
use super::{Expected, Line, Script, ScriptError, Statement};
use crate::explain::assumptions::Assumptions;
use crate::explain::assumptions::notation::octets;
use crate::values::address::EmailAddress;
use crate::values::duration::parse_duration;
use crate::values::timing::Timing;

/// The statements that may have an expectation.
const HAVE_VERDICTS: [&str; 5] = ["client", "trust", "mail", "rcpt", "message"];

/// The assumptions of `mail`, `rcpt` and `message`, with their names among the assumptions.
const OF_MAIL: &[(&str, &str)] = &[
    ("free", "free"),
    ("rate", "messages"),
    ("sender-domain", "sender-domain"),
];
const OF_RCPT: &[(&str, &str)] = &[("rate", "recipients"), ("visitor", "visitor")];
const OF_MESSAGE: &[(&str, &str)] = &[
    ("iprev", "iprev"),
    ("helo", "helo"),
    ("spf", "spf"),
    ("dkim", "dkim"),
    ("dmarc", "dmarc"),
    ("arc", "arc"),
    ("attachment", "attachment"),
    ("type", "type"),
    ("from", "from"),
];

/// The progress of a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Nothing,
    Session,
    Transaction,
}

/// Parses a script, or returns all its errors.
pub(super) fn read(text: &str) -> Result<Script, Vec<ScriptError>> {
    let mut reader = Reader {
        lines: Vec::new(),
        users: None,
        listener: Listener::default(),
        phase: Phase::Nothing,
    };
    let mut errors = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if let Err(reason) = reader.line(number, line) {
            errors.push(ScriptError {
                line: number,
                reason,
            });
        }
    }
    if errors.is_empty() {
        return Ok(Script {
            lines: reader.lines,
            users: reader.users,
        });
    }
    Err(errors)
}

struct Reader {
    lines: Vec<Line>,
    users: Option<Vec<EmailAddress>>,
    listener: Listener,
    phase: Phase,
}

impl Reader {
    fn line(&mut self, number: usize, text: &str) -> Result<(), String> {
        let words = words(text)?;
        let (said, expected) = match words.iter().position(|word| *word == "->") {
            Some(at) => {
                let (said, expected) = words.split_at(at);
                let ends = said.first() == Some(&"message");
                (
                    said,
                    Some(read_expected(expected.get(1..).unwrap_or(&[]), ends)?),
                )
            }
            None => (words.as_slice(), None),
        };
        let Some((name, arguments)) = said.split_first() else {
            return match expected {
                Some(_) => Err("nothing stands before `->`".to_owned()),
                None => Ok(()),
            };
        };
        if expected.is_some() && !HAVE_VERDICTS.contains(name) {
            return Err(format!(
                "`{name}` has no verdict: `->` stands behind client, trust, mail, rcpt or message"
            ));
        }
        let Some(statement) = self.statement(name, arguments)? else {
            return Ok(());
        };
        if matches!(statement, Statement::Trust) && expected.is_none() {
            return Err("`trust` says nothing without `->`".to_owned());
        }
        self.lines.push(Line {
            number,
            text: said.join(" "),
            statement,
            expected,
        });
        Ok(())
    }

    fn statement(&mut self, name: &str, words: &[&str]) -> Result<Option<Statement>, String> {
        let statement = match name {
            "users" => {
                self.users(words)?;
                return Ok(None);
            }
            "listener" => {
                self.phase = Phase::Nothing;
                self.listener = listener(words)?;
                return Ok(None);
            }
            "client" => {
                self.phase = Phase::Session;
                let (facts, assumptions) = client(&self.listener, words)?;
                Statement::Client {
                    facts: Box::new(facts),
                    assumptions: Box::new(assumptions),
                    role_is_told: self.listener.role.is_some(),
                }
            }
            "helo" => self.of_session(name, || Ok(Statement::Helo(one(words)?.to_owned())))?,
            "auth" => self.of_session(name, || Ok(Statement::Login(one(words)?.to_owned())))?,
            "tls" => self.of_session(name, || tls(words))?,
            "trust" => self.of_session(name, || none(words).map(|()| Statement::Trust))?,
            "mail" => {
                let mail = self.of_session(name, || mail(words))?;
                self.phase = Phase::Transaction;
                mail
            }
            "rcpt" => {
                if self.phase < Phase::Transaction {
                    return Err("`rcpt` before `mail`".to_owned());
                }
                rcpt(words)?
            }
            "message" => {
                if self.phase < Phase::Transaction {
                    return Err("`message` before `mail`".to_owned());
                }
                self.phase = Phase::Session;
                Statement::Message(Box::new(assumptions(words, OF_MESSAGE, "")?))
            }
            other => {
                return Err(format!(
                    "`{other}` is no statement; there are users, listener, client, helo, tls, \
                     auth, trust, mail, rcpt and message"
                ));
            }
        };
        Ok(Some(statement))
    }

    fn of_session(
        &self,
        name: &str,
        statement: impl FnOnce() -> Result<Statement, String>,
    ) -> Result<Statement, String> {
        if self.phase == Phase::Nothing {
            return Err(format!("`{name}` before `client`"));
        }
        statement()
    }

    fn users(&mut self, words: &[&str]) -> Result<(), String> {
        let users = self.users.get_or_insert_default();
        for word in words {
            let word = word.trim_end_matches(',');
            let user = EmailAddress::parse_written(word)
                .map_err(|reason| format!("`{word}` is no user's address: {reason}"))?;
            users.push(user.folded());
        }
        Ok(())
    }
}

fn tls(words: &[&str]) -> Result<Statement, String> {
    match words {
        [] | ["on"] => Ok(Statement::Tls(true)),
        ["off"] => Ok(Statement::Tls(false)),
        _ => Err("`tls` is on or off".to_owned()),
    }
}

fn mail(words: &[&str]) -> Result<Statement, String> {
    let Some((sender, options)) = words.split_first() else {
        return Err("`mail` needs a reverse-path, such as <a@x.test> or <>".to_owned());
    };
    let (mut size, mut timing, mut taken) = (None, Timing::default(), 0);
    let mut others = Vec::new();
    for word in options {
        match word.split_once('=') {
            Some(("size", value)) => size = Some(octets(value)?),
            Some(("hold", value)) => timing.hold = Some(length(value)?),
            Some(("deliver-by", value)) => {
                timing.deliver_by = Some(length(value)?);
                timing.or_return = true;
            }
            Some(("priority", value)) => timing.priority = Some(priority(value)?),
            Some(("recipients", value)) => {
                taken = value
                    .parse()
                    .map_err(|_| format!("`{value}` is no number of recipients"))?;
            }
            _ => others.push(*word),
        }
    }
    Ok(Statement::Mail {
        sender: (*sender).to_owned(),
        size,
        timing,
        taken,
        assumptions: Box::new(assumptions(
            &others,
            OF_MAIL,
            "size=, hold=, deliver-by=, priority=, recipients=, ",
        )?),
    })
}

fn rcpt(words: &[&str]) -> Result<Statement, String> {
    let Some((path, options)) = words.split_first() else {
        return Err("`rcpt` needs a forward-path, such as <b@y.test>".to_owned());
    };
    let assumptions = assumptions(options, OF_RCPT, "")?;
    Ok(Statement::Rcpt((*path).to_owned(), Box::new(assumptions)))
}

/// The assumptions of a statement; `besides` lists its other options.
fn assumptions(
    words: &[&str],
    known: &[(&str, &str)],
    besides: &str,
) -> Result<Assumptions, String> {
    let mut told = Assumptions::default();
    for word in words {
        let named = word.split_once('=').and_then(|(name, value)| {
            let (_, name) = known.iter().find(|(known, _)| *known == name)?;
            Some((name, value))
        });
        let Some((name, value)) = named else {
            let known: Vec<String> = known.iter().map(|(name, _)| format!("{name}=")).collect();
            return Err(unknown(word, &format!("{besides}{}", known.join(", "))));
        };
        told.set(name, value)?;
    }
    Ok(told)
}

fn priority(value: &str) -> Result<i8, String> {
    let priority = value.parse().ok().filter(|of| (-9..=9).contains(of));
    priority.ok_or_else(|| format!("`{value}` is no priority from -9 to 9"))
}

/// In milliseconds.
fn length(value: &str) -> Result<i64, String> {
    let value = value.trim_matches('"');
    let length = parse_duration(value).map_err(|reason| format!("`{value}` is {reason}"))?;
    Ok(i64::try_from(length.as_millis()).unwrap_or(i64::MAX))
}

/// The expectation; `ends` is true for a message.
fn read_expected(words: &[&str], ends: bool) -> Result<Expected, String> {
    let Some((verdict, words)) = words.split_first() else {
        return Err("`->` needs the name of a verdict".to_owned());
    };
    if !verdict.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
        return Err(format!("`{verdict}` is no name of a verdict"));
    }
    let mut expected = Expected {
        verdict: (*verdict).to_owned(),
        code: None,
        route: None,
        becomes: Vec::new(),
    };
    for word in words {
        let bracketed = word
            .strip_prefix('(')
            .and_then(|word| word.strip_suffix(')'));
        match bracketed {
            Some(becomes) if ends => expected.becomes.extend(read_becomes(becomes)?),
            Some(route) => expected.route = Some(route.trim().to_owned()),
            None => {
                let code = word.parse().ok().filter(|code| (200..600).contains(code));
                expected.code = Some(code.ok_or_else(|| {
                    unknown(
                        word,
                        "behind the verdict a reply code and a route in parentheses",
                    )
                })?);
            }
        }
    }
    Ok(expected)
}

/// `marked spf-fail, stripped`
fn read_becomes(text: &str) -> Result<Vec<String>, String> {
    let words = text.split(',').map(|word| {
        let word = word.split_whitespace().collect::<Vec<_>>().join(" ");
        match word.as_str() {
            "unmarked" | "whole" | "stripped" => Ok(word),
            marked if marked.starts_with("marked ") => Ok(word),
            _ => Err(unknown(&word, "marked NAME, unmarked, whole and stripped")),
        }
    });
    words.collect()
}

fn one<'a>(words: &[&'a str]) -> Result<&'a str, String> {
    match words {
        [word] => Ok(word),
        [] => Err("something is missing behind the statement".to_owned()),
        [_, more, ..] => Err(format!("`{more}` is too much")),
    }
}

fn none(words: &[&str]) -> Result<(), String> {
    match words.first() {
        None => Ok(()),
        Some(word) => Err(format!("`{word}` is too much")),
    }
}
