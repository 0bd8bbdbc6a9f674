use proptest::prelude::*;

use super::*;

fn stuff(pieces: &[&[u8]]) -> BytesMut {
    let mut output = BytesMut::new();
    let mut stuffer = Stuffer::default();
    for piece in pieces {
        stuffer.push(piece, &mut output);
    }
    stuffer.finish(&mut output);
    output
}

#[test]
fn dots_are_added_wherever_a_line_begins_however_it_is_cut() {
    let message = b".\r\n..\r\nx.y\r\n.z\r\n";
    let expected = b"..\r\n...\r\nx.y\r\n..z\r\n.\r\n";
    for cut in 0..message.len() {
        let (head, tail) = message.split_at(cut);
        assert_eq!(stuff(&[head, tail]), &expected[..], "cut at {cut}");
    }
}

#[test]
fn a_last_line_that_is_not_complete_is_completed() {
    assert_eq!(stuff(&[b"x"]), &b"x\r\n.\r\n"[..]);
    assert_eq!(stuff(&[b"x\r"]), &b"x\r\n.\r\n"[..]);
    assert_eq!(stuff(&[b"x\n", b""]), &b"x\r\n.\r\n"[..]);
    assert_eq!(stuff(&[]), &b".\r\n"[..]);
}

#[test]
fn a_line_that_ends_in_lf_alone_is_sent_with_crlf_however_it_is_cut() {
    let message = b"\nSubject: x\r\n\n\n.last\r\r\n.line\n";
    let expected = b"\r\nSubject: x\r\n\r\n\r\n..last\r\r\n..line\r\n.\r\n";
    for cut in 0..message.len() {
        let (head, tail) = message.split_at(cut);
        assert_eq!(stuff(&[head, tail]), &expected[..], "cut at {cut}");
    }
}

/// Feeds the bytes in pieces of this size; what comes out, and what is left.
fn unstuff(bytes: &[u8], size: usize) -> Option<(BytesMut, BytesMut)> {
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    let mut unstuffer = Unstuffer::default();
    let mut pieces = bytes.chunks(size);
    while let Some(piece) = pieces.next() {
        input.extend_from_slice(piece);
        if unstuffer.pull(&mut input, &mut output) == Progress::Ended {
            pieces.for_each(|piece| input.extend_from_slice(piece));
            return Some((output, input));
        }
    }
    None
}

#[test]
fn what_follows_the_end_is_left_for_the_next_response() {
    for size in 1..20 {
        let (output, left) = unstuff(b"..\r\nx\r\n.\r\n+OK\r\n", size).unwrap_or_default();
        assert_eq!(output, &b".\r\nx\r\n"[..]);
        assert_eq!(left, &b"+OK\r\n"[..]);
    }
}

/// As a session reads them: where the end is doubtful, what has not come by then does not come.
fn unstuff_lf(pieces: &[&[u8]]) -> Option<BytesMut> {
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    let mut unstuffer = Unstuffer::default();
    let mut progress = Progress::More;
    for piece in pieces {
        input.extend_from_slice(piece);
        progress = unstuffer.pull(&mut input, &mut output);
    }
    (progress != Progress::More).then_some(output)
}

#[test]
fn a_dot_and_lf_with_more_behind_ends_nothing() {
    let message = b"Subject: x\n\nbefore\n.\nafter\n.\r\n";
    for cut in 0..message.len() {
        let (head, tail) = message.split_at(cut);
        let output = unstuff_lf(&[head, tail]).unwrap_or_default();
        assert_eq!(output, "Subject: x\n\nbefore\n.\nafter\n", "cut at {cut}");
    }
}

#[test]
fn a_response_may_end_in_lf_alone() {
    let message = b"Subject: x\n\n..dot\n.\n";
    for cut in 0..message.len() {
        let (head, tail) = message.split_at(cut);
        let output = unstuff_lf(&[head, tail]).unwrap_or_default();
        assert_eq!(output, "Subject: x\n\n.dot\n", "cut at {cut}");
    }
    let (mut input, mut output) = (BytesMut::from(".\n"), BytesMut::new());
    let mut unstuffer = Unstuffer::default();
    assert_eq!(unstuffer.pull(&mut input, &mut output), Progress::Doubtful);
    unstuffer.end(&mut input);
    assert!(input.is_empty() && output.is_empty());
}

#[test]
fn a_dot_that_ends_no_line_of_its_own_ends_nothing() {
    for bytes in [
        &b"x.\r\n"[..],
        b".\rx\r\n",
        b"..\r\n",
        b".x\r\n",
        b"x\r.\r\n",
    ] {
        for size in 1..6 {
            assert_eq!(unstuff(bytes, size), None, "{bytes:?}");
        }
    }
}

proptest! {
    #[test]
    fn what_was_stuffed_comes_out_as_it_was(
        lines in prop::collection::vec("[.a\r]{0,4}", 0..30),
        cut in 1..40_usize,
        size in 1..40_usize,
    ) {
        let message: Vec<u8> = lines.iter().flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect();
        let pieces: Vec<&[u8]> = message.chunks(cut).collect();
        let (output, left) = unstuff(&stuff(&pieces), size).unwrap_or_default();
        prop_assert_eq!(output, &message[..]);
        prop_assert!(left.is_empty());
    }
}
