#![allow(clippy::unwrap_used)] // A failure here is the test's failure.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    unauthenticated: CommandLimits {
        line: 100,
        literal: 20,
    },
    authenticated: CommandLimits {
        line: 1000,
        literal: 200,
    },
    discard: 10_000,
};

/// Everything that comes of this input, given in pieces of `step` octets. Messages are taken
/// unless `refuse`; their octets are told as one event.
fn events(input: &[u8], step: usize, authenticated: bool, refuse: bool) -> Vec<Event> {
    let mut reader = Reader::new(LIMITS);
    if authenticated {
        reader.set_authenticated();
    }
    let mut buffer = BytesMut::new();
    let mut events: Vec<Event> = Vec::new();
    for piece in input.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            let event = reader.next(&mut buffer);
            match event {
                Event::NeedInput => break,
                Event::Append(head) => {
                    events.push(Event::Append(head));
                    if refuse {
                        reader.refuse();
                    } else {
                        reader.accept();
                    }
                }
                Event::Data(data) => match events.last_mut() {
                    Some(Event::Data(before)) => {
                        *before = Bytes::from([before.as_ref(), &data].concat());
                    }
                    _ => events.push(Event::Data(data)),
                },
                event => {
                    let over = matches!(event, Event::Fatal(_));
                    events.push(event);
                    if over {
                        return events;
                    }
                }
            }
        }
    }
    events
}

fn kinds(events: &[Event]) -> Vec<String> {
    let kind = |event: &Event| match event {
        Event::NeedInput => "need".to_owned(),
        Event::Continue => "continue".to_owned(),
        Event::Command(tag, _, command) => format!("{tag:?} {command:?}"),
        Event::Append(head) => format!("append {} {}", head.mailbox, head.size),
        Event::Data(data) => format!("data {}", data.len()),
        Event::AppendEnd => "end".to_owned(),
        Event::Invalid(tag, error) => format!("invalid {tag:?} {error}"),
        Event::Fatal(error) => format!("fatal {error}"),
    };
    events.iter().map(kind).collect()
}

#[test]
fn pipelined_commands_come_one_by_one() {
    let found = events(b"a NOOP\r\nb CAPABILITY\r\n", 100, false, false);
    assert_eq!(kinds(&found), ["Tag(a) Noop", "Tag(b) Capability"]);
}

#[test]
fn a_literal_is_waited_for() {
    let found = events(b"a DELETE {5}\r\nSpam!\r\n", 100, true, false);
    assert_eq!(
        kinds(&found),
        ["continue", "Tag(a) Delete(MailboxName(\"Spam!\"))"]
    );
    let found = events(b"a DELETE {5+}\r\nSpam!\r\n", 100, true, false);
    assert_eq!(kinds(&found), ["Tag(a) Delete(MailboxName(\"Spam!\"))"]);
}

#[test]
fn a_literal_may_hold_what_looks_like_lines_and_literals() {
    let found = events(
        b"a SEARCH TEXT {9+}\r\nb {3}\r\n}\n\r\nc NOOP\r\n",
        3,
        true,
        false,
    );
    assert_eq!(
        kinds(&found),
        [
            "Tag(a) Search(Search { uid: false, result: None, key: Text(\"b {3}\\r\\n}\\n\") })",
            "Tag(c) Noop"
        ]
    );
}

#[test]
fn the_message_of_an_append_passes_by() {
    let input = b"a APPEND {5+}\r\nDr&-/ (\\Seen) {10+}\r\nA: b\r\n\r\n\r\n\r\nb NOOP\r\n";
    let found = events(input, 100, true, false);
    assert_eq!(
        kinds(&found),
        ["append Dr&/ 10", "data 10", "end", "Tag(b) Noop"]
    );
}

#[test]
fn a_message_that_is_refused_is_dropped() {
    let input = b"a APPEND x {4+}\r\nx N\n\r\nb NOOP\r\n";
    let found = events(input, 1, true, true);
    assert_eq!(kinds(&found), ["append x 4", "Tag(b) Noop"]);
    // One that waits is not sent.
    let input = b"a APPEND x {4}\r\nb NOOP\r\n";
    let found = events(input, 1, true, true);
    assert_eq!(kinds(&found), ["append x 4", "Tag(b) Noop"]);
}

#[test]
fn no_message_is_taken_before_the_login() {
    let found = events(b"a APPEND x {40+}\r\n", 100, false, false);
    assert_eq!(kinds(&found), ["invalid Some(Tag(a)) Literal too large"]);
}

#[test]
fn a_line_that_is_too_long_is_dropped_to_its_end() {
    let mut input = b"a NOOP ".to_vec();
    input.extend_from_slice(&[b'x'; 5000]);
    input.extend_from_slice(b" {7+}\r\nb NOOP\n\r\nc NOOP\r\n");
    for step in [1, 7, 100_000] {
        let found = events(&input, step, true, false);
        assert_eq!(
            kinds(&found),
            ["invalid Some(Tag(a)) Line too long", "Tag(c) Noop"],
            "{step}"
        );
    }
}

