//! The key that seals the policy's secrets. A known text, sealed and stored beside the secrets, shows at the
//! start whether the file holds the right key, and not only when a gateway's password is needed.

use std::path::Path;

use anyhow::{Context as _, ensure};
use sqlx::PgConnection;
use vault::{Sealed, Vault};

use crate::sql::secrets;

/// The known text, and the name it is sealed under. No secret can have a name with a space.
const KNOWN: &[u8] = b"Postern";
const NAME: &str = "known text";

/// Opens the key. It is created only while no stored secret needs a former one. A key that does not match the
/// stored secrets is refused unless it is to `replace` theirs.
pub(crate) async fn open(
    path: &Path,
    replace: bool,
    connection: &mut PgConnection,
) -> anyhow::Result<Vault> {
    let stored = secrets::all(connection).await?;
    let there = path
        .try_exists()
        .with_context(|| format!("looking for {}", path.display()))?;
    ensure!(
        there || replace || stored.is_empty(),
        "{path} is missing, and {count} secret(s) are stored that only its key opens ({names}). {advice}",
        path = path.display(),
        count = stored.len(),
        names = named(&stored),
        advice = ADVICE,
    );
    let vault = Vault::open(path).context("opening the key for secrets")?;
    let (open, closed): (Vec<_>, Vec<_>) = stored
        .into_iter()
        .partition(|(name, sealed)| vault.unseal(name, sealed.clone()).is_ok());
    let known = secrets::known(connection).await?;
    let fits = match &known {
        Some(known) => opens(&vault, known),
        // Stored by a version without the known text.
        None => !open.is_empty() || closed.is_empty(),
    };
    if !fits && !closed.is_empty() {
        ensure!(
            replace,
            "{path} holds another key than the one under which {count} secret(s) are stored ({names}). {advice}",
            path = path.display(),
            count = closed.len(),
            names = named(&closed),
            advice = ADVICE,
        );
    }
    if !fits || known.is_none() {
        if known.is_some() {
            let path = path.display();
            tracing::warn!(
                "{path} holds another key than the queue had before: from now on it is this one. Queues that run \
                 side by side must share the file"
            );
        }
        let sealed = vault.seal(NAME, KNOWN)?;
        secrets::set_known(connection, &sealed).await?;
    }
    if !closed.is_empty() {
        tracing::error!(
            "{} stored secret(s) do not open with the key in {} ({}): set them again with `postern secret set`",
            closed.len(),
            path.display(),
            named(&closed)
        );
    }
    Ok(vault)
}

/// Whether the stored secrets use this key. Secrets sealed under another key are useless to the queues.
pub(crate) async fn is_shared(
    vault: &Vault,
    connection: &mut PgConnection,
) -> Result<bool, sqlx::Error> {
    let known = secrets::known(connection).await?;
    Ok(known.is_none_or(|known| opens(vault, &known)))
}

const ADVICE: &str = "Put the right file back; queues that run side by side share it. If the key is lost, start once \
    with `replace-secret-key = true` in [queue] (a missing file is made anew then), and set these secrets again with \
    `postern secret set`";

fn opens(vault: &Vault, known: &Sealed) -> bool {
    vault
        .unseal(NAME, known.clone())
        .is_ok_and(|text| text == KNOWN)
}

fn named(secrets: &[(String, Sealed)]) -> String {
    let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    names.join(", ")
}
