//! What an admission asks, in order, and how it ends: `admission.txt`.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

use rules::admission::{Admission, Answer, Next, connect, content, mail, rcpt, talk};
use rules::{
    AuthenticationFacts, AuthenticationResult, DomainStanding, Early, Finding, ListenerRole,
    Listing, Policy, ReversePath, SessionFacts, Timing, Unwanted, Verdict, format_duration,
    parse_size,
};

const DOMAINS: &str = r#"
[[domain]]
name = "example.test"
deliver = "mailboxes"
unmatched = { catch-all = "eve" }

[[domain]]
name = "partner.test"
deliver = "direct"
from = "trusted"
"#;

/// Rules that many rows have.
const NAMED: [(&str, &str); 4] = [
    (
        "ALL",
        "RATE(messages); dns-lists = [{ zone = 'bl.test' }]; sender-domain-must-exist = true; \
         refuse-spoofed-senders = true",
    ),
    (
        "OFTEN",
        "greylisting = { delay = '5 min' }; RATE(recipients)",
    ),
    (
        "VOUCHED",
        "block-attachments = ['*.exe']; spf = { fail = 'refuse' }",
    ),
    (
        "NOTHING",
        "spf = 'off'; dkim = 'off'; dmarc = 'off'; arc = 'off'; iprev = 'off'",
    ),
];

/// Words of the form `name=value`.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.split_whitespace().find_map(|word| {
            let (known, value) = word.split_once('=')?;
            (known == name).then_some(value)
        })
    }
}

struct Row<'a> {
    rules: &'a str,
    session: Words<'a>,
    answers: Words<'a>,
    asked: Vec<String>,
}

