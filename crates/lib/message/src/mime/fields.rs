//! The MIME fields of a part.

use crate::header::{
    Disposition, Field, MediaType, Parameter, disposition, languages, media_type, unfold,
};

/// The MIME fields of a part (RFC 2045, RFC 2183, RFC 3282, RFC 2557), with defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mime {
    pub(crate) media_type: MediaType,
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) description: Option<Vec<u8>>,
    pub(crate) encoding: Option<Vec<u8>>,
    pub(crate) md5: Option<Vec<u8>>,
    pub(crate) disposition: Option<Disposition>,
    pub(crate) languages: Vec<Vec<u8>>,
    pub(crate) location: Option<Vec<u8>>,
}

/// Collects the MIME fields of a header section; the first of each counts.
#[derive(Debug, Default)]
pub(crate) struct MimeFields<'a> {
    kind: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
    description: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
    md5: Option<&'a [u8]>,
    disposition: Option<&'a [u8]>,
    language: Option<&'a [u8]>,
    location: Option<&'a [u8]>,
}

impl<'a> MimeFields<'a> {
    pub(crate) fn take(&mut self, field: &Field<'a>) {
        let Some((b"content-" | b"Content-" | b"CONTENT-", _)) = field.name.split_at_checked(8)
        else {
            return self.take_oddly_written(field);
        };
        self.take_content(field);
    }

    fn take_oddly_written(&mut self, field: &Field<'a>) {
        if field.name.len() > 8 && field.name[..8].eq_ignore_ascii_case(b"content-") {
            self.take_content(field);
        }
    }

    fn take_content(&mut self, field: &Field<'a>) {
        let slot = match field.name.len() {
            10 if field.is("Content-ID") => &mut self.id,
            11 if field.is("Content-MD5") => &mut self.md5,
            12 if field.is("Content-Type") => &mut self.kind,
            16 if field.is("Content-Language") => &mut self.language,
            16 if field.is("Content-Location") => &mut self.location,
            19 if field.is("Content-Description") => &mut self.description,
            19 if field.is("Content-Disposition") => &mut self.disposition,
            25 if field.is("Content-Transfer-Encoding") => &mut self.encoding,
            _ => return,
        };
        slot.get_or_insert(field.value);
    }

    /// `in_digest`: the default is message/rfc822 (RFC 2046 §5.1.5).
    pub(crate) fn read(&self, in_digest: bool) -> Mime {
        let mut media_type = match self.kind {
            // An invalid type counts as plain text (RFC 2045 §5.2).
            Some(value) => media_type(value).unwrap_or_else(MediaType::plain),
            None if in_digest => MediaType::of(b"message", b"rfc822"),
            None => MediaType::plain(),
        };
        default_charset(&mut media_type);
        Mime {
            media_type,
            id: text(self.id),
            description: text(self.description),
            encoding: self.encoding.and_then(first_word),
            md5: text(self.md5),
            disposition: self.disposition.and_then(disposition),
            languages: self.language.map(languages).unwrap_or_default(),
            location: text(self.location),
        }
    }
}

impl Mime {
    /// The replacement for a multipart without parts to show.
    pub(crate) fn degrade(&mut self, kind: &[u8], subtype: &[u8]) {
        self.media_type = MediaType::of(kind, subtype);
        default_charset(&mut self.media_type);
    }

    /// The approximate length of its strings in a structure.
    pub(crate) fn weight(&self) -> usize {
        let parameters = |list: &[Parameter]| -> usize {
            list.iter()
                .map(|parameter| written(&parameter.name) + written(&parameter.value))
                .sum()
        };
        let texts = [
            &self.id,
            &self.description,
            &self.encoding,
            &self.md5,
            &self.location,
        ];
        written(&self.media_type.kind)
            + written(&self.media_type.subtype)
            + parameters(&self.media_type.parameters)
            + texts
                .into_iter()
                .flatten()
                .map(|text| written(text))
                .sum::<usize>()
            + self
                .languages
                .iter()
                .map(|text| written(text))
                .sum::<usize>()
            + self.disposition.as_ref().map_or(0, |disposition| {
                written(&disposition.kind) + parameters(&disposition.parameters)
            })
    }

    /// Drops everything but the type and the encoding when there is no room.
    pub(crate) fn keep_type(&mut self) {
        const LONGEST: usize = 40;
        let mut media_type = if self.media_type.kind.len() + self.media_type.subtype.len() > LONGEST
        {
            MediaType::of(b"application", b"octet-stream")
        } else {
            MediaType::of(&self.media_type.kind, &self.media_type.subtype)
        };
        default_charset(&mut media_type);
        *self = Self {
            media_type,
            id: None,
            description: None,
            encoding: self.encoding.take().filter(|name| name.len() <= LONGEST),
            md5: None,
            disposition: None,
            languages: Vec::new(),
            location: None,
        };
    }

    /// The boundary of a multipart, without trailing white space.
    pub(crate) fn boundary(&self) -> Option<&[u8]> {
        self.media_type
            .parameter("boundary")
            .map(<[u8]>::trim_ascii_end)
            .filter(|boundary| !boundary.is_empty())
    }
}

/// The default charset of text is US-ASCII (RFC 2046 §4.1.2); structures state it.
fn default_charset(media_type: &mut MediaType) {
    if media_type.is("text", "*") && media_type.parameter("charset").is_none() {
        media_type.parameters.push(Parameter {
            name: b"charset".to_vec(),
            value: b"us-ascii".to_vec(),
        });
    }
}

/// The written length of a string, with its quotes or literal length.
fn written(text: &[u8]) -> usize {
    let escaped = text.iter().filter(|octet| matches!(octet, b'"' | b'\\'));
    text.len() + escaped.count() + 10
}

fn text(value: Option<&[u8]>) -> Option<Vec<u8>> {
    value.map(|value| unfold(value).into_owned())
}

fn first_word(value: &[u8]) -> Option<Vec<u8>> {
    let value = unfold(value);
    let end = value
        .iter()
        .position(|byte| matches!(byte, b' ' | b'\t' | b';' | b'('))
        .unwrap_or(value.len());
    Some(value[..end].to_vec()).filter(|word| !word.is_empty())
}
