//! The meaning of a server's reply for a recipient. Pure.

use smtp_protocol::Reply;
use smtp_protocol::client::{Answer, Stage};

use super::trail::{Progress, Tried};
use crate::fate::{Failure, Fate};

/// What follows a reply.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    End(Fate),
    /// The server accepts no more recipients in this transaction: the next one follows at once.
    Again,
    /// Not by this server, or not now: the next server is tried.
    Elsewhere(Tried),
}

/// A server, and what is reported when it accepts a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relay<'a> {
    pub(super) server: &'a str,
    /// NOTIFY was passed on to it.
    pub(super) reports: bool,
    /// This system sends the notice.
    pub(super) traced: bool,
}

/// Octets kept of a reply, for each recipient, for people to read. A reply may have 64 KiB, and a message a
/// thousand recipients.
const KEPT: usize = 400;

/// A reply, shortened for the history and for notices.
pub(super) fn brief(reply: &Reply) -> String {
    let text = reply.to_string();
    match text.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Interprets a reply. `accepted`: the server accepted other recipients in the same transaction.
pub(super) fn verdict(answer: &Answer, relay: Relay<'_>, accepted: bool) -> Verdict {
    let server = relay.server;
    let reply = &answer.reply;
    let words = brief(reply);
    if reply.is_positive() {
        return Verdict::End(Fate::Relayed {
            server: server.to_owned(),
            reply: words,
            reports: relay.reports,
            traced: relay.traced,
        });
    }
    // RFC 5321 §4.5.3.1.10: 552 at RCPT means 452.
    let too_many = answer.stage == Stage::Recipient && matches!(reply.code, 452 | 552);
    if too_many && accepted {
        return Verdict::Again;
    }
    let permanent = reply.is_permanent() && !too_many;
    let class = if permanent { 5 } else { 4 };
    let status = reply
        .enhanced
        .filter(|enhanced| enhanced.class == class)
        .map_or_else(|| format!("{class}.0.0"), |enhanced| enhanced.to_string());
    let asked = answer.stage != Stage::Preflight;
    let reason = match answer.stage {
        Stage::Preflight => reply
            .text
            .chars()
            .take(KEPT)
            .collect::<String>()
            .replace('\n', " "),
        Stage::Mail => format!("{server} refused the sender: {words}"),
        Stage::Recipient => format!("{server} refused the recipient: {words}"),
        _ => format!("{server} refused the message: {words}"),
    };
    let failure = Failure {
        permanent,
        status: status.into(),
        reason,
        server: server.to_owned(),
        reply: if asked { words } else { String::new() },
        retry_in: None,
        unsettled: false,
    };
    // A reply about the message itself is final. A missing extension is not: another server may offer it.
    if permanent && asked {
        return Verdict::End(Fate::Failed(failure));
    }
    Verdict::Elsewhere(Tried {
        progress: Progress::at(answer.stage),
        failure,
    })
}

#[cfg(test)]
mod tests {
    use smtp_protocol::{EnhancedCode, Reply};

    use super::*;

    const MX: Relay<'_> = Relay {
        server: "mx.test",
        reports: false,
        traced: false,
    };

    fn answer(stage: Stage, code: u16, enhanced: Option<(u8, u16, u16)>) -> Answer {
        Answer {
            stage,
            reply: Reply {
                code,
                enhanced: enhanced.map(|(a, b, c)| EnhancedCode::new(a, b, c)),
                text: "text".into(),
            },
        }
    }

    #[test]
    fn answers_are_classified() {
        // stage, code, enhanced code, others accepted → relayed, again, or permanent or next server, and
        // status
        type Row = (Stage, u16, Option<(u8, u16, u16)>, bool, &'static str);
        let table: &[Row] = &[
            (Stage::Content, 250, Some((2, 0, 0)), true, "relayed"),
            (Stage::Mail, 451, None, false, "elsewhere 4.0.0"),
            (Stage::Mail, 550, Some((5, 7, 1)), false, "permanent 5.7.1"),
            (Stage::Mail, 550, Some((4, 7, 1)), false, "permanent 5.0.0"),
            (
                Stage::Recipient,
                450,
                Some((4, 2, 1)),
                true,
                "elsewhere 4.2.1",
            ),
            (
                Stage::Recipient,
                550,
                Some((5, 1, 1)),
                true,
                "permanent 5.1.1",
            ),
            (Stage::Recipient, 452, Some((4, 5, 3)), true, "again"),
            (Stage::Recipient, 552, None, true, "again"),
            (
                Stage::Recipient,
                452,
                Some((4, 5, 3)),
                false,
                "elsewhere 4.5.3",
            ),
            (
                Stage::Recipient,
                552,
                Some((5, 5, 3)),
                false,
                "elsewhere 4.0.0",
            ),
            (
                Stage::Content,
                552,
                Some((5, 3, 4)),
                true,
                "permanent 5.3.4",
            ),
            (Stage::Data, 554, None, false, "permanent 5.0.0"),
            (Stage::Content, 421, None, false, "elsewhere 4.0.0"),
            (
                Stage::Preflight,
                552,
                Some((5, 3, 4)),
                false,
                "elsewhere 5.3.4",
            ),
        ];
        for (stage, code, enhanced, accepted, expected) in table {
            let verdict = verdict(&answer(*stage, *code, *enhanced), MX, *accepted);
            let shown = match verdict {
                Verdict::Again => "again".to_owned(),
                Verdict::End(Fate::Failed(failure)) => {
                    assert!(failure.permanent);
                    format!("permanent {}", failure.status)
                }
                Verdict::End(_) => "relayed".to_owned(),
                Verdict::Elsewhere(tried) => format!("elsewhere {}", tried.failure.status),
            };
            assert_eq!(&shown, expected, "{stage:?} {code} {enhanced:?} {accepted}");
        }
    }
    #[test]
    fn a_long_reply_is_kept_in_brief_for_each_recipient() {
        let mut long = answer(Stage::Content, 550, None);
        long.reply.text = "ä".repeat(64 * 1024).into();
        let Verdict::End(Fate::Failed(failure)) = verdict(&long, MX, false) else {
            panic!("a refusal is an end");
        };
        assert!(failure.reply.chars().count() <= KEPT + 1);
        assert!(failure.reason.chars().count() <= KEPT + 100);
    }
}
