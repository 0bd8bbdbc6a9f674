//! The payload of a NOTIFY.

/// The channel of all notices.
pub const CHANNEL: &str = "mailbox";

/// Postgres accepts less than 8,000 octets.
const MAX_PAYLOAD: usize = 7000;

/// Identifies a process. Its own notices come back to it and are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin(u64);

impl Origin {
    /// A new process.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Mailboxes with their highest MODSEQ.
    Mailboxes(Vec<(i64, u64)>),
    /// The address became a user, or ceased to be one.
    User {
        /// The address.
        address: String,
        /// Whether it is a user now.
        exists: bool,
    },
    /// The user's password changed.
    Password {
        /// The user.
        user_id: i64,
    },
}

impl Notice {
    /// The notice as payloads: several, if one would be too long.
    pub fn encode(&self, origin: Origin) -> Vec<String> {
        let head = format!("{:x}", origin.0);
        match self {
            Self::User { address, exists } => {
                vec![format!(
                    "{head} u {}{address}",
                    if *exists { '+' } else { '-' }
                )]
            }
            Self::Password { user_id } => vec![format!("{head} p {user_id}")],
            Self::Mailboxes(changes) => {
                let mut payloads = Vec::new();
                let mut payload = String::new();
                for (mailbox_id, modseq) in changes {
                    if payload.is_empty() {
                        payload = format!("{head} m");
                    }
                    payload.push_str(&format!(" {mailbox_id}={modseq}"));
                    if payload.len() > MAX_PAYLOAD {
                        payloads.push(std::mem::take(&mut payload));
                    }
                }
                payloads.extend((!payload.is_empty()).then_some(payload));
                payloads
            }
        }
    }

    /// The notice and its origin. `None` for an unknown payload, which a newer version may send.
    pub fn decode(payload: &str) -> Option<(Origin, Self)> {
        let (origin, rest) = payload.split_once(' ')?;
        let origin = Origin(u64::from_str_radix(origin, 16).ok()?);
        let (kind, rest) = rest.split_once(' ')?;
        let notice = match kind {
            "u" => match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
                (Some(address), _) => Self::User {
                    address: address.to_owned(),
                    exists: true,
                },
                (_, Some(address)) => Self::User {
                    address: address.to_owned(),
                    exists: false,
                },
                _ => return None,
            },
            "p" => Self::Password {
                user_id: rest.parse().ok()?,
            },
            "m" => Self::Mailboxes(
                rest.split(' ')
                    .map(|pair| {
                        let (mailbox_id, modseq) = pair.split_once('=')?;
                        Some((mailbox_id.parse().ok()?, modseq.parse().ok()?))
                    })
                    .collect::<Option<_>>()?,
            ),
            _ => return None,
        };
        Some((origin, notice))
    }
}
