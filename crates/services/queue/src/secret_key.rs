//! The key under which the policy's secrets are sealed: whether the file holds the right one is found out
//! at the start, by something known that is kept beside the secrets, and not when a gateway's password is
//! needed.

use std::path::Path;

use anyhow::{Context as _, ensure};
use sqlx::PgConnection;
use vault::{Sealed, Vault};

use crate::sql::secrets;

/// What is sealed, and under which name: no secret can have one with a space in it.
const KNOWN: &[u8] = b"Postern";
const NAME: &str = "known text";

/// Opens the key. One is made only while there is nothing that a lost one would be needed for, and
/// another than that of the stored secrets is refused, unless it is to `replace` that one.
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
        // From before there was one.
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

/// Whether the queues have this key: what another sealed would be of no use to them.
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
