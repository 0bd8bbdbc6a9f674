//! `postern refusals`: why was this mail refused?

use api::queue::v1::{ListRefusalsRequest, Refusal};
use rules::Network;
use serde::Serialize;

use super::since::since;
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, Times, columns, utc, written};
use crate::system::System;

/// What was refused.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show what was refused to whom and why, the newest first
    #[command(after_help = "\
Failed logins over IMAP and POP3 are among them, with the name that was tried. What one client repeats
within seconds is one line with a count. Refusals are kept for the days
that [queue] refusal-days says, 30 unless given.

Examples:
  postern refusals list --recipient bob@example.test
  postern refusals list --address 203.0.113.0/24 --since '2 h'
  postern refusals list --verdict login-failed
  postern refusals list --sender @x.test --verdict relay-denied --since 2026-11-24 --json")]
    List(Filter),
}

/// Which refusals.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Only those whose sender contains this
    #[arg(long, default_value = "", hide_default_value = true)]
    sender: String,
    /// Only those with a recipient that contains this
    #[arg(long, default_value = "", hide_default_value = true)]
    recipient: String,
    /// Only those of clients at this address or in this network
    #[arg(long, value_name = "NETWORK")]
    address: Option<Network>,
    /// Only those with this verdict, such as relay-denied
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    verdict: String,
    /// Not before that long ago ('2 h'), or a day or time (2026-11-24, 2026-11-24T08:00:00Z)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

pub(crate) async fn run(
    command: Command,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let Command::List(filter) = command;
    let (refusals, more) = list(&filter, system, &screen.times).await?;
    let shown: Vec<Shown<'_>> = refusals.iter().map(Shown::from).collect();
    screen.show(&shown, || table(&refusals, &screen.times));
    if more {
        screen.remark("There are more; ask for them by --limit.");
    }
    Ok(Outcome::Done)
}

async fn list(
    filter: &Filter,
    system: &System,
    times: &Times,
) -> Result<(Vec<Refusal>, bool), Failure> {
    let since_ms = match &filter.since {
        Some(text) => since(text, times).map_err(Failure::Usage)?,
        None => 0,
    };
    let address = filter.address.map(|network| network.to_string());
    let mut client = system.refusals()?;
    let mut refusals = Vec::new();
    let mut after = None;
    while refusals.len() < filter.limit {
        let left = u32::try_from(filter.limit - refusals.len()).unwrap_or(u32::MAX);
        let request = ListRefusalsRequest {
            after,
            limit: left.min(1000),
            sender: filter.sender.clone(),
            recipient: filter.recipient.clone(),
            address: address.clone().unwrap_or_default(),
            verdict: filter.verdict.clone(),
            since_ms,
        };
        let page = client.list_refusals(request).await;
        let page = page.map_err(|status| Failure::call("the queue", &status))?;
        let page = page.into_inner();
        refusals.extend(page.refusals);
        after = page.next;
        if after.is_none() {
            return Ok((refusals, false));
        }
    }
    Ok((refusals, true))
}

fn table(refusals: &[Refusal], times: &Times) -> String {
    if refusals.is_empty() {
        return "Nothing was refused.".to_owned();
    }
    let mut table = columns(&[
        "time",
        "client",
        "sender",
        "recipient",
        "verdict",
        "because",
    ]);
    for refusal in refusals {
        let verdict = match refusal.count {
            0 | 1 => refusal.verdict.clone(),
            count => format!("{} ({count} times)", refusal.verdict),
        };
        table.add_row([
            times.local(refusal.at_ms),
            client(refusal),
            refusal.reverse_path.clone(),
            refusal.recipient.clone(),
            verdict,
            refusal.reasons.join("; "),
        ]);
    }
    written(&table)
}

fn client(refusal: &Refusal) -> String {
    match (refusal.peer_address.as_str(), refusal.login.as_str()) {
        ("", _) => "-".to_owned(),
        (peer, "") => peer.to_owned(),
        (peer, login) => format!("{peer} ({login})"),
    }
}

/// A refusal in JSON.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    at: Option<String>,
    last_at: Option<String>,
    count: u64,
    peer: &'a str,
    helo: &'a str,
    login: &'a str,
    listener: &'a str,
    sender: &'a str,
    recipient: &'a str,
    verdict: &'a str,
    reasons: &'a [String],
    policy_revision: u64,
    session: &'a str,
}

impl<'a> From<&'a Refusal> for Shown<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        Self {
            at: utc(refusal.at_ms),
            last_at: utc(refusal.last_at_ms),
            count: refusal.count,
            peer: &refusal.peer_address,
            helo: &refusal.helo,
            login: &refusal.login,
            listener: &refusal.listener,
            sender: &refusal.reverse_path,
            recipient: &refusal.recipient,
            verdict: &refusal.verdict,
            reasons: &refusal.reasons,
            policy_revision: refusal.policy_revision,
            session: &refusal.session,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use jiff::tz::TimeZone;

    use super::*;

    fn times() -> Times {
        Times {
            now: "2026-11-24T20:00:00Z".parse().unwrap(),
            zone: TimeZone::UTC,
        }
    }

    #[test]
    fn refusals_are_shown_with_client_count_and_reasons() {
        let refusal = Refusal {
            at_ms: times().now.as_millisecond(),
            last_at_ms: times().now.as_millisecond() + 900,
            count: 3,
            peer_address: "203.0.113.9".to_owned(),
            login: "mallory@x.test".to_owned(),
            reverse_path: "a@x.test".to_owned(),
            recipient: "b@y.test".to_owned(),
            verdict: "relay-denied".to_owned(),
            reasons: vec!["one".to_owned(), "two".to_owned()],
            ..Refusal::default()
        };
        assert_eq!(
            table(std::slice::from_ref(&refusal), &times()),
            "TIME                 CLIENT                        SENDER    RECIPIENT  VERDICT                 BECAUSE\n\
             2026-11-24 20:00:00  203.0.113.9 (mallory@x.test)  a@x.test  b@y.test   relay-denied (3 times)  one; two"
        );
        let json = serde_json::to_value(Shown::from(&refusal)).unwrap();
        assert_eq!(json["last_at"], "2026-11-24T20:00:00.9Z");
        assert_eq!(json["reasons"][1], "two");
        assert_eq!(table(&[], &times()), "Nothing was refused.");
    }
}