impl Row<'_> {
    fn policy(&self) -> Policy {
        let class = match self.session.get("login") {
            Some(_) => "trusted",
            None => "untrusted",
        };
        let mut rules = self.rules.to_owned();
        for (name, meaning) in NAMED {
            rules = rules.replace(name, meaning);
        }
        for count in ["connections", "messages", "recipients"] {
            let rate = format!(
                "rates = [{{ count = '{count}', per = 'address', limit = 1, every = '1 h' }}]"
            );
            rules = rules.replace(&format!("RATE({count})"), &rate);
        }
        let document = format!(
            "[receiving.{class}]\n{}\n{DOMAINS}",
            rules.replace(';', "\n")
        );
        Policy::parse(&document).unwrap_or_else(|errors| panic!("{errors}\n{document}"))
    }

    fn facts(&self) -> SessionFacts {
        let (peer, local) = ("203.0.113.9", "198.51.100.1");
        let mut facts = SessionFacts::new("mx", peer.parse().unwrap(), local.parse().unwrap());
        facts.login = self.session.get("login").map(ToOwned::to_owned);
        if let Some(role) = self.session.get("role") {
            facts.role = role.parse::<ListenerRole>().unwrap();
        }
        facts
    }

    /// Notes a question, and gives the answer that stands for it.
    fn answer(&mut self, question: impl Into<String>, name: &str) -> &str {
        let question = question.into();
        let asked = self.asked.iter().filter(|asked| asked.starts_with("user"));
        let nth = if name == "user" { asked.count() } else { 0 };
        let answer = self.answers.get(name);
        let answer = answer.and_then(|answer| answer.split(',').nth(nth));
        let answer = answer.unwrap_or_else(|| panic!("no answer to: {question}"));
        self.asked.push(question);
        answer
    }

    fn used_up(&mut self, shares: &connect::Shares<'_>) -> Answer<Option<rules::Rate>> {
        let used_up = self.answer("rates", "rates") == "used-up";
        Answer::Is(used_up.then(|| *shares[0].0))
    }

    fn connect(&mut self) -> Verdict {
        let (policy, facts) = (self.policy(), self.facts());
        let trust = policy.trust(&facts);
        let mut admission = Admission::connect(&policy, &facts, &trust);
        loop {
            match admission.proceed() {
                Next::Ask(connect::Question::Rates(shares)) => {
                    admission.used_up(self.used_up(&shares));
                }
                Next::End(verdict) => return verdict,
            }
        }
    }

    fn talk(&mut self, before: Early) -> Verdict {
        let (policy, facts) = (self.policy(), self.facts());
        let trust = policy.trust(&facts);
        let mut admission = Admission::talk(&policy, &trust, before);
        loop {
            match admission.proceed() {
                Next::Ask(talk::Question::Speaks { held_back }) => {
                    let question = format!("speaks {}", format_duration(held_back));
                    admission.spoke(Answer::Is(self.answer(question, "speaks") == "yes"));
                }
                Next::End(verdict) => return verdict,
            }
        }
    }

    fn mail(&mut self) -> Verdict {
        let (policy, facts) = (self.policy(), self.facts());
        let sender = ReversePath::parse(self.session.get("from").unwrap()).unwrap();
        let trust = policy.trust_of_sender(&facts, &sender);
        let hold = self.session.get("hold").map(|hold| hold.parse::<i64>());
        let parameters = mail::Parameters {
            size: self.session.get("size").map(|s| parse_size(s).unwrap()),
            timing: Timing {
                hold: hold.map(|hold| hold.unwrap() * 1000),
                ..Timing::default()
            },
            read_by_session: false,
        };
        let mut admission = Admission::mail(&policy, &facts, &trust, &sender, parameters);
        loop {
            match admission.proceed() {
                Next::Ask(mail::Question::FreeSpace) => {
                    admission.free_space(parse_size(self.answer("free-space", "free")).ok());
                }
                Next::Ask(mail::Question::Rates(shares)) => {
                    admission.used_up(self.used_up(&shares));
                }
                Next::Ask(mail::Question::Dns { lists, domain }) => {
                    let zones: Vec<&str> = lists.iter().map(|list| list.zone.as_str()).collect();
                    let zones = if zones.is_empty() { vec!["-"] } else { zones };
                    let asked = domain.map_or("-", |domain| domain.as_str());
                    self.asked.push(format!("dns {} {asked}", zones.join(" ")));
                    let listed = self.answers.get("listed") == Some("yes");
                    let answers = listed.then(|| "127.0.0.2".parse().unwrap());
                    let listing = |list| Listing {
                        list,
                        answers: answers.into_iter().collect(),
                    };
                    let standing = domain.map(|_| match self.answers.get("domain").unwrap() {
                        "usable" => DomainStanding::Usable,
                        "missing" => DomainStanding::Missing,
                        "unknown" => DomainStanding::Unknown,
                        other => panic!("{other}"),
                    });
                    admission.dns(Some(lists.iter().map(listing).collect()), standing);
                }
                Next::End(verdict) => return verdict,
            }
        }
    }

    fn rcpt(&mut self) -> Verdict {
        let (policy, facts) = (self.policy(), self.facts());
        let sender = ReversePath::Null;
        let trust = policy.trust_of_sender(&facts, &sender);
        let taken = self.session.get("taken").map_or(0, |n| n.parse().unwrap());
        let path = self.session.get("to").unwrap();
        let mut admission = Admission::rcpt(&policy, &facts, &trust, &sender, taken, path);
        loop {
            match admission.proceed() {
                Next::Ask(rcpt::Question::User(user)) => {
                    admission.user(self.answer(format!("user {user}"), "user") == "yes");
                }
                Next::Ask(rcpt::Question::Greylisting(terms, _)) => {
                    let waits = self.answer("greylisting", "wait") == "yes";
                    admission.wait(Answer::Is(waits.then_some(terms.delay)));
                }
                Next::Ask(rcpt::Question::Rates(shares)) => {
                    admission.used_up(self.used_up(&shares));
                }
                Next::End(verdict) => return verdict,
            }
        }
    }

    fn message(&mut self) -> (Verdict, bool) {
        let (policy, facts) = (self.policy(), self.facts());
        let trust = policy.trust(&facts);
        let mut admission = Admission::content(&policy, &facts, &trust);
        loop {
            match admission.proceed() {
                Next::Ask(content::Question::Attachments) => {
                    let found = match self.answer("attachments", "attachments") {
                        "blocked" => Some(Unwanted::Blocked("a.exe".to_owned())),
                        "unclear" => Some(Unwanted::Unclear("too deep".to_owned())),
                        _ => None,
                    };
                    admission.attachments(Answer::Is(found));
                }
                Next::Ask(content::Question::Authentication) => {
                    let pass = self.answer("authentication", "authentication") == "pass";
                    admission.authentication(AuthenticationFacts {
                        spf: Some(Finding {
                            result: match pass {
                                true => AuthenticationResult::Pass,
                                false => AuthenticationResult::Fail,
                            },
                            subject: "x.test".to_owned(),
                        }),
                        ..AuthenticationFacts::default()
                    });
                }
                Next::Ask(content::Question::Authors) => {
                    let author = match self.answer("authors", "authors") {
                        "own" => "bob@example.test",
                        _ => "eve@example.test",
                    };
                    admission.authors(Answer::Is(vec![Some(author.parse().unwrap())]));
                }
                Next::End(verdict) => return (verdict, !admission.taken().quarantine.is_empty()),
            }
        }
    }
}

#[test]
fn each_stage_asks_for_what_its_checks_need_in_their_order() {
    let table = include_str!("admission.txt");
    let rows = table.lines().enumerate();
    let rows = rows.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut wrong = Vec::new();
    let mut count = 0;
    for (index, line) in rows {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [stage, rules, session, answers, asked, end] = columns[..] else {
            panic!("{line}");
        };
        let mut row = Row {
            rules,
            session: Words(session),
            answers: Words(answers),
            asked: Vec::new(),
        };
        let (verdict, kept) = match stage {
            "connect" => (row.connect(), false),
            "greeting" => (row.talk(Early::Greeting), false),
            "hello" => (row.talk(Early::Hello), false),
            "mail" => (row.mail(), false),
            "rcpt" => (row.rcpt(), false),
            "message" => row.message(),
            other => panic!("{other}"),
        };
        let kept = kept && verdict.is_accepted();
        let ended = format!("{}{}", verdict.name, if kept { ", quarantine" } else { "" });
        if (row.asked.join(", "), ended.as_str()) != (asked.to_owned(), end) {
            let asked = row.asked.join(", ");
            wrong.push(format!("{}: {line}\n    {asked} | {ended}", index + 1));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(count > 50, "{count} rows");
}
