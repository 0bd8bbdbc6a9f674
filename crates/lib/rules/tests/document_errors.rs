//! Each wrong document of `document_errors.txt` is refused with the lines and reasons beside it.
//!
//! The cases stand under `### sentence`; the expected errors follow the document as `=> LINE: REASON`.
// A test may stop at what it did not expect.
#![allow(clippy::unwrap_used)]

use rules::Policy;

#[test]
fn wrong_documents_are_refused_with_line_and_reason() {
    let cases = include_str!("document_errors.txt");
    let mut count = 0;
    for case in cases.split("### ").skip(1) {
        let (sentence, rest) = case.split_once('\n').unwrap();
        let (mut document, mut expected) = (String::new(), Vec::new());
        for line in rest.lines() {
            match line.strip_prefix("=> ") {
                Some(error) => expected.push(format!("line {error}")),
                None => document.push_str(&format!("{line}\n")),
            }
        }
        let found: Vec<String> = match Policy::parse(&document) {
            Ok(_) => vec!["nothing is wrong".to_owned()],
            Err(errors) => errors.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(found, expected, "{sentence}");
        count += 1;
    }
    assert!(count > 30, "only {count} cases");
}
