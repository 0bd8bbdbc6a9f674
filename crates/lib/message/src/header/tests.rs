#![allow(clippy::unwrap_used)] // A failing test may panic.

use super::*;

#[test]
fn fields_are_split_and_lines_that_are_none_passed_over() {
    let section =
        b"A: 1\r\n folded\r\nnot a field\r\nB :2\n: no name\r\nbad name: 3\r\nC:\r\n\r\nD: 4\r\n";
    let found: Vec<(&[u8], &[u8])> = fields(section)
        .map(|field| (field.name, field.value))
        .collect();
    let expected: Vec<(&[u8], &[u8])> = vec![(b"A", b" 1\r\n folded"), (b"B", b"2"), (b"C", b"")];
    assert_eq!(found, expected);
    assert_eq!(fields(section).next().unwrap().raw, b"A: 1\r\n folded\r\n");
}

#[test]
fn fields_are_taken_out_with_their_folded_lines_and_all_else_stays() {
    let section = b"Bcc: a,\r\n b\r\nA: 1\r\nno field\r\nbcc : c\r\nB: 2\r\nBCC: d\r\n\r\n";
    let kept = without(section, |field| field.is("Bcc"));
    assert_eq!(&*kept, b"A: 1\r\nno field\r\nB: 2\r\n\r\n");
    assert_eq!(&*without(b"A: 1", |field| field.is("A")), b"");
    assert!(matches!(
        without(section, |field| field.is("C")),
        std::borrow::Cow::Borrowed(_)
    ));
}

#[test]
fn a_quoted_local_part_keeps_its_blanks_and_others_lose_theirs() {
    for (value, local) in [
        (&b"\"odd local\"@example.test"[..], &b"odd local"[..]),
        (b"bob . jones @ example.test", b"bob.jones"),
        (b"x <\"a@b\"@example.test>", b"a@b"),
    ] {
        let [Address::Mailbox(mailbox)] = &addresses(value)[..] else {
            panic!("one mailbox");
        };
        assert_eq!(mailbox.local, local);
        assert_eq!(mailbox.domain, b"example.test");
    }
}

#[test]
fn parameters_are_joined_in_the_order_of_their_numbers() {
    let value = b"text/plain; n*1=b; n*0=a; m*0*=utf-8''%41; m*1=\"b c\"; o*=utf-8''x";
    let found: Vec<(Vec<u8>, Vec<u8>)> = media_type(value)
        .unwrap()
        .parameters
        .into_iter()
        .map(|parameter| (parameter.name, parameter.value))
        .collect();
    assert_eq!(
        found,
        [
            (b"n".to_vec(), b"ab".to_vec()),
            (b"m*".to_vec(), b"utf-8''%41b%20c".to_vec()),
            (b"o*".to_vec(), b"utf-8''x".to_vec()),
        ]
    );
}

#[test]
fn a_comment_before_a_boundary_is_none_of_it_and_brackets_before_a_name_are() {
    let value = b"multipart/mixed; boundary=(a;\"comment) (more)b; name=(1) report.pdf";
    let media_type = media_type(value).unwrap();
    assert_eq!(media_type.parameter("boundary"), Some(&b"b"[..]));
    assert_eq!(media_type.parameter("name"), Some(&b"(1) report.pdf"[..]));
}
