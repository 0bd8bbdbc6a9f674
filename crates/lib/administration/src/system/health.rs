//! Health checks of the processes.

use futures::future::join_all;
use service_kit::Endpoint;
use service_kit::survey::{self, Condition};

use super::{Process, System};

impl System {
    /// Checks a process, all its replicas in parallel. Returns at least one answer.
    pub(crate) async fn health(&self, process: &Process) -> Vec<Condition> {
        let endpoints = match Endpoint::several(&process.endpoint) {
            Ok(endpoints) => endpoints,
            Err(error) => return vec![Condition::Unreachable(format!("{error}"))],
        };
        let tls = self.internal_tls.as_ref();
        let asked = endpoints
            .iter()
            .map(|endpoint| survey::survey(&process.name, endpoint, tls));
        let found = join_all(asked).await;
        let endpoint = &process.endpoint;
        let seen = |condition| match condition {
            Condition::Down(_) if process.perhaps_elsewhere => {
                Condition::Unreachable(format!("nobody answers at {endpoint} on this machine"))
            }
            other => other,
        };
        found.into_iter().flatten().map(seen).collect()
    }
}
