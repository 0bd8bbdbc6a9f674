//! `postern policy test`: plays scripts of sessions, and compares the results with the expectations.

use std::path::PathBuf;

use administration::Administration;
use administration::policy::{self, Played, Scripts, Tested};
use rules::Checked;

use crate::commands::policy_file;
use crate::failure::{Failure, Outcome};
use crate::screen::Screen;

const AFTER_HELP: &str = "\
A script has one statement a line:

  users bob@example.test                users with a mailbox; default: those of the system
  listener mx auto local=198.51.100.1 gateway=10.0.0.254
  listener office role=submission       mx or submission; default: that of the configured listener
                                        of this name, otherwise mx (for other servers)
  client 203.0.113.9                    begins a session; options: local=ADDRESS,
                                        interface=internal, external or dmz (dmz,set if postern.toml
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
                                        its end, with sender authentication: iprev=, helo=, spf=,
                                        dkim=, dmarc=RESULT/REQUEST, arc=RESULT:SEALER; and
                                        attachment=NAME, type=TYPE, from=ADDRESS; refused, or
                                        accepted, junk or quarantine
  message attachment=\"x.exe\" -> accepted (unmarked, stripped)

After -> follow a verdict, as named by `postern explain`, and optionally the reply code and the route.
# begins a comment.

Exit code 0 if every expectation is met, 1 if one is not, 2 if a script or the policy is not
valid, 3 if the system does not answer. With --policy no system needs to run.

Examples:
  postern policy test sessions.txt
  postern policy test --policy policy.toml tests/*.txt && postern policy apply policy.toml
  postern policy test --revision 3 sessions.txt --json";

/// Maximum length of a script in octets.
const LONGEST: usize = 32 << 20;

/// `postern policy test`
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// Scripts; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Use this document instead of the policy in force
    #[arg(long, value_name = "FILE", conflicts_with = "revision")]
    policy: Option<PathBuf>,
    /// Use this revision of the policy; default: the newest
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    revision: u64,
}

pub(super) async fn run(
    arguments: Arguments,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let files = arguments.files.iter();
    let documents: Result<Vec<_>, _> = files.map(|file| policy_file::read(file, LONGEST)).collect();
    let scripts = Scripts::parse(&documents?)?;
    let file = arguments.policy.as_deref();
    let queried = policy_file::queried(file, arguments.revision, administration).await?;
    let tested = policy::test(administration, queried, scripts).await?;
    screen.show(&tested, || text(&tested));
    Ok(Outcome::of(tested.passed))
}

/// The failures, in the style of compilers, and a summary.
fn text(tested: &Tested) -> String {
    let mut lines = Vec::new();
    for played in &tested.scripts {
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
    let of = |count: fn(&Played) -> usize| tested.scripts.iter().map(count).sum::<usize>();
    let (all, failed) = (
        of(|played| played.expectations),
        of(|played| played.failed.len()),
    );
    lines.push(format!(
        "{}: {} met, {failed} not.",
        tested.policy,
        all - failed
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use rules::{Policy, Script};

    use super::*;

    fn played(script: &str) -> Played {
        let policy = "[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n";
        let script = Script::parse(script).unwrap();
        let checked = script.play(&Policy::parse(policy).unwrap(), &|_| true);
        Played {
            file: "s.txt".to_owned(),
            expectations: checked.len(),
            failed: checked.into_iter().filter(|checked| !checked.met).collect(),
        }
    }

    #[test]
    fn failed_expectations_are_told_like_compiler_errors_with_reasons() {
        let played = played(
            "client 203.0.113.9\nmail <a@x.test> -> accepted\nrcpt <b@y.test> -> accepted\n\
             rcpt <bob@example.test> -> accepted (mailbox bob@example.test)\n",
        );
        let tested = Tested {
            policy: "p.toml".to_owned(),
            passed: played.failed.is_empty(),
            scripts: vec![played],
        };
        assert_eq!(
            text(&tested),
            "s.txt:3: rcpt <b@y.test>: expected accepted, got relay-denied 550\n  \
             because the session is untrusted (external-listener)\n  \
             because no domain rule names y.test\n  \
             because 203.0.113.9 sends as <a@x.test>\n\
             p.toml: 2 met, 1 not."
        );
    }
}
