//! `postern policy test`: plays scripts of sessions, and compares what comes of them with what is
//! expected.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rules::{Checked, EmailAddress, Script, ScriptError};
use serde::Serialize;

use crate::commands::asked::{self, Asked};
use crate::failure::{Failure, Outcome};
use crate::screen::Screen;
use crate::system::System;

const AFTER_HELP: &str = "\
A script has one statement a line:

  users bob@example.test                who has a mailbox; the system is asked when no line says
  listener mx auto local=198.51.100.1 gateway=10.0.0.254
  listener office role=submission       mx (for other servers) unless said, or unless the configuration
                                        has a listener of that name
  client 203.0.113.9                    a session begins; behind the address can stand local=ADDRESS,
                                        interface=internal, external or dmz (dmz,set when postern.toml
                                        sets it), proxy=ADDRESS, reverse-name=NAME, none or failed,
                                        early (or early=hello), listed=LIST, rate=used-up
  helo mail.x.test
  tls
  auth bob@example.test
  trust -> authenticated                or trusted, untrusted
  mail <bob@example.test> size=\"25 MiB\" -> accepted
                                        also free=\"500 MiB\", sender-domain=missing, rate=used-up
                                        also hold=\"2 days\", deliver-by=\"1 h\" or returned, priority=4
  rcpt <bob@example.test> -> accepted 250 (mailbox bob@example.test)
                                        also visitor=new (to greylisting), rate=used-up
  rcpt <b@elsewhere.test> -> relay-denied
  message spf=fail dmarc=fail/quarantine -> quarantine
                                        its end, by what vouches for its sender: iprev=, helo=,
                                        spf=, dkim=, dmarc=RESULT/REQUEST, arc=RESULT:SEALER; and
                                        attachment=NAME, type=TYPE, from=ADDRESS; refused, or
                                        accepted, junk or quarantine
  message attachment=\"x.exe\" -> accepted (unmarked, stripped)

Behind -> stands a verdict as `postern explain` names it, then the reply code and the route where
they matter. # begins a comment.

Exit code 0 when every expectation is met, 1 when one is not, 2 when a script or the policy is not
valid, 3 when the system cannot be asked. With --policy no system needs to run.

