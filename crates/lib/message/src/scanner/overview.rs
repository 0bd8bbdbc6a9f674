//! The summary of a message, from its header section and its tree of parts.

use bytes::Bytes;

use super::SCANNER_VERSION;
use crate::decode;
use crate::header::{Address, Parameter, addresses, fields, message_ids, unfold};
use crate::mime::{Mime, Node, Tree};
use crate::shown::{MAX_SHOWN, cut, without_nul};
use crate::sort::{SortKeys, references};
use crate::wire::{EnvelopeFields, Form, envelope, structure};
use crate::{Part, Summary};

/// Maximum octets of addresses in the message's ENVELOPE.
const MAX_ENVELOPE: usize = 192 * 1024;
/// Maximum octets of names, languages and locations of all parts together.
const MAX_PART_STRINGS: usize = 256 * 1024;
/// Maximum number of languages of a part.
const MAX_LANGUAGES: usize = 20;

pub(super) fn summary(header: &[u8], tree: &Tree, lines: u64) -> Summary {
    let mut taken = EnvelopeFields::default();
    for field in fields(header) {
        taken.take(&field);
    }
    let mut wire = Vec::with_capacity(512);
    envelope(&taken, MAX_ENVELOPE, &mut wire);
    let subject = taken.subject.map(decode::unstructured);
    let subject = without_nul(subject.unwrap_or_default());
    Summary {
        scanner_version: SCANNER_VERSION,
        envelope: Bytes::from(wire),
        body_structure: written(tree, Form::Extended),
        body: written(tree, Form::Basic),
        parts: parts(tree),
        sent_at: taken.date.and_then(decode::date),
        message_id: taken.message_id.map(message_id).unwrap_or_default(),
        in_reply_to: taken.in_reply_to.map(references).unwrap_or_default(),
        references: taken.references.map(references).unwrap_or_default(),
        sort: SortKeys::of(&taken, &subject),
        subject: cut(subject),
        from: taken
            .from
            .map(|value| cut(shown(value)))
            .unwrap_or_default(),
        lines,
    }
}

fn written(tree: &Tree, form: Form) -> Bytes {
    let mut wire = Vec::with_capacity(128);
    structure(tree, 0, form, &mut wire);
    Bytes::from(wire)
}

/// The first valid Message-ID; without one the field's text, for display.
fn message_id(value: &[u8]) -> Bytes {
    if let Some(id) = message_ids(value).next() {
        return id;
    }
    let value = unfold(value);
    let inner = match memchr::memchr(b'<', &value) {
        Some(at) => &value[at + 1..],
        None => &value[..],
    };
    let end = memchr::memchr(b'>', inner).unwrap_or(inner.len());
    Bytes::copy_from_slice(&inner[..end.min(MAX_SHOWN)])
}

