//! Group commit (DESIGN §5): what arrives while one transaction is under way makes up the next.

use std::time::Duration;

use tokio::sync::{Mutex, mpsc};

/// Something that waits to be committed.
pub(crate) trait Weighed {
    /// What it adds to a batch: rows, or octets, as the batch's limit counts.
    fn weight(&self) -> usize;
}

/// Where a writer takes its batches. Several writers may share one.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    receiver: Mutex<mpsc::Receiver<T>>,
    max_items: usize,
    max_weight: usize,
    linger: Duration,
}

impl<T: Weighed> Inbox<T> {
    /// An inbox and the way into it. Whoever sends waits while two batches wait already.
    pub(crate) fn new(max_items: usize, max_weight: usize) -> (mpsc::Sender<T>, Self) {
        let (sender, receiver) = mpsc::channel(max_items * 2);
        let inbox = Self {
            receiver: Mutex::new(receiver),
            max_items,
            max_weight,
            linger: Duration::ZERO,
        };
        (sender, inbox)
    }

    /// Lets a batch wait so long for company. For what nobody waits for: it spares Postgres
    /// transactions where little arrives at a time.
    pub(crate) fn lingering(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Waits for something, then takes what has arrived. `None` when nobody can send any more.
    pub(crate) async fn next_batch(&self) -> Option<Vec<T>> {
        let mut receiver = self.receiver.lock().await;
        let first = receiver.recv().await?;
        if !self.linger.is_zero() && receiver.len() < self.max_items {
            tokio::time::sleep(self.linger).await;
        }
        let mut weight = first.weight();
        let mut batch = Vec::with_capacity(receiver.len() + 1);
        batch.push(first);
        while batch.len() < self.max_items && weight < self.max_weight {
            match receiver.try_recv() {
                Ok(item) => {
                    weight += item.weight();
                    batch.push(item);
                }
                Err(_) => break,
            }
        }
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot send has failed")]

    use super::*;

    impl Weighed for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    #[tokio::test]
    async fn a_batch_is_what_has_arrived_within_the_limits() {
        let (sender, inbox) = Inbox::new(3, 100);
        for item in [1, 2, 3, 4, 200, 5] {
            sender.send(item).await.unwrap();
        }
        drop(sender);
        assert_eq!(inbox.next_batch().await, Some(vec![1, 2, 3]));
        assert_eq!(inbox.next_batch().await, Some(vec![4, 200]));
        assert_eq!(inbox.next_batch().await, Some(vec![5]));
        assert_eq!(inbox.next_batch().await, None);
    }
}
