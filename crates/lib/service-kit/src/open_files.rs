//! How many connections and files the process may hold open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Below this a front end meets the system's limit before its own.
const FEW: u64 = 10_000;

/// Raises the limit to what the system allows. Shells and service managers set it to 1024 for the
/// sake of programs that use `select`, and leave it to others to ask for more.
pub(crate) fn allow_many() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, current, maximum, "the limit of open files was not raised");
        return;
    }
    match maximum {
        Some(most) if most < FEW => tracing::warn!(
            limit = most,
            "few connections fit under the limit of open files; raise it (`ulimit -Hn`, LimitNOFILE)"
        ),
        most => tracing::debug!(limit = most, "open files"),
    }
}
