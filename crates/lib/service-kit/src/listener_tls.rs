//! TLS of the mail listeners: one certificate, read again when its files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use crate::config::TlsConfig;
use crate::{Error, pem};

/// What a listener needs to speak TLS. `session-io` takes it by this name too.
pub type ServerTls = rustls::ServerConfig;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(30);

/// Reads the certificate, and goes on reading it whenever it changes, until `shutdown`.
pub(crate) fn load(
    config: &TlsConfig,
    shutdown: CancellationToken,
) -> Result<Arc<ServerTls>, Error> {
    let reloading = Arc::new(Reloading::read(config)?);
    let watched = Arc::clone(&reloading);
    tokio::spawn(shutdown.run_until_cancelled_owned(async move { watched.watch().await }));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut tls = ServerTls::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Certificate(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(reloading);
    // Tickets hold the session's state, so that none is kept here for clients that come back.
    tls.ticketer =
        aws_lc_rs::Ticketer::new().map_err(|error| Error::Certificate(error.to_string()))?;
    tls.send_tls13_tickets = 1;
    Ok(Arc::new(tls))
}

/// The certificate in use, and the files it came from.
#[derive(Debug)]
struct Reloading {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
    changed: ArcSwap<Stamp>,
}

/// When the two files were last changed.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(Option<SystemTime>, Option<SystemTime>);

impl Reloading {
    fn read(config: &TlsConfig) -> Result<Self, Error> {
        let stamp = stamp(&config.certificate, &config.key);
        Ok(Self {
            certificate: config.certificate.clone(),
            key: config.key.clone(),
            current: ArcSwap::from_pointee(certified_key(&config.certificate, &config.key)?),
            changed: ArcSwap::from_pointee(stamp),
        })
    }

    async fn watch(&self) {
        let mut timer = tokio::time::interval(INTERVAL);
        loop {
            timer.tick().await;
            self.reload_if_changed();
        }
    }

    /// A pair that cannot be used is left aside: the one in use stays. True when it was replaced.
    fn reload_if_changed(&self) -> bool {
        let stamp = stamp(&self.certificate, &self.key);
        if **self.changed.load() == stamp {
            return false;
        }
        self.changed.store(Arc::new(stamp));
        match certified_key(&self.certificate, &self.key) {
            Ok(pair) => {
                tracing::info!(certificate = %self.certificate.display(), "certificate reloaded");
                self.current.store(Arc::new(pair));
                true
            }
            Err(error) => {
                tracing::error!(%error, "the changed certificate cannot be used; the old one stays");
                false
            }
        }
    }
}

impl ResolvesServerCert for Reloading {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    let changed = |path: &Path| {
        std::fs::metadata(path)
            .and_then(|data| data.modified())
            .ok()
    };
    Stamp(changed(certificate), changed(key))
}

fn certified_key(certificate: &Path, key: &Path) -> Result<CertifiedKey, Error> {
    let chain = pem::certificates(certificate)?;
    let private = pem::private_key(key)?;
    let provider: CryptoProvider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, private, &provider)
        .map_err(|error| pem::wrong(certificate, &error.to_string()))
}

#[cfg(test)]
mod tests;
