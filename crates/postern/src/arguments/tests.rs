#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(words(line))
}

/// Splits a line of an example as a shell would: by blanks, with single and double quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[test]
fn the_definition_is_sound() {
    Arguments::command().debug_assert();
}

fn examples(command: &clap::Command, lines: &mut Vec<String>) {
    let help = command.get_after_help().map(ToString::to_string);
    for line in help.unwrap_or_default().lines() {
        // A remark stands in brackets at the end; redirections and pipes are the shell's.
        let line = line.split("     (").next().unwrap_or_default();
        for part in line.split('|') {
            let part = part.split(['<', '>']).next().unwrap_or_default().trim();
            if part.starts_with("postern ") {
                lines.push(part.to_owned());
            }
        }
    }
    for sub in command.get_subcommands() {
        examples(sub, lines);
    }
}

#[test]
fn every_example_in_the_help_is_understood() {
    let mut lines = Vec::new();
    examples(&Arguments::command(), &mut lines);
    assert!(lines.len() > 25, "only {} examples", lines.len());
    for line in lines {
        if let Err(error) = parse(&line) {
            panic!("{line}\n{error}");
        }
    }
}

#[test]
fn every_command_that_takes_words_has_an_example() {
    fn check(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        let takes_words = command.get_positionals().next().is_some();
        let own = ["up", "help"].contains(&command.get_name());
        if takes_words && !own && command.get_subcommands().next().is_none() {
            let help = command.get_after_help().map(ToString::to_string);
            assert!(
                help.unwrap_or_default().contains("postern "),
                "{path} has no example"
            );
        }
        for sub in command.get_subcommands() {
            check(sub, &path);
        }
    }
    check(&Arguments::command(), "");
}

#[test]
fn json_and_data_may_stand_behind_the_command() {
    let arguments = parse("postern queue list --json --data /srv/mail").unwrap();
    assert!(arguments.json);
    assert_eq!(arguments.data, PathBuf::from("/srv/mail"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (line, kind) in [
        (
            "postern",
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        ),
        ("postern frobnicate", ErrorKind::InvalidSubcommand),
        ("postern domain add", ErrorKind::MissingRequiredArgument),
        ("postern domain add a..test", ErrorKind::ValueValidation),
        (
            "postern domain add a.test --deliver nowhere",
            ErrorKind::ValueValidation,
        ),
        (
            "postern domain add a.test --from nobody",
            ErrorKind::InvalidValue,
        ),
        (
            "postern domain add a.test --unmatched accept --catch-all bob",
            ErrorKind::ArgumentConflict,
        ),
        ("postern user add bob", ErrorKind::ValueValidation),
        (
            "postern queue retry --message bob",
            ErrorKind::ValueValidation,
        ),
        (
            "postern send --subject x",
            ErrorKind::MissingRequiredArgument,
        ),
        (
            "postern send --to a@x.test --subject x m.eml",
            ErrorKind::ArgumentConflict,
        ),
        (
            "postern send --to a@x.test --wait soon",
            ErrorKind::ValueValidation,
        ),
        (
            "postern explain --peer here --from a@x.test --to b@y.test",
            ErrorKind::ValueValidation,
        ),
    ] {
        assert_eq!(parse(line).unwrap_err().kind(), kind, "{line}");
    }
}

#[test]
fn what_is_wrong_is_told_without_the_hints_for_people() {
    for (line, expected) in [
        (
            "postern queue list --json --frobnicate",
            "unexpected argument '--frobnicate' found",
        ),
        (
            "postern user add bob --json",
            "invalid value 'bob' for '<ADDRESS>': an address needs `@` and a domain",
        ),
        (
            "postern domain add --json",
            "the following required arguments were not provided:\n  <NAME>",
        ),
    ] {
        assert_eq!(reason(&parse(line).unwrap_err()), expected, "{line}");
    }
    for line in ["postern --json", "postern domain --json"] {
        let reason = reason(&parse(line).unwrap_err());
        assert!(reason.contains("requires a subcommand"), "{reason}");
        assert!(!reason.contains("Usage"), "{reason}");
    }
}

#[test]
fn options_that_exclude_each_other_are_named_without_a_usage() {
    for (line, expected) in [
        (
            "postern domain add a.test --unmatched accept --catch-all bob",
            "--unmatched and --catch-all exclude each other: give one of them. --help says what each does",
        ),
        (
            "postern send --to a@x.test --subject x m.eml",
            "--subject and [FILE] exclude each other: give one of them. --help says what each does",
        ),
        (
            "postern domain add a.test --from trusted --from everyone",
            "--from can be given once only. --help says what each does",
        ),
    ] {
        let error = parse(line).unwrap_err();
        let sentence = conflict(&error).unwrap();
        assert_eq!(sentence, expected, "{line}");
        assert_eq!(reason(&error), expected, "{line}");
    }
    let other = parse("postern domain add a..test").unwrap_err();
    assert_eq!(conflict(&other), None);
}

#[test]
fn json_is_asked_for_by_an_option_and_not_by_what_stands_behind_them() {
    let ask = |line: &str| {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        ask_json(&words)
    };
    assert!(ask("postern --json frobnicate"));
    assert!(ask("postern queue list --frobnicate --json"));
    assert!(!ask("postern queue list"));
    assert!(!ask("postern sendmail -- --json"));
    assert!(!ask("--json"));
}

#[test]
fn called_by_the_name_of_sendmail_it_is_that_command() {
    for name in ["sendmail", "/usr/sbin/sendmail"] {
        let words = [name, "-t", "-i", "--", "bob@example.test"];
        let arguments = crate::arguments(&words.map(Into::into)).unwrap();
        assert!(matches!(arguments.command, Command::Sendmail(_)), "{name}");
    }
    let words = ["/usr/bin/postern", "status"];
    let arguments = crate::arguments(&words.map(Into::into)).unwrap();
    assert!(matches!(arguments.command, Command::Status(_)));
    assert!(parse("postern sendmail -oi -f a@x.test -- -t").is_ok());
    assert!(parse("postern --data /srv sendmail -h 3 bob").is_ok());
}
