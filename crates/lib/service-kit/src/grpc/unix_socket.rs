//! A Unix socket that only this process's user may open.

use std::fs::{self, DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use tokio::net::UnixListener;

use crate::Error;

const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// A bound socket.
pub(crate) struct UnixSocket {
    pub(crate) listener: UnixListener,
}

/// Binds `path` with mode 0600. A socket without a listener is replaced; any other file is left alone and is
/// an error.
pub(crate) fn bind(path: &Path) -> Result<UnixSocket, Error> {
    let failed = |reason: String| Error::Socket {
        path: path.to_owned(),
        reason,
    };
    check_folder(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    remove_stale(path).map_err(failed)?;
    let listener = UnixListener::bind(path).map_err(|error| failed(error.to_string()))?;
    fs::set_permissions(path, Permissions::from_mode(0o600))
        .map_err(|error| failed(error.to_string()))?;
    Ok(UnixSocket { listener })
}

/// Removes the socket of a process that ends. A missing socket is no error.
pub(crate) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::debug!(path = %path.display(), %error, "the socket was not removed");
    }
}

/// The folder must not allow other users to replace the socket.
fn check_folder(folder: &Path) -> Result<(), String> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    match fs::metadata(folder) {
        Ok(metadata) if !metadata.is_dir() => Err(format!("{} is no folder", folder.display())),
        Ok(metadata) => {
            let mode = metadata.mode();
            if mode & GROUP_OR_OTHERS_WRITE != 0 && mode & STICKY == 0 {
                return Err(format!(
                    "others may write to {}: its mode is {:o}, it must be 0700 or 0755",
                    folder.display(),
                    mode & 0o7777
                ));
            }
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display())),
        Err(error) => Err(format!("{}: {error}", folder.display())),
    }
}

fn remove_stale(path: &Path) -> Result<(), String> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    if !metadata.file_type().is_socket() {
        return Err("a file that is not a socket exists there".to_owned());
    }
    match UnixStream::connect(path) {
        Ok(_) => Err("another process listens there".to_owned()),
        Err(_) => fs::remove_file(path).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests;
