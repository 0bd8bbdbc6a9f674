//! The command line shared by all services.

use std::path::PathBuf;

/// The configuration file without `--config`.
const DEFAULT_FILE: &str = "postern.toml";

/// The task that a process was started for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Serve until told to stop.
    Serve,
    /// Ask the running process whether it is ready.
    Health,
    /// Ask the running process whether it lives.
    Live,
    /// Check the configuration.
    Check,
    /// Print the keys of its section, as JSON.
    Reference,
    /// Print the version.
    Version,
    /// Print the usage.
    Help,
}

/// A service's command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) mode: Mode,
    pub(crate) file: PathBuf,
    /// The file was given by name, so it must exist.
    pub(crate) file_required: bool,
}

impl Arguments {
    /// Parses the words after the program's name.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            mode: Mode::Serve,
            file: PathBuf::from(DEFAULT_FILE),
            file_required: false,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            match word.as_str() {
                "--health" => arguments.mode = Mode::Health,
                "--live" => arguments.mode = Mode::Live,
                "--check" => arguments.mode = Mode::Check,
                "--reference" => arguments.mode = Mode::Reference,
                "--version" | "-V" => arguments.mode = Mode::Version,
                "--help" | "-h" => arguments.mode = Mode::Help,
                "--config" => {
                    let file = words.next().ok_or("--config needs a file")?;
                    arguments.name_file(file);
                }
                other => match other.strip_prefix("--config=") {
                    Some(file) => arguments.name_file(file.to_owned()),
                    None => return Err(format!("unknown argument `{other}`")),
                },
            }
        }
        Ok(arguments)
    }

    fn name_file(&mut self, file: String) {
        self.file = PathBuf::from(file);
        self.file_required = true;
    }
}

/// The usage text of the service `name`.
pub(crate) fn usage(name: &str) -> String {
    format!(
        "Usage: postern-{name} [--config FILE] [--check | --health | --live | --reference | --version]\n\n  \
         --config FILE  configuration; default {DEFAULT_FILE}, where there is one\n  \
         --check        check the configuration as this process reads it: exit code 0 or 1\n  \
         --health       ask the running process whether it is ready: exit code 0, or 1 and the reason\n  \
         --live         ask whether it lives, ready or not: exit code 0 or 1\n  \
         --reference    print the keys of its section, as JSON\n  \
         --version      print the version\n\n\
         POSTERN_<SECTION>__<KEY> in the environment overrides the file."
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(words.iter().map(|&word| word.to_owned()))
    }

    #[test]
    fn no_words_serve_with_the_default_file_where_there_is_one() {
        let arguments = parse(&[]).unwrap();
        assert_eq!(arguments.mode, Mode::Serve);
        assert!(!arguments.file_required);
    }

    #[test]
    fn a_named_file_is_required_in_both_spellings() {
        for words in [&["--config", "a.toml"][..], &["--config=a.toml"]] {
            let arguments = parse(words).unwrap();
            assert_eq!(arguments.file, PathBuf::from("a.toml"));
            assert!(arguments.file_required);
        }
    }

    #[test]
    fn what_is_unknown_or_incomplete_is_refused() {
        assert!(parse(&["--frobnicate"]).is_err());
        assert!(parse(&["--config"]).is_err());
    }
}
