use super::line::matches_line;
use super::{Fragmentation, Peer, Transcript};

/// Says each complete line back.
#[derive(Default)]
struct Echo {
    input: Vec<u8>,
    greeted: bool,
}

impl Peer for Echo {
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        if !std::mem::replace(&mut self.greeted, true) {
            output.extend_from_slice(b"* hello\r\n");
        }
        self.input.extend_from_slice(bytes);
        while let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
            output.extend(self.input.drain(..end + 2));
        }
        output
    }

    fn event(&mut self, what: &str) -> Vec<u8> {
        format!("+ {what}").into_bytes()
    }
}

#[test]
fn a_session_is_the_same_however_its_bytes_are_cut() {
    Transcript::parse(
        "# a comment\nS: * hel…\n\nC: one\nC- tw\nC: o \\x41\\\\\nS: one\nS: two A\\\\\nX: now\nS~ + now\n",
    )
    .run(Echo::default);
}

#[test]
#[should_panic(expected = "line 2, Whole: expected \"bye\", got \"* hello\"")]
fn a_wrong_answer_is_shown_with_its_line() {
    Transcript::parse("\nS: bye").run(Echo::default);
}

#[test]
#[should_panic(expected = "not expected")]
fn an_answer_that_nobody_expects_fails() {
    Transcript::parse("S: * hello\nC: one\n").run_once(&mut Echo::default(), Fragmentation::Whole);
}

#[test]
#[should_panic(expected = "got nothing more")]
fn a_missing_answer_fails() {
    Transcript::parse("S: * hello\nC- one\nS: one")
        .run_once(&mut Echo::default(), Fragmentation::Bytes);
}

#[test]
fn an_ellipsis_is_any_run_of_bytes() {
    assert!(matches_line("250 … queued as …", b"250 2.0.0 queued as 17"));
    assert!(matches_line("…", b""));
    assert!(matches_line("a…a", b"aa"));
    assert!(!matches_line("a…a", b"a"));
    assert!(!matches_line("abc", b"abcd"));
}
