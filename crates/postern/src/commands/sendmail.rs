//! `postern sendmail`, and the program under the name `sendmail`: the command that cron, scripts and
//! programs expect on every Unix system.
//!
//! It submits messages to the queue like `postern send`; `-bs` connects to the SMTP listener. Its exit
//! codes are those of `sysexits.h`.

mod dot;
mod exit;
mod options;
mod pipe;

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use administration::send::{Envelope, Submission, listed};
use administration::{Actor, Administration, System};
use api::queue::v1::{Component, Notify};
use rules::{Domain, EmailAddress, ReversePath};

use super::queue;
use crate::screen::Screen;
use dot::UntilDot;
use exit::Exit;
use options::{Mode, Options};

/// The default configuration file: cron sets no environment.
const WELL_KNOWN: &str = "/etc/postern/postern.toml";

/// `postern sendmail`
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
#[command(after_help = "\
Called by the name `sendmail` (a link to postern is enough) it accepts the same options. The system
is found by POSTERN_CONFIG or POSTERN_DATA, otherwise by /etc/postern/postern.toml.

  -t             also send to the addresses in To, Cc and Bcc; Bcc is removed
  -i, -oi        a line with only a dot does not end the message
  -f ADDRESS     sender (also -r); empty or <> for the null sender
  -F NAME        the author's name, if the message has no From
  -bs            speak SMTP on standard input and output
  -bp            list the queue (mailq)
  -N WORDS       requested notices: never, or success, failure and delay, separated by commas
  -R full|hdrs   the part of the message that a notice returns
  -V ID          the envelope's id in notices, in xtext
  -bm -bi -m -n -v -B -G -h -L -O -o -p -U -A   are accepted without effect

Exit codes: 0; 64 usage; 65 the message or an address is invalid; 67 no such user; 69 refused;
75 the system cannot be reached, try again; 78 configuration.

Examples:
  postern sendmail -t -i
  postern sendmail -f bob@example.test -- eve@example.test
  ln -s /usr/bin/postern /usr/sbin/sendmail")]
pub struct Arguments {
    /// Options of sendmail, and recipients
    #[arg(
        value_name = "WORD",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// Runs the command and returns its exit code.
pub(crate) async fn run(
    arguments: Arguments,
    data: &Path,
    config: Option<&Path>,
    actor: Actor,
    screen: &Screen,
) -> ExitCode {
    match attempt(&arguments.words, data, config, actor, screen).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            screen.remark(format_args!("sendmail: {exit}"));
            exit.code()
        }
    }
}

async fn attempt(
    words: &[OsString],
    data: &Path,
    config: Option<&Path>,
    actor: Actor,
    screen: &Screen,
) -> Result<(), Exit> {
    let options = Options::read(words).map_err(Exit::Usage)?;
    let config = configuration(data, config, Path::new(WELL_KNOWN));
    let system = System::find(data, config.as_deref())
        .map_err(|error| Exit::Configuration(error.to_string()))?;
    let administration = Administration::new(system, actor);
    match options.mode {
        Mode::Deliver => deliver(options, &administration).await,
        Mode::Smtp => pipe::run(administration.system()).await,
        Mode::List => queue::show_all(&administration, screen)
            .await
            .map_err(Exit::from),
        // There is no alias table to rebuild.
        Mode::Aliases => Ok(()),
    }
}

/// The given configuration, otherwise the default file if the data folder has none.
fn configuration(data: &Path, config: Option<&Path>, well_known: &Path) -> Option<PathBuf> {
    let in_folder = data.join("postern.toml").exists();
    let given = config.map(Path::to_owned);
    given.or_else(|| (!in_folder && well_known.exists()).then(|| well_known.to_owned()))
}

async fn deliver(options: Options, administration: &Administration) -> Result<(), Exit> {
    let full_name = options.full_name.clone();
    let submission = Submission::begin(administration, Component::Sendmail, full_name).await?;
    let origin = submission.origin();
    let sender = submission.sender(sender(&options, origin.as_ref())?)?;
    let mut recipients = Vec::new();
    for word in &options.recipients {
        let listed = listed(word.as_bytes(), origin.as_ref());
        recipients.extend(listed.map_err(|reason| Exit::Data(format!("a recipient is {reason}")))?);
    }
    let stdin = std::io::stdin();
    let input: Box<dyn Read + Send> = match options.ignore_dots {
        true => Box::new(stdin),
        false => Box::new(UntilDot::new(stdin)),
    };
    let source = submission.open(input, &sender)?;
    if options.read_recipients {
        recipients.extend(source.recipients(origin.as_ref())?);
    }
    if recipients.is_empty() {
        return Err(Exit::Usage("no recipients are named".to_owned()));
    }
    let mut envelope = Envelope::new(sender, recipients);
    envelope.notify = Notify::from_bits(options.notify);
    envelope.return_content = options.return_content;
    envelope.envelope_id = options.envelope_id;
    submission.submit(&envelope, source).await?;
    Ok(())
}

/// The sender: `-f`, otherwise the user of the command; none if neither is an address.
fn sender(options: &Options, origin: Option<&Domain>) -> Result<Option<ReversePath>, Exit> {
    let Some(given) = &options.sender else {
        let user = ["LOGNAME", "USER"]
            .iter()
            .find_map(|name| std::env::var(name).ok());
        let address = user.zip(origin.cloned());
        let address = address.and_then(|(user, origin)| EmailAddress::new(&user, origin).ok());
        return Ok(address.map(ReversePath::from));
    };
    if given.is_empty() || given == "<>" {
        return Ok(Some(ReversePath::Null));
    }
    let mut listed = listed(given.as_bytes(), origin)
        .map_err(|reason| Exit::Data(format!("the sender is {reason}")))?;
    match (listed.pop(), listed.is_empty()) {
        (Some(address), true) => Ok(Some(address.into())),
        _ => Err(Exit::Data(format!(
            "the sender `{given}` is not one address"
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn a_sender_is_an_address_a_name_or_nobody() {
        let origin: Domain = "example.test".parse().unwrap();
        let of = |given: &str| {
            let options = Options {
                sender: Some(given.to_owned()),
                ..Options::default()
            };
            sender(&options, Some(&origin)).map(|sender| sender.unwrap().to_string())
        };
        assert_eq!(of("eve@x.test").unwrap(), "eve@x.test");
        assert_eq!(of("<eve@x.test>").unwrap(), "eve@x.test");
        assert_eq!(of("root").unwrap(), "root@example.test");
        assert_eq!(of("").unwrap(), "");
        assert_eq!(of("<>").unwrap(), "");
        assert!(matches!(of("a@x.test, b@x.test"), Err(Exit::Data(_))));
        assert!(matches!(of("a@"), Err(Exit::Data(_)) | Ok(_)));
    }

    #[test]
    fn the_well_known_configuration_is_for_those_who_have_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let known = folder.path().join("known.toml");
        let data = folder.path().join("data");
        assert_eq!(configuration(&data, None, &known), None);
        std::fs::write(&known, "").unwrap();
        assert_eq!(configuration(&data, None, &known).as_ref(), Some(&known));
        let other = Path::new("other.toml");
        assert_eq!(configuration(&data, Some(other), &known).unwrap(), other);
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("postern.toml"), "").unwrap();
        assert_eq!(configuration(&data, None, &known), None);
    }
}
