//! `postern policy`: the policy as a document, and its revisions.

mod test;

use std::path::PathBuf;

use administration::policy::{self, Apply, Document, Revision};
use administration::{Administration, Error};
use rules::PolicyError;

use super::policy_file::document;
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, columns, number, written};

/// Subcommands for the policy.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print the policy's document
    #[command(after_help = "Example:\n  postern policy show > policy.toml")]
    Show {
        /// This revision; default: the newest
        #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
        revision: u64,
    },
    /// Make a document the next revision of the policy
    #[command(after_help = "\
The document is validated as a whole; if it has an error, nothing changes. A collection account needs
an existing mailbox. If the document removes domains with users, they are listed, and --yes is
required.

Examples:
  postern policy apply policy.toml --comment 'the new branch office'
  postern policy show | sed s/25/50/ | postern policy apply -")]
    Apply {
        /// The document; - is standard input
        file: PathBuf,
        /// Comment for the list of revisions
        #[arg(long, default_value = "")]
        comment: String,
        /// Only if this is still the newest revision
        #[arg(long, value_name = "N")]
        expected_revision: Option<u64>,
        /// Apply it although domains with users are removed, or the document is empty
        #[arg(long)]
        yes: bool,
    },
    /// Show the changes in a document; exit code 1 if there are any
    #[command(after_help = "\
Examples:
  postern policy diff policy.toml
  postern policy diff --revision 3          (from revision 3 to the newest)")]
    Diff {
        /// The document; - is standard input; default: the newest revision
        file: Option<PathBuf>,
        /// Compare with this revision; default: the newest
        #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
        revision: u64,
    },
    /// Validate a document, without a system
    #[command(after_help = "Example:\n  postern policy check policy.toml")]
    Check {
        /// The document; - is standard input
        file: PathBuf,
    },
    /// Play scripts of sessions, and compare the results with their expectations
    Test(test::Arguments),
    /// List the revisions, the newest first
    List {
        /// Maximum number of entries
        #[arg(long, value_name = "N", default_value_t = 50,
              value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Make an old revision's document the next revision
    #[command(after_help = "Example:\n  postern policy rollback 3")]
    Rollback {
        /// The revision
        revision: u64,
        /// Roll back although domains with users are removed
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(
    command: Command,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::Show { revision } => {
            let found = policy::show(administration, revision).await?;
            let document = found.document.as_deref().unwrap_or_default();
            screen.show_document(&found, document);
            Ok(Outcome::Done)
        }
        Command::Apply {
            file,
            comment,
            expected_revision,
            yes,
        } => {
            let apply = Apply {
                document: document(&file)?,
                comment,
                expected_revision,
                confirmed: yes,
            };
            put_in_force(administration, screen, apply).await
        }
        Command::Diff { file, revision } => {
            let document = file.as_deref().map(document).transpose()?;
            diff(administration, screen, document, revision).await
        }
        Command::Check { file } => check(screen, &document(&file)?),
        Command::Test(arguments) => test::run(arguments, administration, screen).await,
        Command::List { limit } => {
            let revisions = policy::list(administration, limit).await?;
            screen.show(&revisions, || table(&revisions, screen));
            Ok(Outcome::Done)
        }
        Command::Rollback { revision, yes } => {
            let made = policy::rollback(administration, revision, yes).await?;
            in_force(screen, &made);
            Ok(Outcome::Done)
        }
    }
}

async fn put_in_force(
    administration: &Administration,
    screen: &Screen,
    apply: Apply,
) -> Result<Outcome, Failure> {
    match policy::apply(administration, apply).await {
        Ok(applied) => {
            in_force(screen, &applied.revision);
            for note in applied.notes {
                screen.remark(format!("Note: {note}"));
            }
            Ok(Outcome::Done)
        }
        Err(Error::InvalidPolicy { document, errors }) => {
            tell_errors(screen, &document, errors.iter());
            Ok(Outcome::No)
        }
        Err(error) => Err(Failure::from(error)),
    }
}

fn in_force(screen: &Screen, made: &Revision) {
    screen.show(made, || {
        format!("Policy revision {} is in force.", made.revision)
    });
}

async fn diff(
    administration: &Administration,
    screen: &Screen,
    document: Option<Document>,
    revision: u64,
) -> Result<Outcome, Failure> {
    let difference = policy::diff(administration, revision, document.as_ref()).await?;
    screen.show(&difference, || match difference.equal {
        true => format!("{} is the same as {}.", difference.to, difference.from),
        false => difference.diff.clone(),
    });
    if let Some(Document { name, text }) = document {
        let validation = policy::check(&text);
        if !validation.valid {
            tell_errors(screen, &name, validation.errors.iter());
        }
    }
    Ok(Outcome::of(difference.equal))
}

fn check(screen: &Screen, document: &Document) -> Result<Outcome, Failure> {
    let name = &document.name;
    let validation = policy::check(&document.text);
    screen.show(&validation, || {
        if validation.valid {
            return format!("{name} is a valid policy.");
        }
        let lines = validation.errors.iter().map(|error| at(name, error));
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(Outcome::of(validation.valid))
}

/// Prints the errors of a document, in the style of compilers.
fn tell_errors<'a>(screen: &Screen, document: &str, errors: impl Iterator<Item = &'a PolicyError>) {
    for error in errors {
        screen.remark(at(document, error));
    }
    screen.remark("postern: the policy is not valid; nothing was changed");
}

fn at(document: &str, error: &PolicyError) -> String {
    format!("{document}:{}: {}", error.line, error.reason)
}

fn table(revisions: &[Revision], screen: &Screen) -> String {
    let mut table = columns(&["revision", "made", "by", "comment"]);
    for revision in revisions {
        table.add_row([
            number(revision.revision),
            screen.times.local(revision.made_at).into(),
            revision.author.as_str().into(),
            revision.comment.as_str().into(),
        ]);
    }
    written(&table)
}
