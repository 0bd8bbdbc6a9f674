//! The background work of mailbox-store in `postern status`.

use administration::status::Upkeep;

use super::counted;

/// One line while there is work.
pub(super) fn text(upkeep: &Upkeep) -> Option<String> {
    let mut sentences = Vec::new();
    if upkeep.outdated_summaries > 0 {
        sentences.push(format!(
            "An older version made the summaries of {}; they are being renewed, {} so far.",
            counted(upkeep.outdated_summaries, "message"),
            upkeep.renewed_summaries,
        ));
    }
    if upkeep.unreadable_messages > 0 {
        sentences.push(format!(
            "{} could not be read for that: see the log of mailbox-store.",
            counted(upkeep.unreadable_messages, "message"),
        ));
    }
    (!sentences.is_empty()).then(|| format!("Mailboxes: {}", sentences.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_left_and_nothing_when_nothing_is() {
        let line = |outdated_summaries, unreadable_messages| {
            let upkeep = Upkeep {
                outdated_summaries,
                renewed_summaries: 300,
                unreadable_messages,
            };
            text(&upkeep)
        };
        assert_eq!(line(0, 0), None);
        assert_eq!(
            line(12, 1).as_deref(),
            Some(
                "Mailboxes: An older version made the summaries of 12 messages; they are being \
                 renewed, 300 so far. 1 message could not be read for that: see the log of \
                 mailbox-store."
            )
        );
    }
}
