//! Arbitrary commands.

use std::num::NonZeroU32;

use super::*;
use crate::{Day, SequenceNumber, SequenceRange, SequenceSet};

fn number() -> impl Strategy<Value = SequenceNumber> {
    prop_oneof![
        4 => (1_u32..).prop_map(|n| SequenceNumber::Number(NonZeroU32::new(n).unwrap())),
        1 => Just(SequenceNumber::Last),
    ]
}

fn set() -> impl Strategy<Value = SequenceSet> {
    let range = (number(), number()).prop_map(|(from, to)| SequenceRange(from, to));
    proptest::collection::vec(range, 1..5).prop_map(|ranges| SequenceSet::new(ranges).unwrap())
}

fn messages() -> impl Strategy<Value = MessageSet> {
    prop_oneof![
        set().prop_map(MessageSet::Sequence),
        set().prop_map(MessageSet::Uid),
        any::<bool>().prop_map(|uid| MessageSet::Saved { uid }),
    ]
}

fn name() -> impl Strategy<Value = MailboxName> {
    "\\PC{0,20}".prop_filter_map("a name", |text| MailboxName::new(&text))
}

fn flags() -> impl Strategy<Value = Flags> {
    (0_u32..32, proptest::collection::vec("[$a-z]{1,8}", 0..4)).prop_map(|(bits, keywords)| {
        let mut flags = Flags::of(SystemFlags::from_bits(bits));
        for keyword in keywords {
            assert!(flags.insert(Keyword::new(keyword.as_bytes()).unwrap()));
        }
        flags
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", "[^\0]{0,8}"]
}

fn section_text() -> impl Strategy<Value = SectionText> {
    let names = || {
        let name = "[A-Za-z-]{1,10}".prop_map(|name: String| Bytes::from(name));
        proptest::collection::vec(name, 1..4)
    };
    prop_oneof![
        Just(SectionText::Header),
        Just(SectionText::Text),
        names().prop_map(SectionText::HeaderFields),
        names().prop_map(SectionText::HeaderFieldsNot),
    ]
}

fn section() -> impl Strategy<Value = Section> {
    let path = || {
        let number = (1_u32..9).prop_map(|n| NonZeroU32::new(n).unwrap());
        proptest::collection::vec(number, 1..4)
    };
    prop_oneof![
        Just(Section::Whole),
        section_text().prop_map(Section::Message),
        path().prop_map(Section::Part),
        path().prop_map(Section::Mime),
        (path(), section_text()).prop_map(|(path, text)| Section::Nested(path, text)),
    ]
}

fn fetch_item() -> impl Strategy<Value = FetchItem> {
    let partial = (any::<u32>(), 1_u32..).prop_map(|(offset, length)| Partial {
        offset,
        length: NonZeroU32::new(length).unwrap(),
    });
    let section = (section(), proptest::option::of(partial), any::<bool>()).prop_map(
        |(section, partial, peek)| FetchItem::Section {
            section,
            partial,
            peek,
        },
    );
    prop_oneof![
        3 => section,
        1 => proptest::sample::select(vec![
            FetchItem::Flags, FetchItem::InternalDate, FetchItem::Size, FetchItem::Envelope,
            FetchItem::Body, FetchItem::BodyStructure, FetchItem::Rfc822,
            FetchItem::Rfc822Header, FetchItem::Rfc822Text,
        ]),
    ]
}

fn fetch() -> impl Strategy<Value = Fetch> {
    let items = proptest::collection::vec(fetch_item(), 1..5);
    (messages(), items).prop_map(|(messages, mut items)| {
        if messages.is_uid() {
            items.insert(0, FetchItem::Uid);
        }
        Fetch { messages, items }
    })
}

fn day() -> impl Strategy<Value = Day> {
    (-700_000..2_900_000).prop_filter_map("a day", Day::from_1970)
}

fn search_key() -> impl Strategy<Value = SearchKey> {
    let flag = (0_u32..5, any::<bool>())
        .prop_map(|(bit, set)| SearchKey::Flag(SystemFlags::from_bits(1 << bit), set));
    let keyword = ("[$a-z]{1,8}", any::<bool>())
        .prop_map(|(word, set)| SearchKey::Keyword(Keyword::new(word.as_bytes()).unwrap(), set));
    let leaf = prop_oneof![
        Just(SearchKey::All),
        Just(SearchKey::Recent),
        Just(SearchKey::Saved),
        flag,
        keyword,
        set().prop_map(SearchKey::Sequence),
        set().prop_map(SearchKey::Uid),
        day().prop_map(SearchKey::Before),
        day().prop_map(SearchKey::SentOn),
        day().prop_map(SearchKey::Since),
        ("[A-Za-z-]{1,10}", text()).prop_map(|(name, value)| SearchKey::Header(name, value)),
        text().prop_map(SearchKey::Body),
        text().prop_map(SearchKey::Text),
        any::<u64>().prop_map(SearchKey::Larger),
        any::<u64>().prop_map(SearchKey::Smaller),
        (1_u32..).prop_map(SearchKey::Younger),
        (1_u32..).prop_map(SearchKey::Older),
    ];
    leaf.prop_recursive(4, 20, 4, |key| {
        let or = (key.clone(), key.clone())
            .prop_map(|(left, right)| SearchKey::Or(Box::new(left), Box::new(right)));
        prop_oneof![
            key.clone().prop_map(|key| SearchKey::Not(Box::new(key))),
            or,
            proptest::collection::vec(key, 2..4).prop_map(SearchKey::And),
        ]
    })
}

fn search() -> impl Strategy<Value = Search> {
    let result = (1_u32..32).prop_map(|bits| SearchReturn {
        min: bits & 1 != 0,
        max: bits & 2 != 0,
        all: bits & 4 != 0,
        count: bits & 8 != 0,
        save: bits & 16 != 0,
    });
    (any::<bool>(), proptest::option::of(result), search_key())
        .prop_map(|(uid, result, key)| Search { uid, result, key })
}

fn list() -> impl Strategy<Value = List> {
    let pattern = "\\PC{0,10}".prop_filter_map("a pattern", |text| ListPattern::new(&text));
    let items = Just(vec![StatusItem::Messages, StatusItem::UidNext]);
    let bits = (0_u32..8, 0_u32..8, proptest::option::of(items));
    let patterns = proptest::collection::vec(pattern, 1..3);
    (bits, name(), patterns).prop_map(|((select, tell, status), reference, patterns)| {
        let selection = ListSelection {
            subscribed: select & 1 != 0,
            remote: select & 2 != 0,
            recursive_match: select & 1 != 0,
            special_use: select & 4 != 0,
        };
        let returns = ListReturn {
            subscribed: tell & 1 != 0,
            children: tell & 2 != 0,
            special_use: tell & 4 != 0,
            status,
        };
        List {
            selection,
            reference,
            patterns,
            returns,
            extended: true,
        }
    })
}

fn store() -> impl Strategy<Value = Store> {
    let mode =
        proptest::sample::select(vec![StoreMode::Replace, StoreMode::Add, StoreMode::Remove]);
    (messages(), mode, any::<bool>(), flags()).prop_map(|(messages, mode, silent, flags)| Store {
        messages,
        mode,
        silent,
        flags,
    })
}

/// Any command.
pub(super) fn command() -> impl Strategy<Value = Command> {
    let copy = || (messages(), name()).prop_map(|(messages, to)| Copy { messages, to });
    let login =
        (text(), text()).prop_map(|(user, password)| Command::Login(Login { user, password }));
    let rename = (name(), name()).prop_map(|(from, to)| Command::Rename(Rename { from, to }));
    let status = name().prop_map(|mailbox| {
        let items = vec![StatusItem::Unseen, StatusItem::UidValidity];
        Command::Status(Status { mailbox, items })
    });
    prop_oneof![
        proptest::sample::select(vec![
            Command::Capability,
            Command::Noop,
            Command::Logout,
            Command::StartTls,
            Command::Namespace,
            Command::Idle,
            Command::Check,
            Command::Close,
            Command::Unselect,
            Command::Expunge,
        ]),
        login,
        rename,
        status,
        name().prop_map(|mailbox| Command::Select(Select { mailbox })),
        name().prop_map(Command::Delete),
        set().prop_map(|set| Command::UidExpunge(MessageSet::Uid(set))),
        list().prop_map(Command::List),
        search().prop_map(Command::Search),
        fetch().prop_map(Command::Fetch),
        store().prop_map(Command::Store),
        copy().prop_map(Command::Copy),
        copy().prop_map(Command::Move),
    ]
}
