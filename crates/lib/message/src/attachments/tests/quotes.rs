//! Quotes and brackets that are never closed: for lenient readers the parameters behind them are some.

use super::*;

fn refused(disposition: &str) -> bool {
    let part = format!("Content-Disposition: {disposition}\r\n\r\nx\r\n");
    refuse(&with_part(part.as_bytes())).is_err()
}

#[test]
fn what_stands_behind_an_unclosed_quote_is_looked_at() {
    for disposition in [
        "attachment; x=\"; filename=evil.exe",
        "attachment; x=\"; filename=\"evil.exe\"",
        "attachment; x=\"a; y=b; filename=evil.exe; size=5",
        "attachment; x=\"; y=\"; z=\"; filename=evil.exe",
        "attachment; \"; filename=evil.exe",
        "\"attachment; filename=evil.exe",
        "attachment; x=(; filename=evil.exe",
        "attachment (a; filename=evil.exe",
        "attachment; x=(\"; filename=evil.exe",
        "attachment; x=\"; filename*=utf-8''evil%2Eexe",
        "attachment; x=\"; filename*0=evil; filename*1=.exe",
    ] {
        assert!(refused(disposition), "{disposition}");
    }
    // More than are looked at.
    assert!(refused(&"attachment; x=(".repeat(20)));
}

#[test]
fn harmless_names_with_odd_quotes_pass() {
    for disposition in [
        "attachment; filename=\"report.pdf",
        "attachment; filename=\"report.pdf; size=5",
        "attachment; filename=\"12\" screen.pdf\"; size=5",
        "attachment; filename=\"a\\\"b.pdf\"; filename*0=\"a\"; filename*1=\"b.pdf\"",
        "attachment; filename=notes (draft.pdf",
    ] {
        assert!(!refused(disposition), "{disposition}");
    }
}
