//! The sources of configuration values: one file and the environment.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};

use super::place;
use super::problem::Problem;
use crate::Error;

const PREFIX: &str = "POSTERN_";

/// A file merged with the variables.
#[derive(Debug)]
pub(crate) struct Source {
    file: PathBuf,
    text: String,
    variables: Vec<Variable>,
    values: Dict,
}

/// An environment variable with a configuration value.
#[derive(Debug)]
struct Variable {
    name: String,
    /// `["smtp-server", "max-connections"]`
    path: Vec<String>,
}

/// The environment variables that may hold configuration.
pub(crate) fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

impl Source {
    /// Reads `file`; variables override it.
    pub(crate) fn read(
        file: &Path,
        file_required: bool,
        environment: &[(String, String)],
    ) -> Result<Self, Error> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !file_required => {
                String::new()
            }
            Err(error) => return Err(Error::file(file, error)),
        };
        if let Some(reason) = place::not_toml(&text) {
            return Err(Error::Config(format!("{}, {reason}", file.display())));
        }
        let mut figment = Figment::new().merge(Toml::string(&text));
        let mut variables = Vec::new();
        for (name, text) in environment {
            let Some(path) = path_of_variable(name) else {
                continue;
            };
            let Ok(value) = text.parse::<Value>();
            figment = figment.merge((path.as_str(), value));
            variables.push(Variable {
                name: name.clone(),
                path: path.split('.').map(str::to_owned).collect(),
            });
        }
        let values = figment
            .extract()
            .map_err(|error| Error::Config(format!("{}: {error}", file.display())))?;
        Ok(Self {
            file: file.to_owned(),
            text,
            variables,
            values,
        })
    }

    /// All values.
    pub(crate) fn values(&self) -> &Dict {
        &self.values
    }

    /// The error as a sentence with its position: `postern.toml, line 7: [pop3] max-conections: no such key;
    /// did you mean max-connections?`
    pub(crate) fn describe(&self, problem: &Problem) -> String {
        let key = problem.key();
        let text = &problem.text;
        let variable = self
            .variables
            .iter()
            .find(|variable| problem.path.starts_with(&variable.path))
            // A section that occurs only in variables.
            .or_else(|| {
                self.variables.iter().find(|variable| {
                    variable.path.starts_with(&problem.path)
                        && place::line(&self.text, &problem.path).is_none()
                })
            });
        if let Some(variable) = variable {
            return format!("{}: {key}: {text}", variable.name);
        }
        let file = self.file.display();
        match place::line(&self.text, &problem.path) {
            Some(line) => format!("{file}, line {line}: {key}: {text}"),
            None => format!("{file}: {key}: {text}"),
        }
    }
}

/// `POSTERN_SMTP_SERVER__MAX_CONNECTIONS` is `smtp-server.max-connections`. Variables without `__` belong to
/// the command line, except for the two in common use.
fn path_of_variable(name: &str) -> Option<String> {
    let name = name.strip_prefix(PREFIX)?;
    match name {
        "DATABASE_URL" => Some("database.url".to_owned()),
        "HOSTNAME" => Some("hostname".to_owned()),
        _ if name.contains("__") => Some(
            name.to_ascii_lowercase()
                .replace("__", ".")
                .replace('_', "-"),
        ),
        _ => None,
    }
}
