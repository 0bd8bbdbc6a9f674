#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use api::queue::v1::LeasedRecipient;

use super::*;

type Stream = mpsc::UnboundedReceiver<Result<LeaseResponse, Status>>;

fn hello(workers: &Workers, (name, instance): (&str, &str), now: i64) -> Option<(Joined, Stream)> {
    let (sender, stream) = mpsc::unbounded_channel();
    let joined = workers.join(
        Hello {
            name,
            instance,
            clock: 0,
        },
        sender,
        now,
        now + 100,
    )?;
    Some((joined, stream))
}

fn join(workers: &Workers, name: &str, credits: u32) -> (WorkerId, Stream) {
    let (joined, stream) = hello(workers, (name, ""), 0).unwrap();
    assert_eq!(joined.lost, []);
    workers.grant(joined.id, credits);
    (joined.id, stream)
}

fn message(recipients: &[(i64, u32)]) -> LeasedMessage {
    let recipients = recipients
        .iter()
        .map(|&(recipient_id, epoch)| LeasedRecipient {
            recipient_id,
            epoch,
            ..LeasedRecipient::default()
        });
    LeasedMessage {
        recipients: recipients.collect(),
        ..LeasedMessage::default()
    }
}

fn shares(credits: &Credits<'_>) -> Vec<usize> {
    credits.each.iter().map(Credit::count).collect()
}

#[test]
fn mail_is_spread_over_those_who_wait() {
    let rows: [(&[u32], usize, bool, &[usize]); 7] = [
        (&[10, 10], 10, false, &[5, 5]),
        (&[2, 10], 10, false, &[2, 8]),
        (&[2, 3], 10, false, &[2, 3]),
        (&[0, 3], 2, false, &[2]),
        (&[5, 5, 5], 1, false, &[1]),
        (&[10, 10], 20, true, &[5, 5]),
        (&[1, 1], 2, true, &[]),
    ];
    for (credits, wanted, half, expected) in rows {
        let workers = Workers::default();
        let _joined: Vec<_> = credits
            .iter()
            .enumerate()
            .map(|(n, credits)| join(&workers, &n.to_string(), *credits))
            .collect();
        let taken = workers.take_credits(wanted, half);
        assert_eq!(shares(&taken), expected, "{credits:?} {wanted} {half}");
    }
}

#[test]
fn credits_that_were_not_handed_over_go_back() {
    let workers = Workers::default();
    let (id, _responses) = join(&workers, "worker", 10);
    {
        let mut credits = workers.take_credits(10, false);
        assert!(!workers.have_credits());
        for _ in 0..4 {
            assert_eq!(credits.spend().unwrap().0, id);
        }
        // Four were spent in a transaction, and one recipient was handed over.
        credits.handed(id, 1);
    }
    assert_eq!(shares(&workers.take_credits(100, false)), [9]);
}

#[test]
fn what_a_worker_holds_is_given_back_when_it_leaves() {
    let workers = Workers::default();
    let (id, mut responses) = join(&workers, "worker", 10);
    let (other, _others) = join(&workers, "other", 10);
    assert_eq!(
        workers.hand_over(id, vec![message(&[(1, 1), (2, 1), (3, 5)])], 0, 100),
        []
    );
    assert_eq!(
        workers.hand_over(other, vec![message(&[(4, 1)])], 0, 100),
        []
    );
    assert_eq!(responses.try_recv().unwrap().unwrap().messages.len(), 1);
    workers.ended(&[(1, 1), (3, 4)]);
    let mut lost = workers.leave(id);
    lost.sort_unstable();
    assert_eq!(lost, [(2, 1), (3, 5)]);
    assert_eq!(workers.leave(id), []);
    assert_eq!(
        workers.hand_over(id, vec![message(&[(9, 1)])], 0, 100),
        [(9, 1)]
    );
}

#[test]
fn a_worker_that_drains_is_given_nothing_not_even_what_was_under_way() {
    let workers = Workers::default();
    let (id, mut responses) = join(&workers, "worker", 10);
    workers.hand_over(id, vec![message(&[(1, 1)])], 0, 100);
    let under_way = workers.take_credits(3, false);
    workers.drain(id);
    assert_eq!(
        workers.hand_over(id, vec![message(&[(2, 1)])], 0, 100),
        [(2, 1)]
    );
    drop(under_way);
    workers.grant(id, 5);
    assert!(!workers.have_credits());
    assert_eq!(responses.try_recv().unwrap().unwrap().messages.len(), 1);
    assert!(responses.try_recv().is_err());
    assert_eq!(workers.leave(id), [(1, 1)], "it still holds the first");
}

