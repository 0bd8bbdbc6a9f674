//! What there is: UIDL and LIST.

use std::collections::HashMap;

use pop3_protocol::client::Listing;

use super::{Remote, RemoteError};

/// More than any account has that POP3 is used for (I7).
const MOST_MESSAGES: usize = 500_000;

/// A message as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) number: u32,
    pub(crate) uidl: String,
    pub(crate) size: u64,
}

impl Remote {
    /// All messages, by number. One without a size has come between the two listings: it is for
    /// the next poll.
    pub(crate) async fn list(&mut self) -> Result<Vec<Listed>, RemoteError> {
        let uidls = self.uidls().await?;
        let sizes = self.sizes().await?;
        let listed = uidls.into_iter().filter_map(|(number, uidl)| {
            Some(Listed {
                number,
                uidl,
                size: *sizes.get(&number)?,
            })
        });
        Ok(listed.collect())
    }

    async fn uidls(&mut self) -> Result<Vec<(u32, String)>, RemoteError> {
        self.demand("UIDL", "UIDL").await?;
        let mut all = Vec::new();
        while let Listing::Line(line) = self.take(Listing::take_uidl).await? {
            limit(all.len())?;
            all.push((line.number, line.uidl));
        }
        Ok(all)
    }

    async fn sizes(&mut self) -> Result<HashMap<u32, u64>, RemoteError> {
        self.demand("LIST", "LIST").await?;
        let mut all = HashMap::new();
        while let Listing::Line(line) = self.take(Listing::take_size).await? {
            limit(all.len())?;
            all.insert(line.number, line.size);
        }
        Ok(all)
    }
}

fn limit(count: usize) -> Result<(), RemoteError> {
    if count < MOST_MESSAGES {
        Ok(())
    } else {
        Err(RemoteError::TooMany(MOST_MESSAGES))
    }
}
