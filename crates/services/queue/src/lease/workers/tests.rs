#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use api::queue::v1::LeasedRecipient;

use super::*;

type Responses = mpsc::UnboundedReceiver<Result<LeaseResponse, Status>>;

fn join(workers: &Workers, name: &str, credits: u32) -> (WorkerId, Responses) {
    let (sender, responses) = mpsc::unbounded_channel();
    let (id, lost) = workers.join(name, sender);
    assert_eq!(lost, []);
    workers.grant(id, credits);
    (id, responses)
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
        // Four were spent in a transaction, of which one recipient came to be handed over.
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
        workers.hand_over(id, vec![message(&[(1, 1), (2, 1), (3, 5)])], 100),
        []
    );
    assert_eq!(workers.hand_over(other, vec![message(&[(4, 1)])], 100), []);
    assert_eq!(responses.try_recv().unwrap().unwrap().messages.len(), 1);
    workers.ended(&[(1, 1), (3, 4)]);
    let mut lost = workers.leave(id);
    lost.sort_unstable();
    assert_eq!(lost, [(2, 1), (3, 5)]);
    assert_eq!(workers.leave(id), []);
    assert_eq!(
        workers.hand_over(id, vec![message(&[(9, 1)])], 100),
        [(9, 1)]
    );
}

#[test]
fn a_worker_that_drains_is_given_nothing_not_even_what_was_under_way() {
    let workers = Workers::default();
    let (id, mut responses) = join(&workers, "worker", 10);
    workers.hand_over(id, vec![message(&[(1, 1)])], 100);
    let under_way = workers.take_credits(3, false);
    workers.drain(id);
    assert_eq!(
        workers.hand_over(id, vec![message(&[(2, 1)])], 100),
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
    workers.hand_over(id, vec![message(&[(1, 1), (2, 1)])], 100);
    workers.renewed(id, &[(2, 1)], 200);
    workers.forget_expired(100);
    assert_eq!(workers.leave(id), [(2, 1)]);
}

#[test]
fn a_worker_of_the_same_name_takes_the_place_of_the_older() {
    let workers = Workers::default();
    let (old, _responses) = join(&workers, "worker", 10);
    workers.hand_over(old, vec![message(&[(1, 1)])], 100);
    let (sender, _new_responses) = mpsc::unbounded_channel();
    let (new, lost) = workers.join("worker", sender);
    assert_eq!(lost, [(1, 1)]);
    assert!(workers.knows(new) && !workers.knows(old));
    assert_eq!(workers.count(), 1);
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
