//! `postern config`: the configuration, as each process reads it.
//!
//! Each process knows only its own section, so its program is run with `--check` or `--reference`.

mod reference;

use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};

use serde::Serialize;
use service_kit::config::Reference;

use crate::failure::{Failure, Outcome};
use crate::screen::Screen;
use crate::up::{service_names, service_program};

/// `postern config …`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check postern.toml and the POSTERN_ variables as the processes read them
    #[command(after_help = "\
Reports unknown keys and sections, wrong types and values, and unreadable files, each with the file, the
line, the section and the nearest known word. Nothing is changed. Exit code 0 without errors,
otherwise 1.

Examples:
  postern config check
  postern config check /etc/postern/postern.toml
  POSTERN_QUEUE__WRITERS=2 postern config check --json")]
    Check {
        /// The file; default: that of --config or of the data folder
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Every key of postern.toml, with its type, unit, default and meaning
    #[command(after_help = "Example:\n  postern config reference | less")]
    Reference,
}

/// The result of a check.
#[derive(Debug, Serialize)]
struct Checked {
    file: PathBuf,
    well: bool,
    problems: Vec<Problem>,
}

/// A problem.
#[derive(Debug, Serialize)]
struct Problem {
    text: String,
    /// The processes that report it.
    processes: Vec<&'static str>,
}

pub(crate) fn run(
    command: &Command,
    data: &Path,
    config: Option<&Path>,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::Check { file } => {
            let usual = || config.map_or_else(|| data.join("postern.toml"), Path::to_owned);
            let file = file.clone().unwrap_or_else(usual);
            if !file.is_file() {
                let text = format!(
                    "{} is no file; name one: postern config check FILE",
                    file.display()
                );
                return Err(Failure::Usage(text));
            }
            let checked = check(&file)?;
            screen.show(&checked, || told(&checked));
            Ok(Outcome::of(checked.well))
        }
        Command::Reference => {
            let sections = references()?;
            screen.show(&sections, || reference::page(&sections));
            Ok(Outcome::Done)
        }
    }
}

/// All problems that any process finds in the file and the environment.
pub(crate) fn problems(file: &Path) -> Result<Vec<String>, Failure> {
    let found = ask_processes(file)?;
    Ok(found.into_iter().map(|one| one.text).collect())
}

fn check(file: &Path) -> Result<Checked, Failure> {
    let mut problems = ask_processes(file)?;
    problems.extend(misspelt_variables(&references()?));
    Ok(Checked {
        file: file.to_owned(),
        well: problems.is_empty(),
        problems,
    })
}

fn ask_processes(file: &Path) -> Result<Vec<Problem>, Failure> {
    let mut problems: Vec<Problem> = Vec::new();
    for process in service_names() {
        let arguments = ["--config".as_ref(), file.as_os_str(), "--check".as_ref()];
        let output = output(process, &arguments)?;
        if output.status.success() {
            continue;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let own = format!("postern-{process}: ");
        let said = said.strip_prefix(&own).unwrap_or(&said);
        let said = said.strip_prefix("configuration: ").unwrap_or(said);
        for line in said.lines() {
            match problems.iter_mut().find(|known| known.text == line) {
                Some(known) => known.processes.push(process),
                None => problems.push(Problem {
                    text: line.to_owned(),
                    processes: vec![process],
                }),
            }
        }
    }
    Ok(problems)
}

/// Variables that no process reads but that look like a key: `POSTERN_LOG_LEVEL`.
fn misspelt_variables(sections: &[Reference]) -> Vec<Problem> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let names = names.filter(|name| name.starts_with("POSTERN_") && !name.contains("__"));
    names
        .filter(|name| !matches!(name.as_str(), "POSTERN_HOSTNAME" | "POSTERN_DATABASE_URL"))
        .filter_map(|name| {
            let meant = sections.iter().find_map(|section| {
                let keys = section.keys.iter();
                keys.map(|key| variable(section, key))
                    .find(|variable| variable.replace("__", "_") == name)
            })?;
            Some(Problem {
                text: format!("{name}: nobody reads this variable; did you mean {meant}?"),
                processes: Vec::new(),
            })
        })
        .collect()
}

/// The variable that overrides a key.
fn variable(section: &Reference, key: &service_kit::config::Key) -> String {
    let parts = [section.section.as_str(), &key.table, &key.name];
    let parts = parts.iter().filter(|part| !part.is_empty());
    let parts: Vec<String> = parts
        .map(|part| {
            part.replace('.', "__")
                .replace('-', "_")
                .to_ascii_uppercase()
        })
        .collect();
    format!("POSTERN_{}", parts.join("__"))
}

fn told(checked: &Checked) -> String {
    let file = checked.file.display();
    if checked.well {
        return format!("{file} is well.");
    }
    let lines: Vec<&str> = checked
        .problems
        .iter()
        .map(|problem| problem.text.as_str())
        .collect();
    lines.join("\n")
}

/// The shared keys, and each process's own section.
fn references() -> Result<Vec<Reference>, Failure> {
    let mut sections = vec![
        Reference::shared(),
        Reference::of::<service_kit::config::KitKeys>("PROCESS"),
    ];
    for process in service_names() {
        let output = output(process, &["--reference".as_ref()])?;
        let section = serde_json::from_slice(&output.stdout).map_err(|error| {
            Failure::System(format!(
                "postern-{process} does not tell its keys ({error}): it is of another version than \
                 this command"
            ))
        })?;
        sections.push(section);
    }
    Ok(sections)
}

fn output(process: &str, arguments: &[&std::ffi::OsStr]) -> Result<std::process::Output, Failure> {
    let program = service_program(process)?;
    Program::new(&program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::System(format!("{} cannot be run: {error}", program.display())))
}
