//! `postern policy`: the policy as a document, and its revisions.

pub(super) mod advice;
mod test;

use std::io::Read;
use std::path::{Path, PathBuf};

use api::grpc::Code;
use api::policy::v1::{ListRevisionsRequest, Revision};
use rules::Policy;
use serde::Serialize;

use super::consequences::Accounts;
use super::revision::{self, failed};
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, columns, number, utc, written};
use crate::system::{Asked, System};
use crate::unified_diff::unified_diff;

/// What can be done with the policy.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print the policy's document
    #[command(after_help = "Example:\n  postern policy show > policy.toml")]
    Show {
        /// This revision; the newest unless given
        #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
        revision: u64,
    },
    /// Make a document the next revision of the policy
    #[command(after_help = "\
The document is validated as a whole; when something is wrong, nothing changes. A collection account
needs a mailbox that is there. Where the document takes away domains that have users, they are listed
and --yes is asked for.

Examples:
  postern policy apply policy.toml --comment 'the new branch office'
  postern policy show | sed s/25/50/ | postern policy apply -")]
    Apply {
        /// The document; - is standard input
        file: PathBuf,
        /// Why, for the list of revisions
        #[arg(long, default_value = "")]
        comment: String,
        /// Only if this is still the newest revision
        #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
        expected_revision: u64,
        /// Even if it takes away domains that have users, or says nothing at all
        #[arg(long)]
        yes: bool,
    },
    /// Show what a document would change; exit code 1 when it would
    #[command(after_help = "\
Examples:
  postern policy diff policy.toml
  postern policy diff --revision 3          (from revision 3 to the newest)")]
    Diff {
        /// The document; - is standard input; the newest revision unless given
        file: Option<PathBuf>,
        /// Compare with this revision; the newest unless given
        #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
        revision: u64,
    },
    /// Validate a document, without a system
    #[command(after_help = "Example:\n  postern policy check policy.toml")]
    Check {
        /// The document; - is standard input
        file: PathBuf,
    },
    /// Play scripts of sessions, and compare what comes of them with what they expect
    Test(test::Arguments),
    /// Show the revisions, the newest first
    List {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Make an old revision's document the next revision
    #[command(after_help = "Example:\n  postern policy rollback 3")]
    Rollback {
        /// The revision
        revision: u64,
        /// Even if it takes away domains that have users
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(
    command: Command,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::Show { revision } => {
            let found = revision::get(system, revision).await?;
            screen.show_document(&Shown::new(&found, true), &found.document);
            Ok(Outcome::Done)
        }
        Command::Apply {
            file,
            comment,
            expected_revision,
            yes,
        } => {
            let document = document(&file)?;
            if says_nothing(&document) && !yes {
                return Err(Failure::refused(format!(
                    "{} says nothing: in force it would take away every domain, gateway and account \
                     that there is. Nothing was changed; add --yes if that is wanted",
                    file.display()
                )));
            }
            let wish = Wish {
                comment,
                expected: expected_revision,
                yes,
            };
            apply(system, screen, &file, document, wish).await
        }
        Command::Diff { file, revision } => diff(system, screen, file.as_deref(), revision).await,
        Command::Check { file } => check(screen, &file),
        Command::Test(arguments) => test::run(arguments, system, screen).await,
        Command::List { limit } => {
            let request = ListRevisionsRequest { limit };
            let revisions = system
                .policy(Asked::Question)?
                .list_revisions(request)
                .await;
            let revisions = revisions.map_err(|s| failed(&s))?.into_inner().revisions;
            let shown: Vec<Shown<'_>> = revisions.iter().map(|r| Shown::new(r, false)).collect();
            screen.show(&shown, || table(&revisions, screen));
            Ok(Outcome::Done)
        }
        Command::Rollback { revision, yes } => rollback(system, screen, revision, yes).await,
    }
}

/// How a document is to be applied.
struct Wish {
    comment: String,
    /// Only if this is the newest revision; 0: in any case.
    expected: u64,
    yes: bool,
}

async fn apply(
    system: &System,
    screen: &Screen,
    file: &Path,
    document: String,
    wish: Wish,
) -> Result<Outcome, Failure> {
    if !valid(screen, file, &document) {
        return Ok(Outcome::No);
    }
    let newest = revision::get(system, 0).await?;
    let expected = wish.expected;
    if expected != 0 && expected != newest.revision {
        return Err(overtaken(expected));
    }
    let policy = revision::weigh(system, &newest, &document, Accounts::All, wish.yes).await?;
    match revision::apply(system, document, expected, wish.comment).await {
        Ok(made) => {
            let outcome = told(screen, &made)?;
            advice::show(system, screen, &newest, &policy).await;
            Ok(outcome)
        }
        Err(status) if status.code() == Code::Aborted => Err(overtaken(expected)),
        Err(status) => Err(failed(&status)),
    }
}

fn overtaken(expected: u64) -> Failure {
    Failure::refused(format!(
        "revision {expected} is no longer the newest; nothing was changed. \
         See what is new by: postern policy diff --revision {expected}"
    ))
}

/// Nothing but comments: what a command that failed writes into a file.
fn says_nothing(document: &str) -> bool {
    let lines = document.lines().map(str::trim);
    lines
        .filter(|line| !line.starts_with('#'))
        .all(str::is_empty)
}

fn told(screen: &Screen, made: &Revision) -> Result<Outcome, Failure> {
    screen.show(&Shown::new(made, false), || {
        format!("Policy revision {} is in force.", made.revision)
    });
    Ok(Outcome::Done)
}

async fn rollback(
    system: &System,
    screen: &Screen,
    revision: u64,
    yes: bool,
) -> Result<Outcome, Failure> {
    if revision == 0 {
        return Err(Failure::Usage(
            "there is no revision 0: they count from 1; postern policy list shows them".to_owned(),
        ));
    }
    let newest = revision::get(system, 0).await?;
    let old = revision::get(system, revision).await?;
    revision::weigh(system, &newest, &old.document, Accounts::All, yes).await?;
    let comment = format!("rollback to revision {revision}");
    let made = revision::apply(system, old.document, newest.revision, comment).await;
    told(screen, &made.map_err(|status| failed(&status))?)
}

async fn diff(
    system: &System,
    screen: &Screen,
    file: Option<&Path>,
    revision: u64,
) -> Result<Outcome, Failure> {
    let old = revision::get(system, revision).await?;
    let (new_name, new) = match file {
        Some(file) => (file.display().to_string(), document(file)?),
        None => {
            let newest = revision::get(system, 0).await?;
            (format!("revision {}", newest.revision), newest.document)
        }
    };
    let old_name = format!("revision {}", old.revision);
    let text = unified_diff(&old_name, &new_name, &old.document, &new);
    let equal = text.is_empty();
    let json =
        serde_json::json!({ "from": old_name, "to": new_name, "equal": equal, "diff": text });
    if equal {
        screen.show(&json, || format!("{new_name} is the same as {old_name}."));
    } else {
        screen.show(&json, || text.clone());
    }
    if let Some(file) = file {
        valid(screen, file, &new);
    }
    Ok(Outcome::of(equal))
}

fn check(screen: &Screen, file: &Path) -> Result<Outcome, Failure> {
    let document = document(file)?;
    let errors = match Policy::parse(&document) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().cloned().collect(),
    };
    let json = serde_json::json!({ "valid": errors.is_empty(), "errors": errors });
    screen.show(&json, || {
        if errors.is_empty() {
            return format!("{} is a valid policy.", file.display());
        }
        let lines = errors.iter().map(|error| at(file, error));
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(Outcome::of(errors.is_empty()))
}

/// Tells what is wrong with a document, the way compilers do.
fn valid(screen: &Screen, file: &Path, document: &str) -> bool {
    match Policy::parse(document) {
        Ok(_) => true,
        Err(errors) => {
            for error in errors.iter() {
                screen.remark(at(file, error));
            }
            screen.remark("postern: the policy is not valid; nothing was changed");
            false
        }
    }
}

pub(super) fn at(file: &Path, error: &rules::PolicyError) -> String {
    format!("{}:{}: {}", file.display(), error.line, error.reason)
}

/// Reads a policy's document; `-` is standard input.
pub(super) fn document(file: &Path) -> Result<String, Failure> {
    read(file, Policy::LONGEST_DOCUMENT)
}

/// Reads a text of at most so many octets.
fn read(file: &Path, longest: usize) -> Result<String, Failure> {
    let name = file.display();
    let failed = |error: std::io::Error| Failure::Usage(format!("{name} cannot be read: {error}"));
    let mut input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).map_err(failed)?)
    };
    let mut octets = Vec::new();
    let beyond = longest as u64 + 1;
    let size = input.by_ref().take(beyond).read_to_end(&mut octets);
    if size.map_err(failed)? > longest {
        let limit = rules::format_size(longest as u64);
        let reason = format!("{name} is too large: it can have at most {limit}");
        return Err(Failure::refused(reason));
    }
    String::from_utf8(octets).map_err(|_| Failure::Usage(format!("{name} is no UTF-8 text")))
}

