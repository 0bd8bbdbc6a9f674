//! Features of a queue beyond plain mail, and the features that a submission needs.
//!
//! A queue of the previous version ignores unknown fields: a message for quarantine would be delivered, a
//! held message would be sent at once. So a queue announces its features in the header of the answer to
//! `Enqueue`, before any submission is sent on that stream, and receives only submissions that it supports.
//! stream, and nothing is given to a queue that does not say what it takes.

use tonic::metadata::MetadataMap;

use crate::queue::v1::{DeliverBy, DeliveryOptions, Recipient, Submission};

/// The header: names from [`Feature::name`], separated by commas.
const HEADER: &str = "postern-queue-features";

/// A feature that not every queue has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `Submission.quarantine`.
    Quarantine,
    /// `Submission.options` and `hold_until_ms`: requests about time and priority.
    Options,
}

impl Feature {
    const ALL: [Self; 2] = [Self::Quarantine, Self::Options];

    /// The name in the announcement.
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
    /// The features of this version.
    #[must_use]
    pub fn all() -> Self {
        Feature::ALL.into_iter().fold(Self::default(), Self::with)
    }

    fn with(self, feature: Feature) -> Self {
        Self(self.0 | 1 << feature as u32)
    }

    /// Whether the set contains this feature.
    #[must_use]
    pub fn has(self, feature: Feature) -> bool {
        self.0 & 1 << feature as u32 != 0
    }

    /// Announces the features in the answer to `Enqueue`.
    pub fn announce(self, metadata: &mut MetadataMap) {
        if let Ok(names) = self.to_string().parse() {
            metadata.insert(HEADER, names);
        }
    }

    /// The announced features of a queue. Without an announcement it supports plain mail; names of later
    /// versions are ignored.
    #[must_use]
    pub fn announced(metadata: &MetadataMap) -> Self {
        let said = metadata.get(HEADER).and_then(|value| value.to_str().ok());
        let names = || said.unwrap_or_default().split(',').map(str::trim);
        Feature::ALL
            .into_iter()
            .filter(|feature| names().any(|name| name == feature.name()))
            .fold(Self::default(), Self::with)
    }

    /// The features that a submission needs.
    ///
    /// Each field is listed here, so that a new field does not compile before it is decided whether a queue
    /// without it may accept the submission.
    #[must_use]
    pub fn needed(submission: &Submission) -> Self {
        let Submission {
            quarantine,
            hold_until_ms,
            options,
            recipients,
            // Every queue knows these fields.
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
            // A queue without this field uses the times as they are.
            clock_ms: _,
        } = submission;
        let mut needed = Self::default();
        if quarantine.is_some() {
            needed = needed.with(Feature::Quarantine);
        }
        // The lifetime of a held message begins at its release.
        if *hold_until_ms != 0 || options.as_ref().is_some_and(asks) {
            needed = needed.with(Feature::Options);
        }
        recipients.iter().for_each(known_to_all);
        needed
    }

    /// The missing features, if any.
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
