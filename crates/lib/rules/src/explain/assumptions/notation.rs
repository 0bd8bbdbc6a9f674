//! The notation of assumptions in scripts and on the command line.

use std::net::Ipv4Addr;

use super::{Assumptions, Attachment, Attachments, EarlyTalk, GreylistState, ListEntry, RateState};
use crate::values::address::EmailAddress;
use crate::values::authentication::{AuthenticationResult, DmarcRequest, Finding};
use crate::values::dns::DomainStanding;
use crate::values::domain::Domain;
use crate::values::facts::Early;
use crate::values::size::parse_size;

type SetAssumption = fn(&mut Assumptions, &str) -> Result<(), String>;

/// The assumptions by name.
const ASSUMPTIONS: &[(&str, SetAssumption)] = &[
    ("early", |all, value| set(&mut all.talk, talk(value))),
    ("listed", listed),
    ("free", |all, value| set(&mut all.free, octets(value))),
    ("sender-domain", |all, value| {
        set(&mut all.standing, standing(value))
    }),
    ("connections", |all, value| {
        set(&mut all.connections, share(value))
    }),
    ("messages", |all, value| {
        set(&mut all.messages, share(value))
    }),
    ("recipients", |all, value| {
        set(&mut all.recipients, share(value))
    }),
    ("visitor", |all, value| {
        set(&mut all.visitor, visitor(value))
    }),
    ("iprev", |all, value| {
        set(&mut all.authentication.iprev, finding(value))
    }),
    ("helo", |all, value| {
        set(&mut all.authentication.spf_helo, finding(value))
    }),
    ("spf", |all, value| {
        set(&mut all.authentication.spf, finding(value))
    }),
    ("dkim", |all, value| {
        set(&mut all.authentication.dkim, finding(value))
    }),
    ("dmarc", dmarc),
    ("arc", |all, value| {
        set(&mut all.authentication.arc, finding(value))
    }),
    ("attachment", attachment),
    ("type", media_type),
    ("from", author),
];

impl Assumptions {
    /// Sets one assumption by its name:
    ///
    /// | name | value |
    /// |---|---|
    /// | `early` | `greeting`, `hello` or `no` |
    /// | `listed` | a list, `LIST/ANSWER`, several separated by commas; `none` |
    /// | `free` | a size |
    /// | `sender-domain` | `usable`, `null-mx`, `missing`, `unusable`, `unknown` |
    /// | `connections`, `messages`, `recipients` | `left` or `used-up`: the state of their rates |
    /// | `visitor` | `new` or `known` to greylisting |
    /// | `iprev`, `helo` (SPF of it), `spf`, `dkim`, `arc` | `RESULT` or `RESULT:SUBJECT` |
    /// | `dmarc` | `RESULT`, `RESULT/REQUEST`, `RESULT/REQUEST:SUBJECT` |
    /// | `attachment` | a name, repeated for each attachment; `none`; `unclear` |
    /// | `type` | the media type of the last named attachment, or of one without a name |
    /// | `from` | addresses separated by commas; `none` |
    ///
    /// # Errors
    /// If the name is unknown or the value invalid.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let Some((_, set)) = ASSUMPTIONS.iter().find(|(known, _)| *known == name) else {
            return Err(format!("`{name}` is not known"));
        };
        set(self, value.trim_matches('"'))
    }
}

fn set<T>(place: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *place = Some(value?);
    Ok(())
}

/// A size in octets, or such as `25 MiB`.
pub(crate) fn octets(value: &str) -> Result<u64, String> {
    let value = value.trim_matches('"');
    value
        .parse()
        .or_else(|_| parse_size(value))
        .map_err(|reason| format!("`{value}` is no size: {reason}"))
}

/// The value with this spelling.
fn one_of<T: Copy>(value: &str, known: &[(&str, T)]) -> Result<T, String> {
    let found = known.iter().find(|(word, _)| *word == value);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        format!(
            "`{value}` is not known here; it can be {}",
            words.join(", ")
        )
    })
}

fn talk(value: &str) -> Result<EarlyTalk, String> {
    one_of(
        value,
        &[
            ("greeting", EarlyTalk::Early(Early::Greeting)),
            ("hello", EarlyTalk::Early(Early::Hello)),
            ("no", EarlyTalk::InTurn),
        ],
    )
}

