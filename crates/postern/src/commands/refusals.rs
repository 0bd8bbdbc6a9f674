//! `postern refusals`: refusals with their reasons.

use administration::refusals::{self, Refusal};
use administration::{Administration, Times};
use api::refusals::VERDICTS;
use clap::builder::PossibleValuesParser;
use rules::Network;

use super::limit::limit;
use super::since::since;
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, columns, cut, written};

/// Subcommands for refusals.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List refusals with clients and reasons, the newest first
    #[command(after_help = "\
The list includes failed logins over IMAP and POP3, with the attempted name. Repetitions by one client
within seconds are one line with a count. Refusals are kept for [queue] refusal-days
(default 30).

Examples:
  postern refusals list --recipient bob@example.test
  postern refusals list --address 203.0.113.0/24 --since '2 h'
  postern refusals list --verdict login-failed
  postern refusals list --sender @x.test --verdict relay-denied --since 2026-11-24 --json")]
    List(Filter),
}

/// The filter.
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
        value_parser = PossibleValuesParser::new(VERDICTS),
        hide_possible_values = true
    )]
    verdict: Option<String>,
    /// Earliest time: a duration before now ('2 h'), or a day or time (2026-11-24, 2026-11-24T08:00:00Z)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Maximum number of entries
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = limit)]
    limit: usize,
}

pub(crate) async fn run(
    command: Command,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let Command::List(filter) = command;
    let since = filter.since.map(|text| since(&text, &screen.times));
    let filter = refusals::Filter {
        sender: filter.sender,
        recipient: filter.recipient,
        address: filter.address,
        verdict: filter.verdict.unwrap_or_default(),
        since: since.transpose().map_err(Failure::Usage)?,
        limit: filter.limit,
    };
    let found = refusals::list(administration, &filter).await?;
    screen.show_list(&found, |refusals| table(refusals, &screen.times));
    Ok(Outcome::Done)
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
            times.local(refusal.at),
            client(refusal),
            cut(&refusal.sender).into_owned(),
            cut(&refusal.recipient).into_owned(),
            verdict,
            refusal.reasons.join("; "),
        ]);
    }
    written(&table)
}

fn client(refusal: &Refusal) -> String {
    match (refusal.peer.as_str(), refusal.login.as_str()) {
        ("", _) => "-".to_owned(),
        (peer, "") => peer.to_owned(),
        (peer, login) => format!("{peer} ({})", cut(login)),
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
        let refusal = Refusal::from(api::queue::v1::Refusal {
            at_ms: times().now.as_millisecond(),
            last_at_ms: times().now.as_millisecond() + 900,
            count: 3,
            peer_address: "203.0.113.9".to_owned(),
            login: "mallory@x.test".to_owned(),
            reverse_path: "a@x.test".to_owned(),
            recipient: "b@y.test".to_owned(),
            verdict: "relay-denied".to_owned(),
            reasons: vec!["one".to_owned(), "two".to_owned()],
            ..api::queue::v1::Refusal::default()
        });
        assert_eq!(
            table(std::slice::from_ref(&refusal), &times()),
            "TIME                 CLIENT                        SENDER    RECIPIENT  VERDICT                 BECAUSE\n\
             2026-11-24 20:00:00  203.0.113.9 (mallory@x.test)  a@x.test  b@y.test   relay-denied (3 times)  one; two"
        );
        let json = serde_json::to_value(&refusal).unwrap();
        assert_eq!(json["last_at"], "2026-11-24T20:00:00.9Z");
        assert_eq!(json["reasons"][1], "two");
        assert_eq!(table(&[], &times()), "Nothing was refused.");
        let long = Refusal {
            login: "x".repeat(500),
            ..refusal
        };
        let shown = table(std::slice::from_ref(&long), &times());
        let widest = shown.lines().map(|line| line.chars().count()).max();
        assert!(widest < Some(200), "{shown}");
        assert!(shown.contains("x…)"), "{shown}");
        assert!(serde_json::to_string(&long).unwrap().contains(&long.login));
    }
}
