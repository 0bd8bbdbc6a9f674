//! Measures the queue alone: messages enqueued, leased and completed per second, and the processor time that
//! Postgres spends on them.
//!
//! ```text
//! cargo run --release -p queue --example load -- DATABASE_URL [MESSAGES [OCTETS [STREAMS [UNDER_WAY]]]]
//! ```
//!
//! The database must be empty or belong to a queue. The queue runs within this process. The processor time of
//! Postgres is that of the backends that serve the queue.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool for developers"
)]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use api::grpc::Channel;
use api::message::v1::{Content, Summary, content};
use api::queue::v1::queue_client::QueueClient;
use api::queue::v1::{
    CompleteRequest, Completion, EnqueueRequest, LeaseKey, LeaseRequest, Outcome, Recipient,
    Submission, Worker, complete_response, enqueue_response, lease_request,
};
use bytes::Bytes;
use service_kit::Service;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Credits of the worker.
const CREDITS: u32 = 2000;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize, default: usize| {
        let given = arguments.get(n).map(|text| text.parse().unwrap());
        given.unwrap_or(default)
    };
    let url = arguments.first().expect("a database URL").clone();
    let load = Load {
        messages: number(1, 20_000),
        octets: number(2, 4096),
        streams: number(3, 10),
        under_way: number(4, 64),
    };
    let warm_up = Load {
        messages: load.messages / 10,
        ..load
    };
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("unix:{}/queue.sock", folder.path().display());
    let mut service = Service::for_tests("queue");
    service.shared.database.url = Some(url.clone());
    let config = queue::Config {
        data_path: None,
        listen: listen.clone(),
        secret_key_file: folder.path().join("key"),
        replace_secret_key: false,
        lease_seconds: 20,
        history_days: 30,
        refusal_days: 30,
        writers: 1,
    };
    let task = tokio::spawn(queue::run(config, service.clone()));
    let channel = service_kit::open_channel(&[listen.parse().unwrap()], None).unwrap();
    while !matches!(ready(&channel).await, Ok(())) {
        assert!(!task.is_finished(), "the queue ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    run(&channel, "warm-up", warm_up).await;
    let before = (processor_time(&url).await, own_processor_time());
    run(&channel, "measured", load).await;
    let after = (processor_time(&url).await, own_processor_time());
    let each = |time: Duration| time.as_micros() as f64 / load.messages as f64;
    println!(
        "Postgres backends: {:.0} µs a message",
        each(after.0 - before.0)
    );
    println!(
        "queue and load:    {:.0} µs a message",
        each(after.1 - before.1)
    );
    service.shutdown.cancel();
    task.await.unwrap().unwrap();
}

async fn ready(channel: &Channel) -> Result<(), api::grpc::Status> {
    let request = api::queue::v1::GetStatisticsRequest {};
    QueueClient::new(channel.clone())
        .get_statistics(request)
        .await?;
    Ok(())
}

#[derive(Clone, Copy)]
struct Load {
    messages: usize,
    octets: usize,
    streams: usize,
    /// Unanswered submissions on one stream.
    under_way: usize,
}

async fn run(channel: &Channel, name: &str, load: Load) {
    let messages = load.messages;
    let began = Instant::now();
    let worker = tokio::spawn(work(
        channel.clone(),
        messages / load.streams * load.streams,
    ));
    let submitters: Vec<_> = (0..load.streams)
        .map(|_| tokio::spawn(submit(channel.clone(), load)))
        .collect();
    for submitter in submitters {
        submitter.await.unwrap();
    }
    let accepted = began.elapsed();
    worker.await.unwrap();
    let completed = began.elapsed();
    let rate = |time: Duration| messages as f64 / time.as_secs_f64();
    println!(
        "{name}: {messages} messages, accepted {:.0}/s, completed {:.0}/s",
        rate(accepted),
        rate(completed)
    );
}

async fn submit(channel: Channel, load: Load) {
    let Load { under_way, .. } = load;
    let messages = load.messages / load.streams;
    let (requests, outbound) = mpsc::channel(under_way);
    let mut answers = QueueClient::new(channel)
        .enqueue(ReceiverStream::new(outbound))
        .await
        .unwrap()
        .into_inner();
    let submission = submission(load.octets);
    for n in 0..messages + under_way {
        if n < messages {
            let submission = Some(submission.clone());
            let tag = n as u64;
            requests
                .send(EnqueueRequest { tag, submission })
                .await
                .unwrap();
        }
        if n >= under_way {
            let answer = answers.message().await.unwrap().unwrap().result.unwrap();
            assert!(
                matches!(answer, enqueue_response::Result::Accepted(_)),
                "{answer:?}"
            );
        }
    }
}

async fn work(channel: Channel, messages: usize) {
    let (requests, outbound) = mpsc::channel(16);
    let hello = lease_request::Request::Hello(Worker {
        name: "worker".to_owned(),
        ..Worker::default()
    });
    for kind in [hello, lease_request::Request::Credits(CREDITS)] {
        let request = Some(kind);
        requests.send(LeaseRequest { request }).await.unwrap();
    }
    let mut client = QueueClient::new(channel);
    let mut leases = client
        .lease(ReceiverStream::new(outbound))
        .await
        .unwrap()
        .into_inner();
    let (completions, outbound) = mpsc::channel(1024);
    let mut answers = client
        .complete(ReceiverStream::new(outbound))
        .await
        .unwrap()
        .into_inner();
    let mut held = HashMap::new();
    let mut left = messages;
    while left > 0 {
        tokio::select! {
            response = leases.message() => {
                let response = response.unwrap().unwrap();
                let recipients = response.messages.iter().flat_map(|m| &m.recipients);
                let completing: Vec<Completion> = recipients.map(delivered).collect();
                let tag = completing.first().map_or(0, |first| first.lease.unwrap().recipient_id);
                held.insert(tag as u64, completing.len());
                let request = CompleteRequest {
                    tag: tag as u64,
                    completions: completing,
                    ..CompleteRequest::default()
                };
                completions.send(request).await.unwrap();
            }
            answer = answers.message() => {
                let answer = answer.unwrap().unwrap();
                let result = answer.result.unwrap();
                assert!(matches!(&result, complete_response::Result::Completed(done) if done.stale.is_empty()));
                let done = held.remove(&answer.tag).unwrap();
                left = left.saturating_sub(done); // What an earlier run left comes as well.
                let request = Some(lease_request::Request::Credits(done as u32));
                requests.send(LeaseRequest { request }).await.unwrap();
            }
        }
    }
}

fn submission(octets: usize) -> Submission {
    let text = Bytes::from(vec![b'x'; octets]);
    let header = Bytes::from("Received: from client.example.test\r\n".repeat(20) + "\r\n");
    Submission {
        reverse_path: "alice@example.test".to_owned(),
        recipients: vec![Recipient {
            address: "bob@example.test".to_owned(),
            ..Recipient::default()
        }],
        content: Some(Content {
            header,
            text_size: octets as u64,
            text: Some(content::Text::Inline(text)),
            summary: Some(Summary {
                envelope: vec![b'e'; 300].into(),
                body_structure: vec![b'b'; 100].into(),
                body: vec![b'b'; 80].into(),
                subject: "a subject of some length".to_owned(),
                ..Summary::default()
            }),
        }),
        ..Submission::default()
    }
}

/// Processor time of the backends that serve the queue, and of Postgres' own processes.
async fn processor_time(url: &str) -> Duration {
    let options = database::Options::new("load", 1);
    let pool = database::connect(url, &options).await.unwrap();
    let pids: Vec<i32> =
        sqlx::query_scalar("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            .fetch_all(&pool)
            .await
            .unwrap();
    pids.iter().map(|pid| time_of(&pid.to_string())).sum()
}

fn own_processor_time() -> Duration {
    time_of("self")
}

/// Fields 14 and 15 of /proc/PID/stat, in hundredths of a second.
fn time_of(pid: &str) -> Duration {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return Duration::ZERO;
    };
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn delivered(recipient: &api::queue::v1::LeasedRecipient) -> Completion {
    Completion {
        lease: Some(LeaseKey {
            recipient_id: recipient.recipient_id,
            epoch: recipient.epoch,
        }),
        outcome: Outcome::Delivered.into(),
        reason: "bob@example.test INBOX".to_owned(),
        policy_revision: 1,
        ..Completion::default()
    }
}
