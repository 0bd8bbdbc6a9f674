//! BODY and BODYSTRUCTURE (RFC 3501 §7.4.2, RFC 9051 §7.5.2).

use super::strings::{nstring, number, string};
use crate::header::{Disposition, Parameter};
use crate::mime::{Mime, Node, Tree};

/// With or without extension data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// BODYSTRUCTURE.
    Extended,
    /// BODY.
    Basic,
}

/// Writes the structure of the part `index`. The depth of the tree is bounded by the scanner.
pub(crate) fn structure(tree: &Tree, index: usize, form: Form, into: &mut Vec<u8>) {
    let Some(node) = tree.node(index) else { return };
    into.push(b'(');
    if node.is_multipart() {
        multipart(tree, node, form, into);
    } else {
        single(tree, node, form, into);
    }
    into.push(b')');
}

fn multipart(tree: &Tree, node: &Node, form: Form, into: &mut Vec<u8>) {
    for &child in &node.children {
        structure(tree, child, form, into);
    }
    into.push(b' ');
    string(&node.mime.media_type.subtype, into);
    if form == Form::Extended {
        into.push(b' ');
        parameters(&node.mime.media_type.parameters, into);
        placement(&node.mime, into);
    }
}

fn single(tree: &Tree, node: &Node, form: Form, into: &mut Vec<u8>) {
    let mime = &node.mime;
    string(&mime.media_type.kind, into);
    into.push(b' ');
    string(&mime.media_type.subtype, into);
    into.push(b' ');
    parameters(&mime.media_type.parameters, into);
    into.push(b' ');
    nstring(mime.id.as_deref(), into);
    into.push(b' ');
    nstring(mime.description.as_deref(), into);
    into.push(b' ');
    string(mime.encoding.as_deref().unwrap_or(b"7bit"), into);
    into.push(b' ');
    number(node.end.saturating_sub(node.body_start), into);
    if let (Some(envelope), Some(&inside)) = (&node.nested_envelope, node.children.first()) {
        into.push(b' ');
        into.extend_from_slice(envelope);
        into.push(b' ');
        structure(tree, inside, form, into);
        into.push(b' ');
        number(node.lines, into);
    } else if mime.media_type.is("text", "*") {
        into.push(b' ');
        number(node.lines, into);
    }
    if form == Form::Extended {
        into.push(b' ');
        nstring(mime.md5.as_deref(), into);
        placement(mime, into);
    }
}

/// Disposition, language, location.
fn placement(mime: &Mime, into: &mut Vec<u8>) {
    into.push(b' ');
    match &mime.disposition {
        Some(disposition) => self::disposition(disposition, into),
        None => nstring(None, into),
    }
    into.push(b' ');
    match mime.languages.as_slice() {
        [] => nstring(None, into),
        [one] => string(one, into),
        several => {
            into.push(b'(');
            for (at, language) in several.iter().enumerate() {
                if at > 0 {
                    into.push(b' ');
                }
                string(language, into);
            }
            into.push(b')');
        }
    }
    into.push(b' ');
    nstring(mime.location.as_deref(), into);
}

fn disposition(disposition: &Disposition, into: &mut Vec<u8>) {
    into.push(b'(');
    string(&disposition.kind, into);
    into.push(b' ');
    parameters(&disposition.parameters, into);
    into.push(b')');
}

fn parameters(parameters: &[Parameter], into: &mut Vec<u8>) {
    if parameters.is_empty() {
        return nstring(None, into);
    }
    into.push(b'(');
    for (at, parameter) in parameters.iter().enumerate() {
        if at > 0 {
            into.push(b' ');
        }
        string(&parameter.name, into);
        into.push(b' ');
        string(&parameter.value, into);
    }
    into.push(b')');
}
