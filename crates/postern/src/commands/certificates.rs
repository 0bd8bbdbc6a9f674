//! `postern certificates`: what services on several machines, or in containers, need to know each
//! other by, and a certificate to begin with for mail clients. `postern up` needs none of it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use service_kit::certificates::{Authority, self_signed};

use crate::failure::{Failure, Outcome};
use crate::screen::Screen;

/// `postern certificates`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Writes ca.pem, internal.pem and internal.key, signed by an authority whose key is not kept, and
mail.pem and mail.key, self-signed. What exists already stays.

Example:
  postern certificates --directory /certificates --hostname mail.example.test queue mailbox-store")]
pub struct Arguments {
    /// Where the files go
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
    /// The name that mail clients connect to
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    hostname: String,
    /// Names under which the services reach each other
    #[arg(required = true, value_name = "SERVICE")]
    services: Vec<String>,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    directory: PathBuf,
    written: Vec<&'static str>,
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
    if !all_exist(directory, &["ca.pem", "internal.pem", "internal.key"]) {
        let authority = Authority::create()?;
        let mut names = arguments.services.clone();
        // Health is asked within the container.
        names.push("localhost".to_owned());
        let internal = authority.issue(&names)?;
        internal.write(
            &directory.join("internal.pem"),
            &directory.join("internal.key"),
        )?;
        authority
            .pair()
            .write_certificate(&directory.join("ca.pem"))?;
        written.extend(["ca.pem", "internal.pem", "internal.key"]);
    }
    if !all_exist(directory, &["mail.pem", "mail.key"]) {
        let pair = self_signed(&[arguments.hostname.clone(), "localhost".to_owned()])?;
        pair.write(&directory.join("mail.pem"), &directory.join("mail.key"))?;
        written.extend(["mail.pem", "mail.key"]);
    }
    Ok(Written {
        directory: directory.clone(),
        written,
    })
}

fn all_exist(directory: &Path, names: &[&str]) -> bool {
    names.iter().all(|name| directory.join(name).exists())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn what_exists_stays_and_what_is_missing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = Arguments {
            directory: folder.path().to_owned(),
            hostname: "mail.example.test".to_owned(),
            services: vec!["queue".to_owned()],
        };
        assert_eq!(make(&arguments).unwrap().written.len(), 5);
        let before = std::fs::read(folder.path().join("internal.pem")).unwrap();
        std::fs::remove_file(folder.path().join("mail.key")).unwrap();
        assert_eq!(make(&arguments).unwrap().written, ["mail.pem", "mail.key"]);
        assert_eq!(
            std::fs::read(folder.path().join("internal.pem")).unwrap(),
            before
        );
        assert!(
            !folder.path().join("ca.key").exists(),
            "the authority's key is not kept"
        );
    }
}
