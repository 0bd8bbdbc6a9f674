//! Mail without a mailbox stays at the provider.

use policy_watch::PolicyWatch;
use rules::Policy;

use super::Bench;
use super::fake_queue::Users;

const ONE: &[u8] = b"Message-ID: <1@x>\r\n\r\none\r\n";
const TWO: &[u8] = b"Message-ID: <2@x>\r\n\r\ntwo\r\n";
const THREE: &[u8] = b"Message-ID: <3@x>\r\n\r\nthree\r\n";

async fn bench() -> Bench {
    let messages = [("u1", ONE), ("u2", TWO), ("u3", THREE)];
    Bench::new("pop3", "never", &messages).await
}

#[tokio::test]
async fn i10_without_a_mailbox_the_server_is_not_even_asked() {
    let mut bench = bench().await;
    bench.queue.state().users = Users::Gone;
    let polled = bench.poll().await;
    // The missing user is looked up again when the account is due, without growing pauses.
    assert!(!polled.asked_server);
    assert_eq!(
        polled.error(),
        "nothing is collected, since no mailbox gets the mail for bob@example.test: \
         there is no user bob@example.test"
    );
    assert!(bench.server.state().commands.is_empty());
    bench.queue.state().users = Users::There;
    bench.good_poll().await;
    bench.assert_collected(&[ONE, TWO, THREE]);
    assert!(bench.server.uidls().is_empty());
}

#[tokio::test]
async fn i10_an_address_whose_mail_goes_elsewhere_is_no_mailbox() {
    for (rules, reason) in [
        ("", "no domain rule delivers it here"),
        (
            "[[domain]]\nname = \"example.test\"\ndeliver = \"direct\"\nfrom = \"trusted\"\n",
            "goes to other servers",
        ),
        (
            "[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n\
             [[domain.handler]]\nmatch = \"bob\"\ndeliver = \"discard\"\n",
            "its mail is discarded (domain rule example.test, handler bob)",
        ),
    ] {
        let mut bench = bench().await;
        bench.policy = PolicyWatch::fixed(8, Policy::parse(rules).unwrap());
        let error = bench.poll().await.error();
        assert!(error.contains(reason), "{error}");
        assert!(bench.server.state().commands.is_empty());
    }
}

#[tokio::test]
async fn i10_a_directory_that_does_not_answer_is_no_mailbox_either() {
    let mut bench = bench().await;
    bench.queue.state().users = Users::Away;
    let error = bench.poll().await.error();
    assert_eq!(error, "mailbox-store does not answer: away");
    assert!(bench.server.state().commands.is_empty());
}

/// The user is removed at every point of a poll: after none of its questions, after one, and so on. No copy
/// leaves the server unless its message is committed and a mailbox existed then.
#[tokio::test]
async fn i10_a_user_who_is_removed_during_a_poll_loses_nothing() {
    let mut questions = 0;
    loop {
        let mut bench = bench().await;
        bench.queue.state().users = Users::GoneAfter(questions);
        let failed = bench.poll().await.failed();
        let uidls = bench.server.uidls();
        if failed {
            assert_eq!(
                uidls,
                ["u1", "u2", "u3"],
                "removed after {questions} questions"
            );
        } else {
            assert!(uidls.is_empty());
        }
        // Committed messages are in the ledger: after the user is added again, nothing is delivered twice.
        bench.queue.state().users = Users::There;
        bench.good_poll().await;
        bench.assert_collected(&[ONE, TWO, THREE]);
        assert!(bench.server.uidls().is_empty());
        if !failed {
            break;
        }
        questions += 1;
    }
    // Before the session, before each message, and before QUIT.
    assert_eq!(questions, 5);
}