fn standing(value: &str) -> Result<DomainStanding, String> {
    one_of(
        value,
        &DomainStanding::ALL.map(|standing| (standing.as_str(), standing)),
    )
}

fn share(value: &str) -> Result<RateState, String> {
    one_of(
        value,
        &[("left", RateState::Left), ("used-up", RateState::UsedUp)],
    )
}

fn visitor(value: &str) -> Result<GreylistState, String> {
    one_of(
        value,
        &[("new", GreylistState::New), ("known", GreylistState::Known)],
    )
}

fn listed(all: &mut Assumptions, value: &str) -> Result<(), String> {
    let mut lists = all.listed.take().unwrap_or_default();
    for entry in value.split(',').filter(|entry| *entry != "none") {
        let (zone, answer) = entry.split_once('/').unwrap_or((entry, "127.0.0.2"));
        let zone = Domain::parse(zone).map_err(|reason| format!("`{zone}`: {reason}"))?;
        let answer: Ipv4Addr = answer
            .parse()
            .map_err(|_| format!("`{answer}` is no answer of a list, such as 127.0.0.2"))?;
        match lists
            .iter_mut()
            .find(|list: &&mut ListEntry| list.zone == zone)
        {
            Some(list) => list.answers.push(answer),
            None => lists.push(ListEntry {
                zone,
                answers: vec![answer],
            }),
        }
    }
    all.listed = Some(lists);
    Ok(())
}

fn finding(value: &str) -> Result<Finding, String> {
    let (result, subject) = value.split_once(':').unwrap_or((value, ""));
    Ok(Finding {
        result: result_of(result)?,
        subject: subject.to_owned(),
    })
}

fn result_of(value: &str) -> Result<AuthenticationResult, String> {
    one_of(
        value,
        &AuthenticationResult::ALL.map(|result| (result.as_str(), result)),
    )
}

fn dmarc(all: &mut Assumptions, value: &str) -> Result<(), String> {
    let (result, subject) = value.split_once(':').unwrap_or((value, ""));
    let (result, request) = result.split_once('/').unwrap_or((result, "none"));
    let request = one_of(
        request,
        &DmarcRequest::ALL.map(|request| (request.as_str(), request)),
    )?;
    all.authentication.dmarc = Some(Finding {
        result: result_of(result)?,
        subject: subject.to_owned(),
    });
    all.authentication.dmarc_request = request;
    Ok(())
}

fn seen(all: &mut Assumptions) -> Result<&mut Vec<Attachment>, String> {
    let known = all.attachments.get_or_insert(Attachments::Seen(Vec::new()));
    match known {
        Attachments::Seen(attachments) => Ok(attachments),
        Attachments::Unclear => Err("unclear attachments have no name and no type".to_owned()),
    }
}

fn attachment(all: &mut Assumptions, value: &str) -> Result<(), String> {
    match value {
        "" => return Err("an attachment needs a name, or `none` or `unclear`".to_owned()),
        "none" => drop(seen(all)?),
        "unclear" if all.attachments.is_none() => all.attachments = Some(Attachments::Unclear),
        name => seen(all)?.push(Attachment {
            name: name.to_owned(),
            media_type: String::new(),
        }),
    }
    Ok(())
}

fn media_type(all: &mut Assumptions, value: &str) -> Result<(), String> {
    if !value.contains('/') {
        return Err(format!("`{value}` is no media type such as image/png"));
    }
    let attachments = seen(all)?;
    match attachments.last_mut() {
        Some(last) if last.media_type.is_empty() => value.clone_into(&mut last.media_type),
        _ => attachments.push(Attachment {
            name: String::new(),
            media_type: value.to_owned(),
        }),
    }
    Ok(())
}

fn author(all: &mut Assumptions, value: &str) -> Result<(), String> {
    let authors = all.authors.get_or_insert_default();
    if value == "none" {
        return Ok(());
    }
    for author in value.split(',') {
        let author = author.trim().trim_start_matches('<').trim_end_matches('>');
        authors.push(author.parse::<EmailAddress>().ok());
    }
    Ok(())
}
