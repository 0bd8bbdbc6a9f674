//! The reference page of the settings: docs/policy.md.

use std::fmt::Write as _;

use crate::document::settings::SETTINGS;
use crate::document::settings::row::{Class, Setting, Unset};

const HEAD: &str = "\
<!-- Written by `cargo run -p rules --example settings > docs/policy.md`; a test says when it is not up to date. -->

# Settings of the policy

The policy has two sections of receiving rules: `[receiving.trusted]` and `[receiving.untrusted]`.
The `[[trust]]` policies, a login and the network decide whether a session is trusted; `postern explain` shows the
rules that apply to a session, and their results. The columns `trusted` and `untrusted` have the defaults.
`postern policy show` prints the policy, `postern policy apply FILE` applies a changed one.
";

/// The page.
pub fn settings_reference() -> String {
    let mut page = HEAD.to_owned();
    for group in SETTINGS {
        let _ = writeln!(page, "\n## {}", group.title);
        if !group.about.is_empty() {
            let _ = writeln!(page, "\n{}", group.about.join("\n"));
        }
        let _ = write!(
            page,
            "\n| setting | trusted | untrusted | |\n|---|---|---|---|\n"
        );
        for setting in group.rows {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                setting.key,
                unset(setting, true),
                unset(setting, false),
                doc(setting)
            );
        }
    }
    page
}

/// The default of a setting for a class.
fn unset(setting: &Setting, trusted: bool) -> String {
    match (setting.unset(trusted), setting.class) {
        (Unset::Is(value), _) => format!("`{value}`"),
        (_, Class::Trusted(_)) if !trusted => "–".to_owned(),
        (_, Class::Untrusted(_)) if trusted => "–".to_owned(),
        (_, Class::NeverUntrusted(_)) if !trusted => "never".to_owned(),
        (Unset::Off(_) | Unset::Unsaid, _) => "off".to_owned(),
    }
}

fn doc(setting: &Setting) -> String {
    let mut doc = setting.doc.replace('\n', " ");
    let example = [setting.trusted, setting.untrusted]
        .into_iter()
        .find_map(|unset| match unset {
            // The example for a switch is obvious.
            Unset::Off("true") | Unset::Is(_) | Unset::Unsaid => None,
            Unset::Off(example) => Some(example),
        });
    if let Some(example) = example {
        let _ = write!(doc, ". Such as `{example}`");
    }
    doc
}
