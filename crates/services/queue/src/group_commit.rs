//! Group commit: the items that arrive during one transaction form the next.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, timeout_at};

/// Something that waits to be committed.
pub(crate) trait Weighed {
    /// Its share of a batch's limit, in rows or octets.
    fn weight(&self) -> usize;

    /// How long it may wait for other items. Zero if a client waits for it.
    fn may_linger(&self) -> Duration {
        Duration::ZERO
    }
}

/// How long a batch waits for more items once its first one has arrived.
///
/// Small batches are most expensive where many submitters each wait for an answer before they submit again:
/// the submitters answered by one commit are back just after the next has begun.
#[derive(Debug, Clone, Copy)]
enum BatchWait {
    /// As long as each of its items may linger: for items that nobody waits for.
    Linger,
    /// Until about as many items have arrived as in recent batches, at most [`Inbox::COMMIT_WINDOW`]. A single
    /// submitter never waits.
    Expected,
}

/// The source of the writers' batches.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    arriving: Mutex<Arriving<T>>,
    max_items: usize,
    max_weight: usize,
    wait: BatchWait,
}

#[derive(Debug)]
struct Arriving<T> {
    receiver: mpsc::Receiver<T>,
    /// Size of each writer's last batch.
    before: Vec<usize>,
    /// Time of the last batch.
    taken: Instant,
}

impl<T> Arriving<T> {
    /// How many items the batch of `writer` waits for: as many as in its last batch, since those submitters
    /// come again. At most its share of all, so that the other writers' submitters have their turn while one
    /// commits.
    fn expected(&self, writer: usize) -> usize {
        let writers = self.before.len();
        let share = self.before.iter().sum::<usize>().div_ceil(writers);
        self.before[writer].min(share) + self.receiver.len() / writers
    }
}

/// A writer that takes batches from an [`Inbox`].
#[derive(Debug)]
pub(crate) struct Writer<T> {
    inbox: Arc<Inbox<T>>,
    number: usize,
}

impl<T: Weighed> Inbox<T> {
    /// How long a batch waits for expected items: the duration of a commit.
    const COMMIT_WINDOW: Duration = Duration::from_millis(1);

    /// After a pause of this length no submitter of the last batch is expected back.
    const PAUSE: Duration = Duration::from_millis(20);

    /// An inbox and its sender. Senders wait while two batches are waiting already.
    pub(crate) fn new(max_items: usize, max_weight: usize) -> (mpsc::Sender<T>, Self) {
        let (sender, receiver) = mpsc::channel(max_items * 2);
        let inbox = Self {
            arriving: Mutex::new(Arriving {
                receiver,
                before: Vec::new(),
                taken: Instant::now(),
            }),
            max_items,
            max_weight,
            wait: BatchWait::Expected,
        };
        (sender, inbox)
    }

    /// Lets a batch wait for more items as long as its items may ([`Weighed::may_linger`]). This saves
    /// transactions where few items arrive at a time.
    pub(crate) fn lingering(mut self) -> Self {
        self.wait = BatchWait::Linger;
        self
    }

    /// Its writers, which share the inbox.
    pub(crate) fn writers(mut self, count: usize) -> impl Iterator<Item = Writer<T>> {
        self.arriving.get_mut().before.resize(count, 0);
        let inbox = Arc::new(self);
        (0..count).map(move |number| Writer {
            inbox: Arc::clone(&inbox),
            number,
        })
    }

    async fn next_batch(&self, writer: usize) -> Option<Vec<T>> {
        let mut arriving = self.arriving.lock().await;
        let expected = arriving.expected(writer);
        let first = arriving.receiver.recv().await?;
        let (wanted, window) = match self.wait {
            BatchWait::Linger => (self.max_items, first.may_linger()),
            BatchWait::Expected if arriving.taken.elapsed() > Self::PAUSE => (1, Duration::ZERO),
            BatchWait::Expected => (expected, Self::COMMIT_WINDOW),
        };
        let mut deadline = Instant::now() + window;
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
            if let BatchWait::Linger = self.wait {
                deadline = deadline.min(Instant::now() + item.may_linger());
            }
            weight += item.weight();
            batch.push(item);
        }
        arriving.before[writer] = batch.len();
        arriving.taken = Instant::now();
        Some(batch)
    }
}

impl<T: Weighed> Writer<T> {
    /// Waits for an item, then takes all that have arrived. `None` when all senders are gone.
    pub(crate) async fn next_batch(&mut self) -> Option<Vec<T>> {
        self.inbox.next_batch(self.number).await
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

    fn only(inbox: Inbox<usize>) -> Writer<usize> {
        inbox.writers(1).next().unwrap()
    }

    #[tokio::test]
    async fn a_batch_is_what_has_arrived_within_the_limits() {
        let (sender, inbox) = Inbox::new(3, 100);
        let mut inbox = only(inbox);
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
        let mut inbox = only(inbox);
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

        // The first submitter is back at once, the others a little later.
        sender.send(5).await.unwrap();
        let (batch, ()) = tokio::join!(inbox.next_batch(), async {
            sender.send(6).await.unwrap();
            tokio::task::yield_now().await;
            sender.send(7).await.unwrap();
        });
        assert_eq!(batch, Some(vec![5, 6, 7]));

        // After a pause no submitter is expected.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = Instant::now();
        sender.send(8).await.unwrap();
        assert_eq!(inbox.next_batch().await, Some(vec![8]));
        assert_eq!(before.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn writers_share_the_submitters_and_wait_for_no_more_than_their_share() {
        let (sender, inbox) = Inbox::new(20, 100);
        let mut writers = inbox.writers(2);
        let (mut one, mut other) = (writers.next().unwrap(), writers.next().unwrap());
        let began = Instant::now();
        for _ in 0..10 {
            sender.send(1).await.unwrap();
        }
        assert_eq!(one.next_batch().await.unwrap().len(), 10);
        // They come back one by one: the writer without a last batch takes the first at once.
        sender.send(1).await.unwrap();
        assert_eq!(other.next_batch().await.unwrap().len(), 1);
        // The other writer does not wait for ten again, but for half of eleven.
        let (batch, ()) = tokio::join!(one.next_batch(), async {
            for _ in 0..6 {
                sender.send(1).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(batch.unwrap().len(), 6);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
