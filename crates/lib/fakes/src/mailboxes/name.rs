//! Names of mailboxes.

use api::grpc::Status;

/// The stored form of a name: INBOX in capitals, without a trailing `/`.
pub(super) fn canonical(name: &str) -> Result<String, Status> {
    let name = name.strip_suffix('/').unwrap_or(name);
    let unfit = name.split('/').any(str::is_empty)
        || name.contains(['%', '*'])
        || name.chars().any(char::is_control);
    if unfit {
        return Err(Status::invalid_argument("no name of a mailbox"));
    }
    let (first, rest) = name.split_at(name.find('/').unwrap_or(name.len()));
    Ok(if first.eq_ignore_ascii_case("INBOX") {
        format!("INBOX{rest}")
    } else {
        name.to_owned()
    })
}

/// Its parents, from the top.
pub(super) fn superiors(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').map(|(at, _)| &name[..at])
}

/// The new name after `from`, the name or a parent, is renamed to `to`.
pub(super) fn renamed(name: &str, from: &str, to: &str) -> Option<String> {
    let rest = name.strip_prefix(from)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
}
