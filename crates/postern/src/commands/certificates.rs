//! `postern certificates`: certificates for services on several machines, or in containers, and an initial
//! certificate for mail clients. `postern up` needs none of them.

use std::path::{Path, PathBuf};

use serde::Serialize;
use service_kit::certificates::{Authority, self_signed};

use crate::failure::{Failure, Outcome};
use crate::screen::Screen;

/// Processes that have a certificate; the last is the command line.
const PROCESSES: [&str; 8] = [
    "smtp-server",
    "queue",
    "delivery",
    "mailbox-store",
    "imap",
    "pop3",
    "collector",
    "postern",
];

/// The files of each process.
const INTERNAL: [&str; 3] = ["ca.pem", "internal.pem", "internal.key"];

/// `postern certificates`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Creates a folder for each process, and for the command line (postern), with ca.pem, internal.pem and
internal.key. The certificate has the process's own name, which decides its permissions. All are
signed by one authority, whose key is not kept. Give each process only its own folder. For mail
clients there are mail/mail.pem and mail/mail.key, self-signed.

Existing files stay; if a process has no certificate, all processes get new ones.

Examples:
  postern certificates --directory /certificates --hostname mail.example.test
  postern certificates --directory /certificates --name queue=queue.mail.svc")]
pub struct Arguments {
    /// Target of the folders
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
    /// The host name for mail clients
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    hostname: String,
    /// Another name of a process, used in addresses
    #[arg(long = "name", value_name = "PROCESS=NAME", value_parser = further_name)]
    names: Vec<(String, String)>,
}

fn further_name(text: &str) -> Result<(String, String), String> {
    let (process, name) = text.split_once('=').ok_or("write PROCESS=NAME")?;
    if !PROCESSES.contains(&process) {
        return Err(format!("{process} is none of {}", PROCESSES.join(", ")));
    }
    // It would be another process.
    if PROCESSES.contains(&name) {
        return Err(format!("{name} is the name of a process"));
    }
    Ok((process.to_owned(), name.to_owned()))
}

/// The written files.
#[derive(Debug, Serialize)]
struct Written {
    directory: PathBuf,
    written: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, screen: &Screen) -> Result<Outcome, Failure> {
    let made = make(arguments).map_err(|error| Failure::System(error.to_string()))?;
    screen.show(&made, || match made.written.as_slice() {
        [] => format!("{} holds them all.", made.directory.display()),
        written => format!("{}: {}", made.directory.display(), written.join(", ")),
    });
    Ok(Outcome::Done)
}

fn make(arguments: &Arguments) -> Result<Written, service_kit::Error> {
    let directory = &arguments.directory;
    let mut written = Vec::new();
    let complete = |process: &&str| all_exist(&directory.join(process), &INTERNAL);
    if !PROCESSES.iter().all(complete) {
        let authority = Authority::create()?;
        for process in PROCESSES {
            issue(&authority, process, arguments)?;
            written.push(process.to_owned());
        }
    }
    let mail = directory.join("mail");
    if !all_exist(&mail, &["mail.pem", "mail.key"]) {
        let pair = self_signed(&[arguments.hostname.clone(), "localhost".to_owned()])?;
        pair.write(&mail.join("mail.pem"), &mail.join("mail.key"))?;
        written.push("mail".to_owned());
    }
    Ok(Written {
        directory: directory.clone(),
        written,
    })
}

/// A certificate for the process's own name, and for its other names.
fn issue(
    authority: &Authority,
    process: &str,
    arguments: &Arguments,
) -> Result<(), service_kit::Error> {
    let folder = arguments.directory.join(process);
    // Health checks come from within the container.
    let mut names = vec![process.to_owned(), "localhost".to_owned()];
    let further = arguments.names.iter().filter(|(of, _)| of == process);
    names.extend(further.map(|(_, name)| name.clone()));
    let pair = authority.issue(&names)?;
    pair.write(&folder.join("internal.pem"), &folder.join("internal.key"))?;
    authority.pair().write_certificate(&folder.join("ca.pem"))
}

fn all_exist(directory: &Path, names: &[&str]) -> bool {
    names.iter().all(|name| directory.join(name).exists())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    fn arguments(folder: &Path) -> Arguments {
        Arguments {
            directory: folder.to_owned(),
            hostname: "mail.example.test".to_owned(),
            names: vec![("queue".to_owned(), "queue.mail.svc".to_owned())],
        }
    }

    #[test]
    fn what_exists_stays_and_what_is_missing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = arguments(folder.path());
        assert_eq!(make(&arguments).unwrap().written.len(), 9);
        let internal = folder.path().join("imap/internal.pem");
        let before = std::fs::read(&internal).unwrap();
        std::fs::remove_file(folder.path().join("mail/mail.key")).unwrap();
        assert_eq!(make(&arguments).unwrap().written, ["mail"]);
        assert_eq!(std::fs::read(&internal).unwrap(), before);
        assert!(
            !folder.path().join("queue/ca.key").exists(),
            "the authority's key is not kept"
        );
    }

    #[test]
    fn where_one_process_lacks_its_own_all_are_of_a_new_authority() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = arguments(folder.path());
        make(&arguments).unwrap();
        std::fs::remove_file(folder.path().join("pop3/internal.key")).unwrap();
        assert_eq!(make(&arguments).unwrap().written, PROCESSES);
        let read =
            |process: &str| std::fs::read(folder.path().join(process).join("ca.pem")).unwrap();
        assert!(
            PROCESSES
                .iter()
                .all(|process| read(process) == read("queue"))
        );
    }

    #[test]
    fn a_further_name_is_no_process() {
        assert!(further_name("queue=queue.mail.svc").is_ok());
        for wrong in ["queue", "queues=a.test", "imap=postern", "imap=queue"] {
            assert!(further_name(wrong).is_err(), "{wrong}");
        }
    }
}