Examples:
  postern policy test sessions.txt
  postern policy test --policy policy.toml tests/*.txt && postern policy apply policy.toml
  postern policy test --revision 3 sessions.txt --json";

/// Octets of the longest script.
const LONGEST: usize = 32 << 20;

/// `postern policy test`
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// Scripts; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Ask this document instead of the policy in force
    #[arg(long, value_name = "FILE", conflicts_with = "revision")]
    policy: Option<PathBuf>,
    /// Ask this revision of the policy; the newest unless given
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    revision: u64,
}

/// What came of all scripts.
#[derive(Debug, Serialize)]
struct Tested {
    policy: String,
    passed: bool,
    scripts: Vec<Played>,
}

/// What came of one.
#[derive(Debug, Serialize)]
struct Played {
    file: String,
    expectations: usize,
    failed: Vec<Checked>,
}

pub(super) async fn run(
    arguments: Arguments,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let scripts = scripts(&arguments.files)?;
    let asked = asked::policy(arguments.policy.as_deref(), arguments.revision, system).await?;
    let mut played = Vec::with_capacity(scripts.len());
    for (file, script) in scripts {
        let script = script.knowing(&|listener| system.role_of(listener));
        let users = users(&script, &asked, system).await?;
        let checked = script.play(&asked.policy, &|user| users.contains(user));
        played.push(Played::of(&file, checked)?);
    }
    let tested = Tested {
        policy: asked.source,
        passed: played.iter().all(|played| played.failed.is_empty()),
        scripts: played,
    };
    screen.show(&tested, || tested.text());
    Ok(Outcome::of(tested.passed))
}

/// All scripts, or what is wrong with any of them.
fn scripts(files: &[PathBuf]) -> Result<Vec<(PathBuf, Script)>, Failure> {
    let mut scripts = Vec::with_capacity(files.len());
    let mut wrong = Vec::new();
    for file in files {
        match Script::parse(&super::read(file, LONGEST)?) {
            Ok(script) => scripts.push((file.clone(), script)),
            Err(errors) => wrong.extend(errors.iter().map(|error| at(file, error))),
        }
    }
    if wrong.is_empty() {
        return Ok(scripts);
    }
    let wrong = wrong.join("\n");
    Err(Failure::Usage(format!("nothing was played\n{wrong}")))
}

fn at(file: &Path, error: &ScriptError) -> String {
    format!("{}:{}: {}", file.display(), error.line, error.reason)
}

/// Who has a mailbox: whom the script names; where it names nobody, whom the system knows.
async fn users(
    script: &Script,
    asked: &Asked,
    system: &System,
) -> Result<HashSet<EmailAddress>, Failure> {
    match script.users() {
        Some(users) => Ok(users.iter().cloned().collect()),
        None if asked.is_file => Ok(HashSet::new()),
        None => asked::users(system, script.users_asked(&asked.policy)).await,
    }
}

impl Played {
    fn of(file: &Path, checked: Vec<Checked>) -> Result<Self, Failure> {
        let file = file.display().to_string();
        if checked.is_empty() {
            return Err(Failure::Usage(format!(
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

impl Tested {
    /// What failed, the way compilers say it, and a summary.
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for played in &self.scripts {
            let file = &played.file;
            for failed in &played.failed {
                let Checked {
                    line,
                    statement,
                    expected,
                    found,
                    ..
                } = failed;
                lines.push(format!(
                    "{file}:{line}: {statement}: expected {expected}, got {found}"
                ));
                let reasons = found.reasons.iter();
                lines.extend(reasons.map(|reason| format!("  because {reason}")));
            }
        }
        let of = |count: fn(&Played) -> usize| self.scripts.iter().map(count).sum::<usize>();
        let (all, failed) = (
            of(|played| played.expectations),
            of(|played| played.failed.len()),
        );
        lines.push(format!(
            "{}: {} met, {failed} not.",
            self.policy,
            all - failed
        ));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use rules::Policy;

    use super::*;

    fn played(script: &str) -> Result<Played, Failure> {
        let policy = "[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n";
        let script = Script::parse(script).unwrap();
        let checked = script.play(&Policy::parse(policy).unwrap(), &|_| true);
        Played::of(Path::new("s.txt"), checked)
    }

    #[test]
    fn failed_expectations_are_told_like_compiler_errors_with_reasons() {
        let played = played(
            "client 203.0.113.9\nmail <a@x.test> -> accepted\nrcpt <b@y.test> -> accepted\n\
             rcpt <bob@example.test> -> accepted (mailbox bob@example.test)\n",
        )
        .unwrap();
        let tested = Tested {
            policy: "p.toml".to_owned(),
            passed: played.failed.is_empty(),
            scripts: vec![played],
        };
        assert_eq!(
            tested.text(),
            "s.txt:3: rcpt <b@y.test>: expected accepted, got relay-denied 550\n  \
             because the session is untrusted (external-listener)\n  \
             because no domain rule names y.test\n  \
             because 203.0.113.9 sends as <a@x.test>\n\
             p.toml: 2 met, 1 not."
        );
        let json = serde_json::to_value(&tested).unwrap();
        assert_eq!(json["scripts"][0]["expectations"], 3);
        assert_eq!(json["scripts"][0]["failed"][0]["line"], 3);
        assert_eq!(
            json["scripts"][0]["failed"][0]["found"]["verdict"],
            "relay-denied"
        );
    }

    #[test]
    fn a_script_that_expects_nothing_is_a_mistake() {
        let failure = played("client 203.0.113.9\nmail <>\n").unwrap_err();
        assert_eq!(failure.code(), 2);
        assert!(failure.to_string().contains("expects nothing"));
    }
}
