//! A message that is at hand as a whole.

use api::message::v1::{Content, content};
use bytes::Bytes;
use message::{ScanError, Scanner};

use crate::summary;

/// The content of a message whose text goes inline, however large it is.
///
/// # Errors
/// When the message breaks a limit of the scanner.
pub fn content(message: &[u8]) -> Result<Content, ScanError> {
    let mut scanner = Scanner::new();
    let text = Bytes::copy_from_slice(&scanner.push(message)?);
    let scanned = scanner.finish()?;
    Ok(Content {
        header: scanned.header,
        text_size: text.len() as u64,
        text: Some(content::Text::Inline(text)),
        summary: Some(summary(scanned.summary)),
    })
}
