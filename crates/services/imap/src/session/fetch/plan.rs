//! The request to the store that the items need.

use api::mailbox::v1::FetchRequest;
use imap_protocol::command::FetchItem;
use imap_protocol::{Section, SectionText};

/// A message up to this size is fetched whole; of a larger one only the requested octets are read, and
/// streamed.
const WHOLE: u64 = 256 * 1024;

/// The same limit, if only the beginning or a part of each message is requested.
const WHOLE_FOR_A_PART: u64 = 32 * 1024;

/// The request to the store for a FETCH command.
pub(super) struct Plan {
    pub(super) items: Vec<FetchItem>,
    /// Without mailbox and UIDs.
    pub(super) request: FetchRequest,
}

impl Plan {
    pub(super) fn new(items: Vec<FetchItem>) -> Self {
        let mut request = FetchRequest::default();
        for item in &items {
            ask(item, &mut request);
        }
        Self { items, request }
    }

    /// Whether the view suffices.
    pub(super) fn view_suffices(&self) -> bool {
        let known = |item: &FetchItem| matches!(item, FetchItem::Uid | FetchItem::Flags);
        self.items.iter().all(known)
    }

    /// Whether flags are sent in any case.
    pub(super) fn sends_flags(&self) -> bool {
        self.items.contains(&FetchItem::Flags)
    }
}

fn ask(item: &FetchItem, request: &mut FetchRequest) {
    match item {
        // The view holds these.
        FetchItem::Uid | FetchItem::Flags => {}
        FetchItem::InternalDate => request.internal_date = true,
        FetchItem::Size => request.size = true,
        FetchItem::Envelope => request.envelope = true,
        FetchItem::Body => request.body = true,
        FetchItem::BodyStructure => request.body_structure = true,
        FetchItem::Rfc822Header => request.header = true,
        FetchItem::Rfc822 => ask_for_octets(WHOLE, request),
        FetchItem::Rfc822Text => {
            request.parts = true;
            ask_for_octets(WHOLE, request);
        }
        FetchItem::Section {
            section, partial, ..
        } => {
            let whole = if partial.is_some() {
                WHOLE_FOR_A_PART
            } else {
                WHOLE
            };
            match section {
                Section::Whole => ask_for_octets(whole, request),
                Section::Message(SectionText::Text) => {
                    request.parts = true;
                    ask_for_octets(whole, request);
                }
                Section::Message(_) => request.header = true,
                Section::Part(_) | Section::Mime(_) | Section::Nested(..) => {
                    request.parts = true;
                    ask_for_octets(WHOLE_FOR_A_PART, request);
                }
            }
        }
    }
}

fn ask_for_octets(up_to: u64, request: &mut FetchRequest) {
    request.size = true;
    request.content_up_to = request.content_up_to.max(up_to);
}
