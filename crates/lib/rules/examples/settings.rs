//! Prints docs/policy.md.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(rules::settings_reference().as_bytes())
}
