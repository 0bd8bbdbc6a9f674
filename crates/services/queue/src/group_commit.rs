//! Group commit (DESIGN §5): what arrives while one transaction is under way makes up the next.

use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, timeout_at};

/// Something that waits to be committed.
pub(crate) trait Weighed {
    /// What it adds to a batch: rows, or octets, as the batch's limit counts.
    fn weight(&self) -> usize;
}

/// How a batch waits for company once its first item is there.
///
/// Little batches cost most where many submitters each wait for an answer before they submit
/// again: those answered by one commit are back just after the next has begun.
#[derive(Debug, Clone, Copy)]
enum Company {
    /// So long, whoever comes: for what nobody waits for.
    Anybody(Duration),
    /// Until as many have come as had been seen about lately, at most so long. One alone never
    /// waits.
    Expected(Duration),
}

/// Where a writer takes its batches. Several writers may share one.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    arriving: Mutex<Arriving<T>>,
    max_items: usize,
    max_weight: usize,
    company: Company,
}

#[derive(Debug)]
struct Arriving<T> {
    receiver: mpsc::Receiver<T>,
    /// The batch before this one, and when it was taken.
    before: usize,
    taken: Instant,
}

impl<T: Weighed> Inbox<T> {
    /// How long a batch waits for those who are expected: a commit's time.
    const PATIENCE: Duration = Duration::from_millis(1);

    /// Behind so long a pause nobody of the batch before is expected back.
    const PAUSE: Duration = Duration::from_millis(20);

    /// An inbox and the way into it. Whoever sends waits while two batches wait already.
    pub(crate) fn new(max_items: usize, max_weight: usize) -> (mpsc::Sender<T>, Self) {
        let (sender, receiver) = mpsc::channel(max_items * 2);
        let inbox = Self {
            arriving: Mutex::new(Arriving {
                receiver,
                before: 0,
                taken: Instant::now(),
            }),
            max_items,
            max_weight,
            company: Company::Expected(Self::PATIENCE),
        };
        (sender, inbox)
    }

    /// Lets a batch wait so long for company. For what nobody waits for: it spares Postgres
    /// transactions where little arrives at a time.
    pub(crate) fn lingering(mut self, linger: Duration) -> Self {
        self.company = Company::Anybody(linger);
        self
    }

    /// Waits for something, then takes what has arrived. `None` when nobody can send any more.
    pub(crate) async fn next_batch(&self) -> Option<Vec<T>> {
        let mut arriving = self.arriving.lock().await;
        // Those who were answered, and those who came meanwhile.
        let about = arriving.before + arriving.receiver.len();
        let first = arriving.receiver.recv().await?;
        let (wanted, patience) = match self.company {
            Company::Anybody(linger) => (self.max_items, linger),
            Company::Expected(_) if arriving.taken.elapsed() > Self::PAUSE => (1, Duration::ZERO),
            Company::Expected(patience) => (about, patience),
        };
        let deadline = Instant::now() + patience;
        let mut weight = first.weight();
        let mut batch = Vec::with_capacity(arriving.receiver.len() + 1);
        batch.push(first);
        while batch.len() < self.max_items && weight < self.max_weight {
            let item = match arriving.receiver.try_recv() {
                Ok(item) => item,
                Err(_) if batch.len() >= wanted => break,
                Err(_) => match timeout_at(deadline, arriving.receiver.recv()).await {
                    Ok(Some(item)) => item,
                    Ok(None) | Err(_) => break,
                },
            };
            weight += item.weight();
            batch.push(item);
        }
        arriving.before = batch.len();
        arriving.taken = Instant::now();
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
    #[tokio::test(start_paused = true)]
    async fn a_batch_waits_for_those_who_were_about_but_one_alone_does_not() {
        let (sender, inbox) = Inbox::new(10, 100);
        let began = Instant::now();
        sender.send(1).await.unwrap();
        assert_eq!(inbox.next_batch().await, Some(vec![1]));
        for item in [2, 3, 4] {
            sender.send(item).await.unwrap();
        }
        assert_eq!(inbox.next_batch().await, Some(vec![2, 3, 4]));
        assert_eq!(
            began.elapsed(),
            Duration::from_millis(1),
            "a fourth was about"
        );

        // The first is back at once, the others a little later.
        sender.send(5).await.unwrap();
        let (batch, ()) = tokio::join!(inbox.next_batch(), async {
            sender.send(6).await.unwrap();
            tokio::task::yield_now().await;
            sender.send(7).await.unwrap();
        });
        assert_eq!(batch, Some(vec![5, 6, 7]));

        // After a pause nobody is expected.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = Instant::now();
        sender.send(8).await.unwrap();
        assert_eq!(inbox.next_batch().await, Some(vec![8]));
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}
