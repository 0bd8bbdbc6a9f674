//! Reports refusals of a front end to the queue, for `postern refusals list`.
//!
//! Sessions never wait: a session adds a refusal to a buffer in memory, and a separate task reports the
//! buffer. Refusals that do not fit or cannot be reported are dropped and counted.

mod buffer;
mod verdicts;

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{Counter, counter};
use sasl::LoginFault;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use crate::clock::now_ms;
use crate::grpc::{Channel, Status};
use crate::queue::v1::refusals_client::RefusalsClient;
use crate::queue::v1::{Refusal, ReportRefusalsRequest};
use buffer::Buffer;
pub use verdicts::VERDICTS;

/// Delay of the first report after a quiet time: an administrator who looks soon finds it.
const SOON: Duration = Duration::from_millis(200);

/// Interval between reports. Repetitions within it become one row.
const INTERVAL: Duration = Duration::from_secs(5);

/// Time limit for a report.
const REPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time limit for the last report, at the end of the process.
const LAST_REPORT_TIMEOUT: Duration = Duration::from_secs(2);

/// Characters of a name that are shown.
const LONGEST_NAME: usize = 320;

/// A handle; clones share the buffer. The task ends with the process.
#[derive(Clone)]
pub struct Refusals {
    /// None if nothing is recorded.
    shared: Option<Arc<Shared>>,
}

struct Shared {
    buffer: Mutex<Buffer>,
    something: Notify,
    queue: RefusalsClient<Channel>,
    lost: Counter,
}

/// A name chosen by a client, safe for logs: limited in length, with special characters escaped.
pub fn shown(name: &str) -> String {
    let escaped = |letter: char| match letter {
        '\'' | '"' => letter.to_string(),
        letter => letter.escape_debug().to_string(),
    };
    name.chars().take(LONGEST_NAME).map(escaped).collect()
}

/// The verdict on a correct login of a user who already has the maximum number of connections.
pub const TOO_MANY_CONNECTIONS: &str = "login-too-many-connections";

/// The verdict on a failed TLS handshake.
pub const TLS_HANDSHAKE: &str = "tls-handshake";

/// A refused login; `name` is the attempted one.
pub fn failed_login(peer: IpAddr, listener: &str, name: &str, verdict: &str) -> Refusal {
    let at_ms = now_ms();
    Refusal {
        at_ms,
        last_at_ms: at_ms,
        count: 1,
        peer_address: peer.to_canonical().to_string(),
        login: name.to_owned(),
        listener: listener.to_owned(),
        verdict: verdict.to_owned(),
        ..Refusal::default()
    }
}

/// A failed TLS handshake.
fn failed_handshake(peer: IpAddr, listener: &str, reason: &str) -> Refusal {
    Refusal {
        reasons: vec![reason.to_owned()],
        ..failed_login(peer, listener, "", TLS_HANDSHAKE)
    }
}

impl Refusals {
    /// Reports to `queue`, if given, at most this number of rows a minute. 0 disables reports.
    pub fn start(queue: Option<Channel>, rows_a_minute: u32) -> Self {
        let Some(queue) = queue.filter(|_| rows_a_minute > 0) else {
            return Self { shared: None };
        };
        let shared = Arc::new(Shared {
            buffer: Mutex::new(Buffer::new(rows_a_minute)),
            something: Notify::new(),
            queue: RefusalsClient::new(queue),
            lost: counter!("postern_refusals_not_kept_total"),
        });
        let reported = Arc::clone(&shared);
        tokio::spawn(async move { reported.report_for_ever().await });
        Self {
            shared: Some(shared),
        }
    }

    /// Adds a refusal. Never waits.
    pub fn note(&self, refusal: Refusal) {
        debug_assert!(
            verdicts::is_verdict(&refusal.verdict),
            "{} is missing in VERDICTS",
            refusal.verdict
        );
        let Some(shared) = &self.shared else { return };
        let kept = shared.buffer(|buffer| buffer.note(refusal));
        if !kept {
            shared.lost.increment(1);
        }
        shared.something.notify_one();
    }

    /// Logs and records a login that the front end refuses without the directory.
    pub fn note_login(&self, peer: IpAddr, listener: &str, fault: &LoginFault) {
        let (name, verdict) = (fault.login(), fault.verdict());
        tracing::info!(%peer, listener, login = shown(name), verdict, "login refused");
        let mut refusal = failed_login(peer, listener, name, verdict);
        refusal.reasons.push(fault.reason());
        self.note(refusal);
    }

    /// Logs, counts and records a failed TLS handshake.
    pub fn note_handshake(&self, peer: IpAddr, listener: &str, error: &dyn Display) {
        tracing::info!(%peer, listener, %error, "handshake failed");
        counter!("postern_failed_handshakes_total").increment(1);
        self.note(failed_handshake(peer, listener, &error.to_string()));
    }

    /// Reports the rest at the end of the process.
    pub async fn finish(&self) {
        if let Some(shared) = &self.shared
            && let Err(status) = shared.report(LAST_REPORT_TIMEOUT).await
        {
            tracing::debug!(%status, "the last refusals could not be reported");
        }
    }
}

impl Shared {
    async fn report_for_ever(&self) {
        let mut next = Instant::now();
        loop {
            self.something.notified().await;
            sleep_until(next.max(Instant::now() + SOON)).await;
            if let Err(status) = self.report(REPORT_TIMEOUT).await {
                tracing::debug!(%status, "refusals could not be reported; the report will be repeated");
                self.something.notify_one();
            }
            next = Instant::now() + INTERVAL;
        }
    }

    async fn report(&self, patience: Duration) -> Result<(), Status> {
        let refusals = self.buffer(Buffer::take);
        if refusals.is_empty() {
            return Ok(());
        }
        let request = ReportRefusalsRequest {
            refusals: refusals.clone(),
        };
        let mut queue = self.queue.clone();
        let reported = timeout(patience, queue.report_refusals(request))
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("the queue does not answer")));
        match reported {
            Ok(_) => Ok(()),
            Err(status) => {
                let lost = self.buffer(|buffer| buffer.put_back(refusals));
                self.lost.increment(lost);
                Err(status)
            }
        }
    }

    fn buffer<T>(&self, use_it: impl FnOnce(&mut Buffer) -> T) -> T {
        let buffer = self.buffer.lock();
        use_it(&mut buffer.unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_without_what_would_change_a_screen() {
        assert_eq!(shown("o'brien@x.test"), "o'brien@x.test");
        assert_eq!(
            shown("a\r\n\x1b[31m\u{202e}b"),
            "a\\r\\n\\u{1b}[31m\\u{202e}b"
        );
        assert_eq!(shown(&"x".repeat(10_000)).len(), LONGEST_NAME);
    }
}
