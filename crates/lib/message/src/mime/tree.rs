//! The parts of a message as a tree in one vector: index 0 is the body of the message itself.

use super::Mime;

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) header_start: u64,
    pub(crate) body_start: u64,
    pub(crate) end: u64,
    pub(crate) lines: u64,
    pub(crate) mime: Mime,
    /// Parts of a multipart; for a message/rfc822 the body of the inner message.
    pub(crate) children: Vec<usize>,
    /// message/rfc822: the ENVELOPE of the inner message.
    pub(crate) nested_envelope: Option<Vec<u8>>,
    /// It has a boundary, and its parts were parsed.
    pub(crate) has_boundary: bool,
    /// Line breaks of the message before its body.
    pub(crate) breaks_before: u64,
}

impl Node {
    pub(crate) fn new(header_start: u64, mime: Mime) -> Self {
        Self {
            header_start,
            body_start: header_start,
            end: header_start,
            lines: 0,
            mime,
            children: Vec::new(),
            nested_envelope: None,
            has_boundary: false,
            breaks_before: 0,
        }
    }

    pub(crate) fn is_multipart(&self) -> bool {
        self.has_boundary && !self.children.is_empty()
    }

    pub(crate) fn is_message(&self) -> bool {
        self.nested_envelope.is_some()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub(crate) fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    pub(crate) fn node_mut(&mut self, index: usize) -> Option<&mut Node> {
        self.nodes.get_mut(index)
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn add(&mut self, parent: Option<usize>, node: Node) -> usize {
        let index = self.nodes.len();
        self.nodes.push(node);
        if let Some(parent) = parent.and_then(|parent| self.nodes.get_mut(parent)) {
            parent.children.push(index);
        }
        index
    }
}
