//! The contents of requests and the handling of refusals, without a stream.

#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use api::message::v1::Failure;
use api::queue::v1::{Completed, Completion, Derived, DerivedKind, Outcome};

use api::stream::Answer as _;
use prost::Message as _;

use super::*;
use crate::fixture;
use crate::leases::{Lease, Leases};

fn group(lease: Lease, reason: String) -> OutcomeGroup {
    OutcomeGroup::quiet(lease.complete(Completion {
        reason,
        ..Completion::default()
    }))
}

/// A batch without gateways.
fn batch(groups: Vec<OutcomeGroup>) -> Batch {
    Batch {
        groups,
        ..Batch::default()
    }
}

/// A recorder with these leases held and their outcomes waiting.
fn recorder(ids: std::ops::Range<i64>, reason: &str) -> (Arc<Leases>, Recorder) {
    let leases = Leases::new(10_000);
    let group = |id| group(fixture::lease(&leases, id, 1), reason.to_owned());
    let (_, inbox) = mpsc::unbounded_channel();
    let recorder = Recorder {
        pending: ids.map(group).collect(),
        ..Recorder::new(fixture::nowhere(), inbox, Arc::default())
    };
    (leases, recorder)
}

impl Recorder {
    /// The next request, with the queue's answer to it.
    fn exchange(&mut self, answer: impl Fn(&[i64]) -> Option<Code>) -> Option<Vec<i64>> {
        let groups = self.next_groups()?;
        let ids: Vec<i64> = groups.iter().flat_map(OutcomeGroup::recipients).collect();
        let result = match answer(&ids) {
            Some(code) => complete_response::Result::Failure(Failure {
                code: code as i32,
                message: String::new(),
            }),
            None => complete_response::Result::Completed(Completed::default()),
        };
        let response = CompleteResponse {
            tag: 0,
            result: Some(result),
        };
        self.answered(batch(groups), response);
        Some(ids)
    }
}

fn refusing(poison: i64, code: Code) -> impl Fn(&[i64]) -> Option<Code> {
    move |ids| ids.contains(&poison).then_some(code)
}

#[tokio::test]
async fn a_request_has_so_many_completions_and_so_many_octets() {
    let (_leases, mut many) = recorder(0..2_500, "");
    let mut sizes = Vec::new();
    while let Some(ids) = many.exchange(|_| None) {
        sizes.push(ids.len());
    }
    assert_eq!(sizes, [1_000, 1_000, 500]);

    let (_leases, mut large) = recorder(0..10, &"x".repeat(OCTETS / 4));
    let groups = large.next_groups().unwrap();
    assert_eq!(groups.len(), 3);
    assert!(request(0, &batch(groups)).encoded_len() <= OCTETS);
    let (_leases, mut too_large) = recorder(0..2, &"x".repeat(OCTETS));
    assert_eq!(too_large.next_groups().unwrap().len(), 1, "it goes alone");
}

#[tokio::test]
async fn what_is_refused_for_good_is_found_in_a_few_requests_and_given_up() {
    let (leases, mut recorder) = recorder(0..1_000, "");
    let mut requests = 0;
    while recorder
        .exchange(refusing(700, Code::InvalidArgument))
        .is_some()
    {
        requests += 1;
    }
    // Halving, and one more request with the outcome alone.
    assert!(requests <= 22, "{requests}");
    assert!(leases.is_idle(), "no lease is renewed any more");
    assert!(recorder.is_idle());
}

#[tokio::test(start_paused = true)]
async fn what_fails_by_itself_is_tried_again_beside_the_others_until_its_time_is_up() {
    let (leases, mut recorder) = recorder(0..2, "");
    let failing = refusing(1, Code::Internal);
    assert_eq!(recorder.exchange(&failing), Some(vec![0, 1]));
    assert_eq!(recorder.exchange(&failing), Some(vec![0]));
    assert_eq!(recorder.exchange(&failing), Some(vec![1]));
    assert_eq!(recorder.exchange(&failing), None, "it is put off");
    let another = fixture::lease(&leases, 2, 1);
    recorder.pending.push_back(group(another, String::new()));
    assert_eq!(recorder.exchange(&failing), Some(vec![2]));

    let begun = Instant::now();
    while !recorder.is_idle() {
        assert_eq!(leases.len(), 1, "its lease is renewed");
        if recorder.pending.is_empty() {
            due(recorder.put_off.front()).await;
        }
        assert_eq!(recorder.exchange(&failing), Some(vec![1]));
    }
    // Once with everything, once with less.
    assert!(begun.elapsed() >= 2 * RETRY_BUDGET);
    assert!(begun.elapsed() < 2 * (RETRY_BUDGET + PUT_OFF));
    assert!(leases.is_idle());
}

