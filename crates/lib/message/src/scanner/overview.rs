//! The summary of a message, from its header section and its tree of parts.

use bytes::Bytes;

use super::{Node, Tree};
use crate::decode;
use crate::header::{Address, addresses, fields, unfold};
use crate::wire::{EnvelopeFields, Form, envelope, structure};
use crate::{Part, Summary};

/// Addresses of the message's ENVELOPE, octets.
const MAX_ENVELOPE: usize = 192 * 1024;
/// What lists of messages show is cut here, octets.
const MAX_SHOWN: usize = 1_000;

pub(super) fn summary(header: &[u8], tree: &Tree, lines: u64) -> Summary {
    let mut taken = EnvelopeFields::default();
    for field in fields(header) {
        taken.take(&field);
    }
    let mut wire = Vec::with_capacity(512);
    envelope(&taken, MAX_ENVELOPE, &mut wire);
    Summary {
        envelope: Bytes::from(wire),
        body_structure: written(tree, Form::Extended),
        body: written(tree, Form::Basic),
        parts: parts(tree),
        sent_at: taken.date.and_then(decode::date),
        message_id: taken.message_id.map(message_id).unwrap_or_default(),
        subject: taken
            .subject
            .map(|value| cut(decode::unstructured(value)))
            .unwrap_or_default(),
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

fn message_id(value: &[u8]) -> Bytes {
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

/// Cuts at a character's end; NUL is nothing that a database could store as text.
fn cut(mut text: String) -> String {
    if text.contains('\0') {
        text.retain(|character| character != '\0');
    }
    if text.len() > MAX_SHOWN {
        let mut end = MAX_SHOWN;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
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
    found
}

/// The parts of a message whose body is `root`: a multipart's are numbered from 1, anything else
/// is part 1 itself (RFC 3501 §6.4.5).
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
    }
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
