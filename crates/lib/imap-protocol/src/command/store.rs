//! STORE.

use bytes::BytesMut;

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};
use crate::{Flags, MessageSet};

/// The change of the flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreMode {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// `"STORE" SP sequence-set SP store-att-flags`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The messages.
    pub messages: MessageSet,
    /// The change.
    pub mode: StoreMode,
    /// `.SILENT`: the new flags are not returned.
    pub silent: bool,
    /// The flags.
    pub flags: Flags,
}

impl Store {
    pub(crate) fn parse(cursor: &mut Cursor, uid: bool) -> Result<Self> {
        let messages = MessageSet::parse(cursor, uid)?;
        cursor.space()?;
        let word = cursor.atom("FLAGS")?.to_ascii_uppercase();
        let (word, silent) = match word.strip_suffix(b".SILENT") {
            Some(word) => (word, true),
            None => (word.as_slice(), false),
        };
        let mode = match word {
            b"FLAGS" => StoreMode::Replace,
            b"+FLAGS" => StoreMode::Add,
            b"-FLAGS" => StoreMode::Remove,
            _ => return Err(CommandError::Expected("FLAGS")),
        };
        cursor.space()?;
        let flags = if cursor.peek() == Some(b'(') {
            cursor.flag_list()?
        } else {
            let mut flags = Flags::default();
            cursor.flag(&mut flags)?;
            while cursor.eat(b' ') {
                cursor.flag(&mut flags)?;
            }
            flags
        };
        Ok(Self {
            messages,
            mode,
            silent,
            flags,
        })
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        self.messages.write("STORE", out);
        let mode = match self.mode {
            StoreMode::Replace => "",
            StoreMode::Add => "+",
            StoreMode::Remove => "-",
        };
        let silent = if self.silent { ".SILENT" } else { "" };
        let names: Vec<_> = self.flags.names().collect();
        let text = format!(" {mode}FLAGS{silent} ({})", names.join(" "));
        out.extend_from_slice(text.as_bytes());
    }
}