#[tokio::test]
async fn i2_what_is_refused_for_good_is_recorded_with_less() {
    // (the queue's objection, the reasons that are recorded)
    type Objection = fn(&CompleteRequest) -> bool;
    let rows: [(&str, Objection, &[&str]); 3] = [
        ("nothing", |_| false, &["no such user", "no such user"]),
        (
            "the notice",
            |request| !request.derived.is_empty(),
            &[
                "no such user (no notice was sent: too long)",
                "no such user (no notice was sent: too long)",
            ],
        ),
        (
            "the reply",
            |request| request.completions.iter().any(|one| !one.reply.is_empty()),
            &[
                "the queue refused the details: too long",
                "the queue refused the details: too long",
            ],
        ),
    ];
    for (name, objects, reasons) in rows {
        let (leases, mut recorder) = recorder(0..2, "no such user");
        let ended = recorder.pending.drain(..).flat_map(|group| group.ended);
        let bounced = ended.map(|mut one| {
            let completion = one.completion_mut();
            completion.set_outcome(Outcome::Bounced);
            completion.reply = "550 no".to_owned();
            one
        });
        let notice = Derived {
            kind: DerivedKind::Notice.into(),
            ..Derived::default()
        };
        let told = OutcomeGroup::making(bounced.collect(), vec![notice]);
        recorder.pending.push_back(told);
        let mut recorded = Vec::new();
        while let Some(groups) = recorder.next_groups() {
            let batch = batch(groups);
            let request = request(0, &batch);
            let result = if objects(&request) {
                complete_response::Result::Failure(Failure {
                    code: Code::InvalidArgument as i32,
                    message: "too long".to_owned(),
                })
            } else {
                recorded.extend(request.completions);
                complete_response::Result::Completed(Completed::default())
            };
            let response = CompleteResponse {
                tag: 0,
                result: Some(result),
            };
            recorder.answered(batch, response);
        }
        let told: Vec<_> = recorded.iter().map(|one| one.reason.as_str()).collect();
        assert_eq!(told, reasons, "{name}");
        let bounced = |one: &Completion| one.outcome() == Outcome::Bounced;
        assert!(recorded.iter().all(bounced), "{name}");
        assert!(leases.is_idle(), "{name}");
    }
}

/// Without its derived message, the mail would be lost.
#[tokio::test]
async fn i2_what_cannot_go_on_as_another_message_ends_anew() {
    let leases = Leases::new(1);
    let forwarded = fixture::lease(&leases, 7, 1).complete(Completion {
        outcome: Outcome::Forwarded.into(),
        ..Completion::default()
    });
    let forward = Derived {
        kind: DerivedKind::Forward.into(),
        ..Derived::default()
    };
    let (again, mut ended) = mpsc::unbounded_channel();
    let not_made = Box::new(move |lease: Lease, why: &str| {
        again.send((lease, why.to_owned())).unwrap();
    });
    let group = OutcomeGroup::going_on(forwarded, vec![forward], not_made);
    assert!(group.lesser("no such address").is_empty());
    let (lease, why) = ended.try_recv().unwrap();
    assert_eq!((lease.id(), why.as_str()), (7, "no such address"));
    assert!(!leases.is_idle(), "the lease is still held");
}

#[tokio::test]
async fn what_was_under_way_when_the_stream_broke_is_sent_again_as_it_was() {
    let (_leases, mut recorder) = recorder(0..4, "");
    let mut groups = recorder.next_groups().unwrap();
    let rest = groups.split_off(3);
    recorder.pending.extend(rest);
    let second = groups.split_off(1);
    recorder.interrupted(Interrupted {
        calls: vec![batch(groups), batch(second)],
        status: Status::unavailable("away"),
    });
    let mut requests = Vec::new();
    while let Some(groups) = recorder.next_groups() {
        requests.push(
            groups
                .iter()
                .flat_map(OutcomeGroup::recipients)
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(requests, [vec![0], vec![1, 2], vec![3]]);
}

#[test]
fn a_queue_that_is_away_is_asked_again_over_another_stream() {
    let failure = |code: Code| CompleteResponse {
        tag: 0,
        result: Some(complete_response::Result::Failure(Failure {
            code: code as i32,
            message: String::new(),
        })),
    };
    assert!(failure(Code::Unavailable).says_unavailable().is_some());
    assert!(failure(Code::Internal).says_unavailable().is_none());
}