#[test]
fn a_tag_that_ends_behind_the_longest_line_is_none_however_it_comes() {
    let input = [&[b'x'; 1001][..], b" NOOP\r\nb NOOP\r\n"].concat();
    for step in [1, 7, 100_000] {
        let found = events(&input, step, true, false);
        assert_eq!(
            kinds(&found),
            ["invalid None Line too long", "Tag(b) Noop"],
            "{step}"
        );
    }
}

#[test]
fn a_literal_that_is_too_large_is_refused() {
    let found = events(b"a LOGIN {21}\r\nb NOOP\r\n", 100, false, false);
    assert_eq!(
        kinds(&found),
        ["invalid Some(Tag(a)) Literal too large", "Tag(b) Noop"]
    );
    let found = events(b"a LOGIN {99999999+}\r\n", 100, false, false);
    assert_eq!(kinds(&found), ["fatal Literal too large"]);
    // Beyond any number it is no literal at all.
    let found = events(b"a LOGIN {99999999999999999999+}\r\n", 100, false, false);
    assert!(matches!(found.as_slice(), [Event::Invalid(Some(_), _)]));
}

#[test]
fn rubbish_is_told_from_commands() {
    for (input, expected) in [
        (&b"\r\n"[..], "invalid None Expected a tag"),
        (b"+ NOOP\r\n", "invalid None Expected a tag"),
        (b"\x16\x03\x01\n", "invalid None Expected a tag"),
        (b"a\r\n", "invalid None Expected a tag"),
        (b"a FOO\r\n", "invalid Some(Tag(a)) Unknown command"),
        (
            b"a NOOP x\r\n",
            "invalid Some(Tag(a)) Expected the end of the command",
        ),
        (
            b"a DELETE \"x\0\"\r\n",
            "invalid Some(Tag(a)) Expected the end of the quoted string",
        ),
        (
            b"a DELETE {1+}\r\n\0\r\n",
            "invalid Some(Tag(a)) Expected no NUL in a literal",
        ),
        (
            b"a DELETE \"\xff\"\r\n",
            "invalid Some(Tag(a)) Expected a mailbox name",
        ),
    ] {
        assert_eq!(kinds(&events(input, 100, true, false)), [expected]);
    }
}

#[test]
fn lines_of_an_exchange() {
    let mut reader = Reader::new(LIMITS);
    let mut buffer = BytesMut::from(&b"AGE=\r\nDO"[..]);
    assert_eq!(
        reader.next_line(&mut buffer, 10),
        LineEvent::Line(Bytes::from_static(b"AGE="))
    );
    assert_eq!(reader.next_line(&mut buffer, 10), LineEvent::NeedInput);
    buffer.extend_from_slice(b"0123456789");
    assert_eq!(reader.next_line(&mut buffer, 10), LineEvent::TooLong);
}

const TRANSCRIPT: &[u8] = b"a LOGIN {3}\r\nbob \"p\\\\w\"\r\n\
    b APPEND \"x y\" (\\Seen $Junk) \" 7-Feb-1994 21:52:25 -0800\" ~{12+}\r\nA: b\r\n\r\nhi\r\n\r\n\
    c UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (From {2+}\r\nTo)]<0.100>)\r\n\
    d SEARCH OR FROM x NOT (SEEN 1:3)\r\n\
    e XYZZY {4+}\r\nabcd\r\nf NOOP\r\n";

#[test]
fn where_the_input_is_cut_does_not_matter() {
    let whole = events(TRANSCRIPT, TRANSCRIPT.len(), true, false);
    assert_eq!(whole.len(), 9);
    for step in 1..TRANSCRIPT.len() {
        assert_eq!(events(TRANSCRIPT, step, true, false), whole, "{step}");
    }
    for cut in 1..TRANSCRIPT.len() {
        let mut reader = Reader::new(LIMITS);
        reader.set_authenticated();
        let mut buffer = BytesMut::new();
        let mut commands = 0;
        let (head, tail) = TRANSCRIPT.split_at(cut);
        for piece in [head, tail] {
            buffer.extend_from_slice(piece);
            loop {
                match reader.next(&mut buffer) {
                    Event::NeedInput => break,
                    Event::Append(_) => reader.accept(),
                    Event::Command(..) => commands += 1,
                    _ => {}
                }
            }
        }
        assert_eq!(commands, 4, "{cut}");
    }
}

proptest! {
    #[test]
    fn nothing_stops_the_reader(
        input in proptest::collection::vec(
            prop_oneof![
                Just(b"a ".to_vec()), Just(b"\r\n".to_vec()), Just(b"{3+}\r\n".to_vec()),
                Just(b"APPEND x {5+}\r\n".to_vec()), Just(b"FETCH 1:* ".to_vec()),
                Just(b"SEARCH ".to_vec()), Just(b"(".to_vec()), Just(b"\"".to_vec()),
                Just(b"BODY[1.2.MIME]<1.2>".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..8),
            ], 0..40),
        step in 1_usize..50,
        refuse in any::<bool>(),
    ) {
        let input = input.concat();
        let whole = events(&input, input.len().max(1), true, refuse);
        prop_assert_eq!(events(&input, step, true, refuse), whole);
    }
}
