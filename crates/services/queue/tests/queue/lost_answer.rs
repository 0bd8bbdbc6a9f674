//! A connection that breaks behind the commit: nobody is told, but it is committed (I1, I2).

use std::path::PathBuf;
use std::sync::Arc;

use api::message::v1::{Chunk, content};
use api::queue::v1::Outcome;
use bytes::Bytes;
use tempfile::TempDir;
use test_kit::Postgres;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::harness::{Queue, in_time, submission};

/// Stands between a queue and its Postgres.
struct Proxy {
    url: String,
    line: Arc<Line>,
    _task: AbortOnDropHandle<()>,
    _folder: TempDir,
}

struct Line {
    server: PathBuf,
    /// The next answer to a commit is swallowed, and all connections break.
    armed: watch::Sender<bool>,
    /// No new connection comes through.
    held: watch::Sender<bool>,
    broken: watch::Sender<CancellationToken>,
}

impl Proxy {
    fn start(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (database, server) = url.split_once("?host=").unwrap();
        let line = Arc::new(Line {
            server: PathBuf::from(server).join(".s.PGSQL.5432"),
            armed: watch::Sender::new(false),
            held: watch::Sender::new(false),
            broken: watch::Sender::new(CancellationToken::new()),
        });
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let task = tokio::spawn({
            let line = Arc::clone(&line);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(Arc::clone(&line).carry(client));
                }
            }
        });
        Self {
            url: format!("{database}?host={}", folder.path().display()),
            line,
            _task: AbortOnDropHandle::new(task),
            _folder: folder,
        }
    }

    /// From the next commit on the database cannot be reached.
    fn cut_off_behind_the_next_commit(&self) {
        self.line.armed.send_replace(true);
    }

    async fn is_cut_off(&self) {
        let mut held = self.line.held.subscribe();
        in_time(held.wait_for(|held| *held)).await.unwrap();
    }

    fn mend(&self) {
        self.line.held.send_replace(false);
    }
}

impl Line {
    async fn carry(self: Arc<Self>, mut client: UnixStream) {
        let mut held = self.held.subscribe();
        held.wait_for(|held| !held).await.unwrap();
        let broken = self.broken.borrow().clone();
        let mut server = UnixStream::connect(&self.server).await.unwrap();
        let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            tokio::select! {
                () = broken.cancelled() => return,
                read = client.read(&mut up) => {
                    let Ok(count @ 1..) = read else { return };
                    if server.write_all(&up[..count]).await.is_err() { return }
                }
                read = server.read(&mut down) => {
                    let Ok(count @ 1..) = read else { return };
                    if self.swallows(&down[..count]) { return }
                    if client.write_all(&down[..count]).await.is_err() { return }
                }
            }
        }
    }

    /// Tags of CommandComplete: Postgres writes its answers when the transaction has ended.
    fn swallows(&self, answer: &[u8]) -> bool {
        let says = |tag: &[u8]| answer.windows(tag.len()).any(|window| window == tag);
        let committed = *self.armed.borrow() && (says(b"INSERT 0 1\0") || says(b"COMMIT\0"));
        if committed {
            self.armed.send_replace(false);
            self.held.send_replace(true);
            self.broken.send_replace(CancellationToken::new()).cancel();
        }
        committed
    }
}

/// One that is committed although nobody is told, and one that is told.
async fn committed_once(uploaded: bool) {
    let proxy = Proxy::start(&Postgres::start().database().await);
    let queue = Queue::start_on(proxy.url.clone()).await;
    let mut submission = submission(["bob@example.test"]);
    if uploaded {
        let data = Bytes::from(vec![b'x'; 300_000]);
        let stored = queue
            .client()
            .store_text(tokio_stream::iter([Chunk { data }]))
            .await
            .unwrap()
            .into_inner();
        let content = submission.content.as_mut().unwrap();
        content.text_size = stored.size;
        content.text = Some(content::Text::Stored(stored.id));
    }
    proxy.cut_off_behind_the_next_commit();
    let (accepted, ()) = tokio::join!(queue.enqueue(submission), async {
        proxy.is_cut_off().await;
        proxy.mend();
    });
    let accepted = accepted.unwrap();
    let mut worker = queue.worker("worker").await;
    worker.grant(10);
    let recipients = worker.take(1).await;
    assert_eq!(recipients[0].recipient_id >> 14, accepted.message_id);
    let counts = queue.statistics().await;
    assert_eq!((counts.messages, counts.recipients), (1, 1));
}

#[tokio::test]
async fn i1_a_message_whose_commit_was_not_answered_is_accepted_once() {
    committed_once(false).await;
}

#[tokio::test]
async fn i1_so_is_one_whose_text_was_uploaded() {
    committed_once(true).await;
}

#[tokio::test]
async fn i2_one_that_has_ended_and_been_swept_meanwhile_is_not_taken_again() {
    let url = Postgres::start().database().await;
    let proxy = Proxy::start(&url);
    let queue = Queue::start_on(proxy.url.clone()).await;
    let other = Queue::start_on(url.clone()).await;
    proxy.cut_off_behind_the_next_commit();
    let (accepted, ()) = tokio::join!(queue.enqueue(submission(["bob@example.test"])), async {
        proxy.is_cut_off().await;
        let mut worker = other.worker("worker").await;
        worker.grant(10);
        let recipients = worker.take(1).await;
        assert!(other.end(&recipients[0], Outcome::Relayed).await);
        let options = database::Options::new("test", 1);
        let pool = database::connect(&url, &options).await.unwrap();
        let swept = volume::garbage::sweep(&pool, i64::MAX).await.unwrap();
        assert_eq!(swept.removed, 1);
        proxy.mend();
    });
    let accepted = accepted.unwrap();
    let shown = other.show(accepted.message_id).await.unwrap();
    assert_eq!(shown.message, None);
    assert_eq!(shown.history.len(), 1);
    assert_eq!(other.statistics().await.messages, 0);
}
