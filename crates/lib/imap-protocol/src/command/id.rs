//! ID (RFC 2971).

use bytes::{Bytes, BytesMut};

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};
use crate::wire::{Side, put_nstring, put_string};

/// The client's description of itself: fields and values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Id(pub Vec<(Bytes, Option<Bytes>)>);

/// RFC 2971 §3.3.
const MOST_FIELDS: usize = 30;

impl Id {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        cursor.space()?;
        if cursor.eat_word("NIL") {
            return Ok(Self::default());
        }
        let fields = cursor.list(|cursor| {
            let field = cursor.string()?;
            cursor.space()?;
            Ok((field, cursor.nstring()?))
        })?;
        if fields.len() > MOST_FIELDS {
            return Err(CommandError::Expected("fewer fields"));
        }
        Ok(Self(fields))
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"ID ");
        if self.0.is_empty() {
            out.extend_from_slice(b"NIL");
            return;
        }
        for (index, (field, value)) in self.0.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"(" } else { b" " });
            put_string(out, field, Side::Client);
            out.extend_from_slice(b" ");
            put_nstring(out, value.as_deref(), Side::Client);
        }
        out.extend_from_slice(b")");
    }
}
