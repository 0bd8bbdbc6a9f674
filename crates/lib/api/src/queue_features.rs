//! Features of submissions that not every version of the queue knows, and those that a submission needs.
//!
//! A queue of an older version silently ignores fields that it does not know. So a queue announces its features in the
//! header of the answer to `Enqueue`, before any submission is sent on that stream, and a submission is sent only to a
//! queue that has announced the features that it needs.
//!
//! [`NAMES`] is empty: every version in use knows every field. A later field that must not be ignored gets a name
//! there, and a line in [`Features::needed`].

use tonic::metadata::MetadataMap;

use crate::queue::v1::{DeliverBy, DeliveryOptions, Recipient, Submission};

/// The header: names with commas between them.
const HEADER: &str = "postern-queue-features";

/// The names of the features in the header.
const NAMES: &[&str] = &[];

/// A set of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u32);

impl Features {
    /// The features of this version.
    #[must_use]
    pub fn all() -> Self {
        Self::of(NAMES, |_| true)
    }

    /// The set of the names for which `has` is true.
    fn of(names: &[&str], has: impl Fn(&str) -> bool) -> Self {
        let bits = (0..u32::BITS).zip(names);
        let had = bits.filter(|(_, name)| has(name));
        Self(had.fold(0, |set, (bit, _)| set | 1 << bit))
    }

    /// Announces the features in the answer to `Enqueue`.
    pub fn announce(self, metadata: &mut MetadataMap) {
        self.announce_of(NAMES, metadata);
    }

    fn announce_of(self, names: &[&str], metadata: &mut MetadataMap) {
        if let Ok(names) = self.joined(names).parse() {
            metadata.insert(HEADER, names);
        }
    }

    /// The features that a queue has announced. Unknown names, of later versions, are ignored.
    #[must_use]
    pub fn announced(metadata: &MetadataMap) -> Self {
        Self::announced_of(NAMES, metadata)
    }

    fn announced_of(names: &[&str], metadata: &MetadataMap) -> Self {
        let said = metadata.get(HEADER).and_then(|value| value.to_str().ok());
        let said: Vec<&str> = said.unwrap_or_default().split(',').map(str::trim).collect();
        Self::of(names, |name| said.contains(&name))
    }

    /// The features that a submission needs.
    ///
    /// Each field is listed here, so that a new field does not compile before it is decided whether a queue
    /// without it may accept the submission.
    #[must_use]
    pub fn needed(submission: &Submission) -> Self {
        let Submission {
            // Every queue knows these fields.
            reverse_path: _,
            recipients,
            content: _,
            prefix: _,
            origin: _,
            eight_bit: _,
            smtputf8: _,
            binary: _,
            envelope_id: _,
            return_content: _,
            require_tls: _,
            hold_until_ms: _,
            collected: _,
            policy_revision: _,
            junk: _,
            options,
            quarantine: _,
            clock_ms: _,
        } = submission;
        options.iter().for_each(options_known_to_all);
        recipients.iter().for_each(recipient_known_to_all);
        Self::default()
    }

    /// The missing features, if any.
    #[must_use]
    pub fn lacks(self, needed: Self) -> Option<Self> {
        let missing = needed.0 & !self.0;
        (missing != 0).then_some(Self(missing))
    }

    fn joined(self, names: &[&str]) -> String {
        let bits = (0..u32::BITS).zip(names);
        let had = bits.filter(|(bit, _)| self.0 & 1 << bit != 0);
        had.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    }
}

fn options_known_to_all(options: &DeliveryOptions) {
    let DeliveryOptions {
        deliver_by,
        priority: _,
        future_release: _,
    } = options;
    if let Some(deliver_by) = deliver_by {
        let DeliverBy {
            deadline_ms: _,
            or_return: _,
            trace: _,
        } = deliver_by;
    }
}

fn recipient_known_to_all(recipient: &Recipient) {
    let Recipient {
        address: _,
        original_recipient: _,
        notify: _,
    } = recipient;
}

impl std::fmt::Display for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.joined(NAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of some version to come.
    const LATER: &[&str] = &["lists", "mail-merge"];

    fn said(names: &'static str) -> Features {
        let mut metadata = MetadataMap::new();
        metadata.insert(HEADER, tonic::metadata::MetadataValue::from_static(names));
        Features::announced_of(LATER, &metadata)
    }

    #[test]
    fn what_is_said_is_heard_and_nothing_else() {
        let all = Features::of(LATER, |_| true);
        let mut metadata = MetadataMap::new();
        assert_eq!(Features::announced_of(LATER, &metadata), Features(0));
        all.announce_of(LATER, &mut metadata);
        assert_eq!(Features::announced_of(LATER, &metadata), all);
        assert_eq!(said(""), Features(0));
        assert_eq!(said("of-tomorrow,mail-merge").joined(LATER), "mail-merge");
        assert_eq!(said("list, mail-merges"), Features(0));
        // One of today that meets one of tomorrow.
        Features::all().announce(&mut metadata);
        assert_eq!(Features::announced(&metadata), Features::all());
    }

    #[test]
    fn a_queue_lacks_what_it_did_not_say() {
        let (one, all) = (said("lists"), said("mail-merge, lists"));
        assert_eq!(all.lacks(one), None);
        let lacks = one.lacks(all);
        assert!(lacks.is_some_and(|lacks| lacks.joined(LATER) == "mail-merge"));
        assert_eq!(Features::default().lacks(Features::all()), None);
    }
}
