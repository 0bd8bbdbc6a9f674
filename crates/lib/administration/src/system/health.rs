//! The health of the processes, as they answer for it.

use service_kit::Endpoint;
use service_kit::survey::{self, Condition};

use super::{Process, System};

impl System {
    /// Asks a process, or all its replicas, for its health. At least one answer.
    pub(crate) async fn health(&self, process: &Process) -> Vec<Condition> {
        let endpoints = match Endpoint::several(&process.endpoint) {
            Ok(endpoints) => endpoints,
            Err(error) => return vec![Condition::Unreachable(format!("{error}"))],
        };
        let mut found = Vec::new();
        for endpoint in &endpoints {
            let tls = self.internal_tls.as_ref();
            found.extend(survey::survey(&process.name, endpoint, tls).await);
        }
        let endpoint = &process.endpoint;
        let seen = |condition| match condition {
            Condition::Down(_) if process.perhaps_elsewhere => {
                Condition::Unreachable(format!("nobody answers at {endpoint} on this machine"))
            }
            other => other,
        };
        found.into_iter().map(seen).collect()
    }
}