#[test]
fn leases_that_are_over_are_forgotten_unless_renewed() {
    let workers = Workers::default();
    let (id, _responses) = join(&workers, "worker", 10);
    workers.hand_over(id, vec![message(&[(1, 1), (2, 1)])], 0, 100);
    workers.renewed(id, &[(2, 1)], 200);
    workers.forget_expired(100);
    assert_eq!(workers.leave(id), [(2, 1)]);
}

#[test]
fn another_worker_of_the_same_name_is_refused_as_long_as_the_first_is_heard_of() {
    let workers = Workers::default();
    let (first, _stream) = hello(&workers, ("worker", "a"), 0).unwrap();
    workers.hand_over(first.id, vec![message(&[(1, 1)])], 0, 100);
    for instance in ["b", ""] {
        assert!(hello(&workers, ("worker", instance), 99).is_none());
    }
    workers.heard(first.id, 150);
    assert!(hello(&workers, ("worker", "b"), 149).is_none());
    assert!(!first.displaced.is_cancelled());
    let (second, _other) = hello(&workers, ("worker", "b"), 150).unwrap();
    assert!(first.displaced.is_cancelled());
    assert_eq!(second.lost, [(1, 1)]);
    assert_eq!(workers.count(), 1);
    // Further messages of the older stream change nothing.
    workers.heard(first.id, 1_000);
    workers.renewed(first.id, &[(1, 1)], 1_000);
    assert_eq!(workers.leave(second.id), []);
}

#[test]
fn a_worker_whose_stream_has_broken_gives_its_name_up_at_once() {
    let workers = Workers::default();
    let (_first, stream) = hello(&workers, ("worker", "a"), 0).unwrap();
    drop(stream);
    assert!(hello(&workers, ("worker", "b"), 1).is_some());
}

#[test]
fn the_same_worker_takes_over_what_its_older_stream_held() {
    let workers = Workers::default();
    let (old, _stream) = hello(&workers, ("worker", "a"), 0).unwrap();
    workers.hand_over(old.id, vec![message(&[(1, 1)])], 0, 100);
    let (new, _newer) = hello(&workers, ("worker", "a"), 1).unwrap();
    assert!(old.displaced.is_cancelled());
    assert_eq!(new.lost, []);
    assert_eq!(workers.leave(old.id), []);
    assert_eq!(workers.leave(new.id), [(1, 1)]);
}

#[test]
fn what_was_on_its_way_when_a_stream_broke_is_lost_unless_the_first_renewal_names_it() {
    let workers = Workers::default();
    let (old, _stream) = hello(&workers, ("worker", "a"), 0).unwrap();
    let (_other, _others) = join(&workers, "other", 0);
    workers.hand_over(old.id, vec![message(&[(1, 1), (2, 1), (3, 2)])], 0, 100);
    assert_eq!(workers.lost_on_the_way(old.id, &[]), [], "nothing broke");
    let (new, _newer) = hello(&workers, ("worker", "a"), 1).unwrap();
    // Sent before the renewal arrives; the renewal may have been written earlier.
    workers.hand_over(new.id, vec![message(&[(4, 1), (2, 2)])], 1, 101);
    assert_eq!(workers.lost_on_the_way(old.id, &[]), [], "it is gone");
    // The worker holds an older lease of the third recipient.
    let lost = workers.lost_on_the_way(new.id, &[(1, 1), (3, 1)]);
    assert_eq!(lost, [(3, 2)]);
    assert_eq!(workers.lost_on_the_way(new.id, &[]), [], "once");
    let mut held = workers.leave(new.id);
    held.sort_unstable();
    assert_eq!(held, [(1, 1), (2, 2), (4, 1)]);
}

#[test]
fn credits_are_bounded() {
    let workers = Workers::default();
    let (id, _responses) = join(&workers, "worker", u32::MAX);
    workers.grant(id, u32::MAX);
    assert_eq!(
        shares(&workers.take_credits(usize::MAX, false)),
        [MAX_CREDITS as usize]
    );
}

#[test]
fn a_worker_s_clock_is_compared_with_ours() {
    let workers = Workers::default();
    let (worker, _stream) = hello(&workers, ("worker", "a"), 0).unwrap();
    let ahead = || {
        workers
            .states()
            .into_iter()
            .map(|state| state.clock_ahead_ms)
    };
    assert_eq!(ahead().collect::<Vec<_>>(), [None], "it has not said");
    for (clock, now, expected) in [(5_000, 2_000, 3_000), (2_000, 5_000, -3_000)] {
        workers.heard_clock(worker.id, clock, now);
        assert_eq!(ahead().collect::<Vec<_>>(), [Some(expected)]);
    }
}