/// A revision as shown in JSON.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    revision: u64,
    made_at: Option<String>,
    author: &'a str,
    comment: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn new(revision: &'a Revision, with_document: bool) -> Self {
        Self {
            revision: revision.revision,
            made_at: utc(revision.made_at_ms),
            author: &revision.author,
            comment: &revision.comment,
            document: with_document.then_some(&revision.document),
        }
    }
}

fn table(revisions: &[Revision], screen: &Screen) -> String {
    let mut table = columns(&["revision", "made", "by", "comment"]);
    for revision in revisions {
        table.add_row([
            number(revision.revision),
            screen.times.local(revision.made_at_ms).into(),
            revision.author.as_str().into(),
            revision.comment.as_str().into(),
        ]);
    }
    written(&table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn what_no_policy_can_have_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        let longest = "#".repeat(Policy::LONGEST_DOCUMENT);
        std::fs::write(&file, &longest).unwrap();
        assert_eq!(document(&file).unwrap(), longest);
        std::fs::write(&file, longest + "\n").unwrap();
        let failure = document(&file).unwrap_err();
        assert_eq!(failure.code(), 1);
        let told = failure.to_string();
        assert!(
            told.ends_with("is too large: it can have at most 8 MiB"),
            "{told}"
        );
        std::fs::write(&file, b"\xff").unwrap();
        let failure = document(&file).unwrap_err();
        assert!(
            failure.to_string().ends_with("is no UTF-8 text"),
            "{failure}"
        );
    }

    #[test]
    fn a_document_of_comments_says_nothing() {
        for nothing in ["", "\n \n", "# all\n  # of it\n"] {
            assert!(says_nothing(nothing), "{nothing:?}");
        }
        assert!(!says_nothing("# a\n[delivery]\n"));
        assert!(!says_nothing(rules::Policy::default_document()));
    }
}
