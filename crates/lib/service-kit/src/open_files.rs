//! The limit of open connections and files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The share of the system's limit that is reserved for other uses than client connections: connections to
/// other services and to the database, DNS queries, files. One in this number, within the bounds below.
const ONE_FOR: usize = 8;
const AT_LEAST: usize = 128;
const AT_MOST: usize = 4096;

/// Raises the limit to the system's maximum. Shells and service managers set it to 1024 for programs that use
/// `select`, and leave it to others to raise it.
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
    tracing::debug!(limit = maximum, "open files");
}

/// File descriptors for each of this many listeners.
pub(crate) fn for_each_of(listeners: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let limit = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    share(limit, listeners)
}

fn share(limit: usize, listeners: usize) -> usize {
    let reserve = (limit / ONE_FOR).clamp(AT_LEAST, AT_MOST).min(limit / 2);
    (limit - reserve) / listeners.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_share_what_is_left_beside_a_reserve() {
        assert_eq!(share(20_000, 3), 5_833);
        assert_eq!(share(1_024, 2), 448);
        assert_eq!(share(1_000_000, 1), 995_904);
        // With a low limit, half of it is reserved.
        assert_eq!(share(100, 2), 25);
        assert_eq!(share(0, 0), 0);
        assert!(share(usize::MAX, 3) > usize::MAX / 4);
    }
}
