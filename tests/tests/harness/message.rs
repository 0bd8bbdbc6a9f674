//! Messages, and the changes allowed on their way.

use std::sync::atomic::{AtomicU32, Ordering};

/// A word that no other case uses: for domains and subjects on a shared system.
pub fn unique(word: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    format!("{word}{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Fails unless `read` is `sent` with trace fields before it and no other change (RFC 5321 §4.4).
pub fn assert_same_below_trace(read: &[u8], sent: &[u8]) {
    let Some(trace) = read.strip_suffix(sent) else {
        panic!(
            "not the same message: sent\n{}\nread\n{}",
            show(sent),
            show(read)
        );
    };
    let trace = std::str::from_utf8(trace).unwrap();
    for line in trace.split_terminator("\r\n") {
        let name = line.split(':').next().unwrap_or_default();
        let folded = line.starts_with([' ', '\t']);
        let known = [
            "Return-Path",
            "Delivered-To",
            "Received",
            "X-Original-To",
            "Authentication-Results",
        ];
        assert!(
            folded || known.contains(&name),
            "not a trace field: {line:?}"
        );
    }
    assert!(trace.contains("Received:"), "no Received field: {trace}");
}

fn show(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(2000)]
        .escape_ascii()
        .to_string()
        .replace("\\r\\n", "\n")
}