/// `Bob <bob@example.test>, eve@example.test`
fn shown(value: &[u8]) -> String {
    let mut text = String::new();
    for address in addresses(value) {
        let Address::Mailbox(mailbox) = address else {
            continue;
        };
        if text.len() > MAX_SHOWN {
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        let mut address = String::from_utf8_lossy(&mailbox.local).into_owned();
        if !mailbox.domain.is_empty() {
            address.push('@');
            address.push_str(&String::from_utf8_lossy(&mailbox.domain));
        }
        match mailbox.name {
            Some(name) => {
                text.push_str(&decode::unstructured(&name));
                text.push_str(" <");
                text.push_str(&address);
                text.push('>');
            }
            None => text.push_str(&address),
        }
    }
    text
}

fn parts(tree: &Tree) -> Vec<Part> {
    let mut found = Vec::new();
    let Some(root) = tree.node(0) else {
        return found;
    };
    found.push(part(tree, root, Vec::new()));
    message(tree, root, &mut Vec::new(), &mut found);
    let mut room = MAX_PART_STRINGS;
    for part in &mut found {
        let octets = strings(part);
        if octets > room {
            part.filename.clear();
            part.languages.clear();
            part.location.clear();
        } else {
            room -= octets;
        }
    }
    found
}

/// The size of a part's strings.
fn strings(part: &Part) -> usize {
    let languages: usize = part.languages.iter().map(String::len).sum();
    part.filename.len() + languages + part.location.len()
}

/// The parts of a message with the body `root`: the parts of a multipart are numbered from 1, any other
/// body is part 1 itself (RFC 3501 §6.4.5).
fn message(tree: &Tree, root: &Node, path: &mut Vec<u32>, found: &mut Vec<Part>) {
    if root.is_multipart() {
        children(tree, root, path, found);
    } else {
        path.push(1);
        walk(tree, root, path, found);
        path.pop();
    }
}

fn children(tree: &Tree, multipart: &Node, path: &mut Vec<u32>, found: &mut Vec<Part>) {
    for (number, &child) in (1..).zip(&multipart.children) {
        if let Some(child) = tree.node(child) {
            path.push(number);
            walk(tree, child, path, found);
            path.pop();
        }
    }
}

fn walk(tree: &Tree, node: &Node, path: &mut Vec<u32>, found: &mut Vec<Part>) {
    found.push(part(tree, node, path.clone()));
    if node.is_multipart() {
        children(tree, node, path, found);
    } else if let Some(inside) = inside(tree, node) {
        message(tree, inside, path, found);
    }
}

fn inside<'a>(tree: &'a Tree, node: &Node) -> Option<&'a Node> {
    let first = *node.children.first().filter(|_| node.is_message())?;
    tree.node(first)
}

fn part(tree: &Tree, node: &Node, path: Vec<u32>) -> Part {
    let mime = &node.mime;
    Part {
        path,
        header_start: node.header_start,
        body_start: node.body_start,
        end: node.end,
        nested_text_start: inside(tree, node).map(|inside| inside.body_start),
        media_type: format!(
            "{}/{}",
            lower(&mime.media_type.kind),
            lower(&mime.media_type.subtype)
        ),
        charset: lower(mime.media_type.parameter("charset").unwrap_or_default()),
        encoding: lower(mime.encoding.as_deref().unwrap_or(b"7bit")),
        filename: filename(mime),
        disposition: lower(
            mime.disposition
                .as_ref()
                .map_or(&b""[..], |disposition| &disposition.kind),
        ),
        languages: mime
            .languages
            .iter()
            .take(MAX_LANGUAGES)
            .map(|tag| lower(tag))
            .collect(),
        location: mime.location.as_deref().map(location).unwrap_or_default(),
    }
}

/// The part's file name from its disposition (RFC 2183 §2.3), otherwise the older `name` of its type; in
/// both the extended form has precedence (RFC 2231 §4).
fn filename(mime: &Mime) -> String {
    let disposition = mime
        .disposition
        .iter()
        .flat_map(|disposition| &disposition.parameters);
    let named = text_of(disposition, "filename");
    let named = named.or_else(|| text_of(mime.media_type.parameters.iter(), "name"));
    named.map(cut).unwrap_or_default()
}

fn text_of<'a>(
    parameters: impl Iterator<Item = &'a Parameter> + Clone,
    name: &str,
) -> Option<String> {
    let is = |one: &[u8]| one.eq_ignore_ascii_case(name.as_bytes());
    let extended = parameters
        .clone()
        .find(|one| one.name.strip_suffix(b"*").is_some_and(is));
    if let Some(parameter) = extended {
        return Some(decode::extended(&parameter.value));
    }
    // Encoded words are not allowed here (RFC 2047 §5), but common.
    let mut plain = parameters.filter(|one| is(&one.name));
    plain.next().map(|one| decode::unstructured(&one.value))
}

/// A URI, which may be folded anywhere (RFC 2557 §4.4.2).
fn location(value: &[u8]) -> String {
    let mut text = decode::unstructured(value);
    text.retain(|character| !character.is_ascii_whitespace());
    cut(text)
}

/// At most 100 octets of a name, lower-case. Names are ASCII; anything else matches nothing.
fn lower(name: &[u8]) -> String {
    name.iter()
        .take(100)
        .map(|octet| match octet {
            b' '..=b'~' => char::from(octet.to_ascii_lowercase()),
            _ => '?',
        })
        .collect()
}
