//! ENABLE (RFC 5161).

use bytes::BytesMut;

use crate::cursor::Cursor;
use crate::error::Result;

/// The extensions to enable, in capitals. The session ignores unknown ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enable(pub Vec<String>);

impl Enable {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        let mut names = Vec::new();
        cursor.space()?;
        loop {
            let name = cursor.atom("a capability")?;
            names.push(String::from_utf8_lossy(&name).to_ascii_uppercase());
            if !cursor.eat(b' ') {
                return Ok(Self(names));
            }
        }
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"ENABLE");
        for name in &self.0 {
            out.extend_from_slice(b" ");
            out.extend_from_slice(name.as_bytes());
        }
    }
}
