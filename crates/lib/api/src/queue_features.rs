//! What a queue understands of submissions beyond plain mail, and what a submission needs of it.
//!
//! A queue of the version before takes fields that it does not know without a word, and forgets them:
//! what is to be quarantined would be delivered, what is to be held would go at once. So a queue says
//! what it understands in the header of the answer to `Enqueue`, before any submission is sent on that
//! stream, and nothing is given to a queue that does not say what it takes.

use tonic::metadata::MetadataMap;

use crate::queue::v1::{DeliverBy, DeliveryOptions, Recipient, Submission};

/// The header: names from [`Feature::name`], with commas between them.
const HEADER: &str = "postern-queue-features";

/// Something that not every queue understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `Submission.quarantine`.
    Quarantine,
    /// `Submission.options` and `hold_until_ms`: when and how soon a message goes on.
    Options,
}

impl Feature {
    const ALL: [Self; 2] = [Self::Quarantine, Self::Options];

    /// As queues say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Options => "options",
        }
    }
}

/// A set of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u32);

impl Features {
    /// Those of this version.
    #[must_use]
    pub fn all() -> Self {
        Feature::ALL.into_iter().fold(Self::default(), Self::with)
    }

    fn with(self, feature: Feature) -> Self {
        Self(self.0 | 1 << feature as u32)
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(self, feature: Feature) -> bool {
        self.0 & 1 << feature as u32 != 0
    }

    /// Says them, in the answer to `Enqueue`.
    pub fn announce(self, metadata: &mut MetadataMap) {
        if let Ok(names) = self.to_string().parse() {
            metadata.insert(HEADER, names);
        }
    }

    /// Those that a queue said. A queue that says nothing understands plain mail; names of later
    /// versions are nothing to us.
    #[must_use]
    pub fn announced(metadata: &MetadataMap) -> Self {
        let said = metadata.get(HEADER).and_then(|value| value.to_str().ok());
        let names = || said.unwrap_or_default().split(',').map(str::trim);
        Feature::ALL
            .into_iter()
            .filter(|feature| names().any(|name| name == feature.name()))
            .fold(Self::default(), Self::with)
    }

    /// Those that a submission needs.
    ///
    /// Each field is named here, so that nobody adds one without saying whether a queue that does not
    /// know it may take the submission.
    #[must_use]
    pub fn needed(submission: &Submission) -> Self {
        let Submission {
            quarantine,
            hold_until_ms,
            options,
            recipients,
            // Every queue knows these.
            reverse_path: _,
            content: _,
            prefix: _,
            origin: _,
            eight_bit: _,
            smtputf8: _,
            binary: _,
            envelope_id: _,
            return_content: _,
            require_tls: _,
            collected: _,
            policy_revision: _,
            junk: _,
            // A queue that does not know it takes the times as they are.
            clock_ms: _,
        } = submission;
        let mut needed = Self::default();
        if quarantine.is_some() {
            needed = needed.with(Feature::Quarantine);
        }
        // The lifetime of what is held begins at its release.
        if *hold_until_ms != 0 || options.as_ref().is_some_and(asks) {
            needed = needed.with(Feature::Options);
        }
        recipients.iter().for_each(known_to_all);
        needed
    }

    /// What is missing of `needed`.
    #[must_use]
    pub fn lacks(self, needed: Self) -> Option<Self> {
        let missing = needed.0 & !self.0;
        (missing != 0).then_some(Self(missing))
    }
}

fn asks(options: &DeliveryOptions) -> bool {
    let DeliveryOptions {
        deliver_by,
        priority,
        future_release,
    } = options;
    let by_then = deliver_by.is_some_and(|by| {
        let DeliverBy {
            deadline_ms,
            or_return: _,
            trace: _,
        } = by;
        deadline_ms != 0
    });
    by_then || *priority != 0 || !future_release.is_empty()
}

fn known_to_all(recipient: &Recipient) {
    let Recipient {
        address: _,
        original_recipient: _,
        notify: _,
    } = recipient;
}

impl std::fmt::Display for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut between = "";
        for feature in Feature::ALL.into_iter().filter(|one| self.has(*one)) {
            write!(f, "{between}{}", feature.name())?;
            between = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::v1::QuarantineTerms;

    fn said(names: Option<&'static str>) -> Features {
        let mut metadata = MetadataMap::new();
        if let Some(names) = names {
            metadata.insert(HEADER, tonic::metadata::MetadataValue::from_static(names));
        }
        Features::announced(&metadata)
    }

    #[test]
    fn what_is_said_is_heard_and_nothing_else() {
        let mut metadata = MetadataMap::new();
        Features::all().announce(&mut metadata);
        assert_eq!(Features::announced(&metadata), Features::all());
        assert_eq!(said(None), Features::default());
        assert_eq!(said(Some("")), Features::default());
        let one = said(Some("of-tomorrow,quarantine"));
        assert!(one.has(Feature::Quarantine) && !one.has(Feature::Options));
        assert_eq!(said(Some("quarantines, option")), Features::default());
    }

    #[test]
    fn a_submission_needs_what_would_be_forgotten() {
        let plain = Submission {
            reverse_path: "a@x.test".to_owned(),
            junk: true,
            options: Some(DeliveryOptions::default()),
            ..Submission::default()
        };
        assert_eq!(Features::needed(&plain), Features::default());
        let quarantined = Submission {
            quarantine: Some(QuarantineTerms::default()),
            ..plain.clone()
        };
        let held = Submission {
            hold_until_ms: 1,
            ..plain.clone()
        };
        let asked = |options| Submission {
            options: Some(options),
            ..plain.clone()
        };
        let urgent = asked(DeliveryOptions {
            priority: -1,
            ..DeliveryOptions::default()
        });
        let by_then = asked(DeliveryOptions {
            deliver_by: Some(DeliverBy {
                deadline_ms: 1,
                ..DeliverBy::default()
            }),
            ..DeliveryOptions::default()
        });
        let old = Features::default();
        for (submission, missing) in [
            (plain.clone(), ""),
            (quarantined, "quarantine"),
            (held, "options"),
            (urgent, "options"),
            (by_then, "options"),
        ] {
            let needed = Features::needed(&submission);
            assert_eq!(needed.to_string(), missing);
            assert_eq!(old.lacks(needed).is_some(), !missing.is_empty());
            assert_eq!(Features::all().lacks(needed), None);
        }
    }
}
