//! Memory of the process.

/// Requests pages of the usual size for this process and its threads.
///
/// Transparent huge pages (2 MiB) multiply the memory of a process with many small, scattered values: one
/// octet in a region occupies all of it. The allocator is built not to request them (`no_thp` in the
/// workspace's Cargo.toml), which suffices if the system's setting is `madvise`. This function is for
/// `always` (<https://docs.kernel.org/admin-guide/mm/transhuge.html>).
pub(crate) fn without_huge_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "PR_SET_THP_DISABLE");
    }
}
