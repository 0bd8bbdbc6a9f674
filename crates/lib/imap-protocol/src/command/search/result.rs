//! SEARCH RETURN (RFC 4731, RFC 5182).

use bytes::{BufMut, BytesMut};

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};

/// The options of SEARCH RETURN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchReturn {
    /// The lowest number.
    pub min: bool,
    /// The highest number.
    pub max: bool,
    /// All numbers.
    pub all: bool,
    /// The count.
    pub count: bool,
    /// Store the result as `$` (RFC 5182).
    pub save: bool,
}

impl SearchReturn {
    pub(super) fn parse(cursor: &mut Cursor) -> Result<Self> {
        let mut result = Self::default();
        cursor.list(|cursor| {
            let word = cursor.atom("a return option")?.to_ascii_uppercase();
            match word.as_slice() {
                b"MIN" => result.min = true,
                b"MAX" => result.max = true,
                b"ALL" => result.all = true,
                b"COUNT" => result.count = true,
                b"SAVE" => result.save = true,
                _ => return Err(CommandError::Expected("a return option")),
            }
            Ok(())
        })?;
        // RETURN () means RETURN (ALL).
        if result == Self::default() {
            result.all = true;
        }
        Ok(result)
    }

    pub(super) fn write(self, out: &mut BytesMut) {
        let words = [
            (self.min, "MIN"),
            (self.max, "MAX"),
            (self.all, "ALL"),
            (self.count, "COUNT"),
            (self.save, "SAVE"),
        ];
        let words: Vec<_> = words
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, w)| *w)
            .collect();
        out.put_slice(format!(" RETURN ({})", words.join(" ")).as_bytes());
    }
}
