//! The verdicts in the list of refusals.

/// Their names, sorted. They come from the rules, the protocol sessions, the front ends and the directory.
pub const VERDICTS: &[&str] = &[
    "address-literal-sender",
    "author-not-of-login",
    "bare-carriage-return",
    "bare-line-feed",
    "binary-sealed",
    "binary-unclear",
    "blank-reverse-path",
    "blocked-attachment",
    "certificate-refused",
    "command-out-of-place",
    "connection-rate-exceeded",
    "deliver-by-too-soon",
    "delivery-time-expired",
    "dkim-fail",
    "dkim-neutral",
    "dkim-none",
    "dkim-permerror",
    "dkim-policy",
    "dkim-temperror",
    "dmarc-none",
    "dmarc-permerror",
    "dmarc-quarantine",
    "dmarc-reject",
    "dmarc-temperror",
    "dns-listed",
    "early-talker",
    "greylisted",
    "header-too-large",
    "held-past-deliver-by",
    "hold-in-the-past",
    "hold-too-long",
    "insufficient-storage",
    "iprev-fail",
    "iprev-permerror",
    "iprev-temperror",
    "line-too-long",
    "login-failed",
    "login-for-another",
    "login-required",
    "login-throttled",
    "login-too-many-connections",
    "login-without-tls",
    "mail-loop",
    "mailbox-missing",
    "malformed-command",
    "malformed-hello",
    "malformed-login",
    "malformed-recipient",
    "malformed-sender",
    "mechanism-not-offered",
    "message-too-large",
    "no-postmaster",
    "no-such-user",
    "not-kept",
    "not-offered",
    "nul-octet",
    "protocol-violation",
    "queue-run-denied",
    "rate-exceeded",
    "refused-by-handler",
    "refused-by-queue",
    "relay-denied",
    "routed-local-part",
    "sender-domain-missing",
    "sender-domain-unknown",
    "sender-domain-unusable",
    "sender-not-of-login",
    "sender-null-mx",
    "spf-fail",
    "spf-helo-fail",
    "spf-neutral",
    "spf-none",
    "spf-permerror",
    "spf-softfail",
    "spf-temperror",
    "spoofed-sender",
    "text-line-too-long",
    "tls-handshake",
    "token-refused",
    "too-many-connections",
    "too-many-errors",
    "too-many-header-fields",
    "too-many-messages",
    "too-many-recipients",
    "trust-unknown",
    "unavailable",
    "unclear-attachments",
    "unknown-command",
    "unknown-parameter",
    "verification-refused",
];

/// Whether it is the name of one.
pub(super) fn is_verdict(name: &str) -> bool {
    VERDICTS.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_in_order_each_once() {
        assert!(VERDICTS.is_sorted_by(|a, b| a < b));
        assert!(is_verdict("relay-denied") && is_verdict("not-kept"));
        assert!(!is_verdict("nope"));
    }
}
