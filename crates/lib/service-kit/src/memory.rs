//! Memory of the process.

/// Asks the system for pages of the usual size, for this process and its threads.
///
/// Transparent huge pages (2 MiB) make a process of many small, scattered values several times as
/// large: one octet of a region takes all of it. The allocator is built so that it does not ask for
/// them (`no_thp` in the workspace's Cargo.toml), which suffices where the system's setting is
/// `madvise`; this is for `always`
/// (<https://docs.kernel.org/admin-guide/mm/transhuge.html>).
pub(crate) fn without_huge_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "PR_SET_THP_DISABLE");
    }
}
