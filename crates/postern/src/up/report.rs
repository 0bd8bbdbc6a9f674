//! The report of `up` when everything runs: the listeners, and commands to try.

use std::path::Path;

use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;

use super::configuration::{Configuration, Listening};
use super::folder::Folder;
use super::services::SERVICES;

/// The table and the commands to try.
pub(super) fn table(folder: &Folder, configuration: &Configuration) -> String {
    let listeners = configuration.listeners();
    let mut table = Table::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_header(["what", "where", "how"]);
    for listening in &listeners {
        table.add_row([
            title(listening),
            listening.address.to_string(),
            how(listening),
        ]);
    }
    for (service, address) in configuration.metrics() {
        table.add_row([
            format!("metrics of {service}"),
            format!("http://{address}/metrics"),
            "Prometheus".to_owned(),
        ]);
    }
    format!(
        "\n{table}\n\nconfiguration  {}\nlogs           {}\ncertificate    {} (self-signed until you replace it)\n\n{}\n\nCtrl-C drains and stops.",
        configuration.path().display(),
        folder.log("*").display(),
        folder.certificate().display(),
        how_to_try(folder.root(), &listeners),
    )
}

pub(super) fn title(listening: &Listening) -> String {
    let known = SERVICES
        .iter()
        .filter(|kind| kind.name == listening.service)
        .flat_map(|kind| kind.listeners);
    known
        .filter(|known| known.tls == listening.tls && known.role == listening.role.as_deref())
        .map(|known| known.title)
        .next()
        .unwrap_or(listening.service)
        .to_owned()
}

pub(super) fn how(listening: &Listening) -> String {
    let tls = match listening.tls.as_str() {
        "implicit" => "TLS from the start",
        "starttls" if listening.service == "pop3" => "STLS offered",
        "starttls" => "STARTTLS offered",
        _ => "no TLS",
    };
    match listening.role.as_deref() {
        Some("mx") => format!("mail from other servers; {tls}"),
        Some("submission") => format!("mail from users, after login; {tls}"),
        _ => format!("mailboxes, after login; {tls}"),
    }
}

fn how_to_try(data: &Path, listeners: &[Listening]) -> String {
    let postern = command(data);
    let port = |service: &str, tls: &str| {
        let found = listeners
            .iter()
            .find(|l| l.service == service && l.tls == tls);
        found.map(|listening| listening.address)
    };
    let mut lines = vec![
        "Try it, in another terminal:".to_owned(),
        format!("  {postern} domain add example.test"),
        format!("  echo secret | {postern} user add bob@example.test --password-stdin"),
        format!(
            "  {postern} send --from bob@example.test --to bob@example.test --subject Hello --body 'It works.'"
        ),
    ];
    if let Some(imaps) = port("imap", "implicit") {
        lines.push(format!(
            "  curl -k 'imaps://{imaps}/INBOX;MAILINDEX=1' --user bob@example.test:secret"
        ));
    }
    lines.push(format!("  {postern} status"));
    lines.join("\n")
}

/// The call of this program from here, with the data folder if it is not the default.
fn command(data: &Path) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "postern".into());
    let on_path = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join("postern") == program)
    });
    let here = std::env::current_dir().unwrap_or_default();
    let mut text = if on_path {
        "postern".to_owned()
    } else {
        quoted(program.strip_prefix(&here).unwrap_or(&program))
    };
    if data != here.join(".postern") {
        text.push_str(&format!(" --data {}", quoted(data)));
    }
    text
}

/// Quoted for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_as_a_shell_reads_them() {
        for (path, written) in [
            ("/srv/mail-1", "/srv/mail-1"),
            ("/srv/my mail", "'/srv/my mail'"),
            ("/srv/bob's", r"'/srv/bob'\''s'"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(Path::new(path)), written);
        }
        assert!(command(Path::new("/srv/my mail")).ends_with(" --data '/srv/my mail'"));
    }
}
