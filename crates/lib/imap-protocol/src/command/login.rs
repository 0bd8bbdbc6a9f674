//! LOGIN.

use std::fmt;

use bytes::BytesMut;

use crate::cursor::Cursor;
use crate::error::Result;
use crate::wire::{Side, put_astring};

/// `"LOGIN" SP userid SP password`.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Login {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        cursor.space()?;
        let user = cursor.text()?;
        cursor.space()?;
        let password = cursor.text()?;
        Ok(Self { user, password })
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"LOGIN ");
        put_astring(out, self.user.as_bytes(), Side::Client);
        out.extend_from_slice(b" ");
        put_astring(out, self.password.as_bytes(), Side::Client);
    }
}

impl fmt::Debug for Login {
    /// Omits the password, since debug output may be logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}
