#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

mod exchanges;
mod proofs;
mod remembered;
mod tokens;

use super::login::attempt::{Answer, Attempt};
use super::*;
use crate::notices::UserNotice;
use crate::test_store::{TestStore, address, password, passwords};
use crate::{Error, Result};

fn attempt(login: &str, secret: &str, peer: &str) -> Attempt {
    Attempt {
        login: login.to_owned(),
        password: password(secret),
        peer: peer.to_owned(),
    }
}

async fn answer(logins: &Logins, login: &str, secret: &str, peer: &str) -> String {
    match logins
        .authenticate(&attempt(login, secret, peer))
        .await
        .unwrap()
    {
        Answer::Accepted(accepted) => accepted.address,
        Answer::Refused | Answer::Unfit(_) => "refused".to_owned(),
        Answer::Later(_) => "later".to_owned(),
    }
}

#[tokio::test]
async fn users_are_added_once_and_listed_by_domain_and_page() {
    let kit = TestStore::start().await;
    for user in ["carol@b.test", "Bob@A.test", "alice@a.test", "dave@a.test"] {
        kit.user(user).await;
    }
    let again = add(
        &kit.store,
        &passwords(),
        &address("bob@a.test"),
        &password("x"),
    )
    .await;
    assert!(matches!(again, Err(Error::AlreadyExists(_))));
    let page = async |domain: &str, after: &str, limit: u32| {
        let page = Page {
            domain: domain.into(),
            after: after.into(),
            limit,
        };
        let listed = list(&kit.store, &page).await.unwrap();
        let names: Vec<String> = listed.users.into_iter().map(|user| user.address).collect();
        (names, listed.next)
    };
    let all = ["alice@a.test", "bob@a.test", "carol@b.test", "dave@a.test"];
    assert_eq!(
        page("", "", 0).await,
        (all.map(String::from).to_vec(), String::new())
    );
    let (first, next) = page("A.test", "", 2).await;
    assert_eq!(first, ["alice@a.test", "bob@a.test"]);
    assert_eq!(
        page("a.test", &next, 2).await,
        (vec!["dave@a.test".into()], String::new())
    );
}

#[tokio::test]
async fn users_are_listed_with_what_they_use() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    kit.append(bob, "INBOX", b"Subject: a\r\n\r\nb\r\n").await;
    kit.append(bob, "Sent", b"Subject: a\r\n\r\nb\r\n").await;
    let listed = list(&kit.store, &Page::default()).await.unwrap();
    assert_eq!((listed.users[0].messages, listed.users[0].used), (2, 34));
}

#[tokio::test]
async fn addresses_are_found_in_any_case() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let asked = [
        "BOB@example.TEST",
        "eve@example.test",
        "bob",
        "bob@example.test",
    ];
    let found = find(&kit.store, &asked.map(String::from)).await.unwrap();
    assert_eq!(found, [true, false, false, true]);
    assert_eq!(find(&kit.store, &[]).await.unwrap(), Vec::<bool>::new());
}

#[tokio::test]
async fn a_login_is_the_full_address_in_any_case() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    let rows = [
        ("bob@example.test", "secret", "bob@example.test"),
        ("Bob@EXAMPLE.test", "secret", "bob@example.test"),
        ("bob@example.test", "Secret", "refused"),
        ("bob", "secret", "refused"),
        ("eve@example.test", "secret", "refused"),
        ("", "secret", "refused"),
    ];
    for (login, secret, expected) in rows {
        assert_eq!(
            answer(&logins, login, secret, "").await,
            expected,
            "{login}"
        );
    }
}

#[tokio::test]
async fn an_old_password_ends_with_the_new_one_even_where_it_was_just_used() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    let bob = address("bob@example.test");
    for _ in 0..2 {
        assert_eq!(
            answer(&logins, bob.as_str(), "secret", "").await,
            bob.as_str()
        );
    }
    set_password(
        &kit.store,
        &passwords(),
        By::Administrator,
        &bob,
        &password("new"),
    )
    .await
    .unwrap();
    assert_eq!(answer(&logins, bob.as_str(), "secret", "").await, "refused");
    assert_eq!(answer(&logins, bob.as_str(), "new", "").await, bob.as_str());
    remove(&kit.store, &bob).await.unwrap();
    assert_eq!(answer(&logins, bob.as_str(), "new", "").await, "refused");
    let gone = set_password(
        &kit.store,
        &passwords(),
        By::Administrator,
        &bob,
        &password("x"),
    )
    .await;
    assert!(matches!(gone, Err(Error::NotFound(_))));
    assert!(matches!(
        remove(&kit.store, &bob).await,
        Err(Error::NotFound(_))
    ));
}

#[tokio::test]
async fn guessing_at_an_account_is_slowed_but_not_for_who_was_there_before() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    let login = "bob@example.test";
    assert_eq!(answer(&logins, login, "secret", "192.0.2.1").await, login);
    for _ in 0..8 {
        assert_eq!(
            answer(&logins, login, "guess", "203.0.113.9").await,
            "refused"
        );
    }
    // Even the right password has to wait, at an unknown peer.
    assert_eq!(
        answer(&logins, login, "secret", "203.0.113.9").await,
        "later"
    );
    assert_eq!(
        answer(&logins, login, "secret", "203.0.113.10").await,
        "later"
    );
    assert_eq!(answer(&logins, login, "secret", "192.0.2.1").await, login);
    // Another replica knows the peer too.
    let replica = Logins::new(kit.store.clone(), passwords(), None);
    assert_eq!(
        answer(&replica, login, "secret", "203.0.113.9").await,
        "later"
    );
    assert_eq!(answer(&replica, login, "secret", "192.0.2.1").await, login);
}

#[tokio::test]
async fn one_who_has_many_addresses_of_ipv6_guesses_from_one() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    for n in 0..30 {
        let login = format!("user{n}@example.test");
        let peer = format!("2001:db8:1:2:{n:x}::{n:x}");
        assert_eq!(answer(&logins, &login, "guess", &peer).await, "refused");
    }
    let login = "bob@example.test";
    let there = "2001:db8:1:2:ffff::1";
    assert_eq!(answer(&logins, login, "secret", there).await, "later");
    let elsewhere = "2001:db8:1:3::1";
    assert_eq!(answer(&logins, login, "secret", elsewhere).await, login);
}

#[tokio::test]
async fn who_guesses_much_at_once_gains_nothing_by_it() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    let begun = async || {
        let begun = logins.begin("bob@example.test", "203.0.113.9").await;
        begun.unwrap().unwrap()
    };
    let mut at_once = Vec::new();
    for _ in 0..11 {
        at_once.push(begun().await);
    }
    let right = at_once.pop().unwrap();
    let behind = at_once.split_off(8);
    for wrong in at_once {
        assert!(matches!(
            logins.end(wrong, None).await.unwrap(),
            Answer::Refused
        ));
    }
    // The answers do not say which of them was right.
    let right = logins.end(right, Some(login::Matched::default())).await;
    let mut answers = vec![right.unwrap()];
    let reasons = [None, Some("there is nothing to check it by".to_owned())];
    for (wrong, reason) in behind.into_iter().zip(reasons) {
        answers.push(logins.end_without(wrong, reason).await.unwrap());
    }
    for answer in answers {
        assert!(matches!(answer, Answer::Later(_)), "{answer:?}");
    }
}

#[tokio::test]
async fn guessing_from_an_address_is_slowed_whatever_the_accounts() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    for n in 0..30 {
        let login = format!("user{n}@example.test");
        assert_eq!(
            answer(&logins, &login, "guess", "203.0.113.9").await,
            "refused"
        );
    }
    assert_eq!(
        answer(&logins, "bob@example.test", "secret", "203.0.113.9").await,
        "later"
    );
    let elsewhere = answer(&logins, "bob@example.test", "secret", "192.0.2.1").await;
    assert_eq!(elsewhere, "bob@example.test");
    forget_old_guesses(kit.store.pool()).await.unwrap();
    assert_eq!(kit.count("SELECT count(*) FROM mailbox.guess").await, 31);
}

#[tokio::test]
async fn one_device_with_an_old_password_locks_nobody_else_out() {
    let kit = TestStore::start().await;
    let (bob, eve, office) = ("bob@example.test", "eve@example.test", "203.0.113.9");
    for login in [bob, eve] {
        kit.user(login).await;
    }
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    for login in [bob, eve] {
        assert_eq!(answer(&logins, login, "secret", office).await, login);
    }
    for _ in 0..30 {
        assert_eq!(answer(&logins, bob, "old", office).await, "refused");
    }
    assert_eq!(answer(&logins, bob, "old", office).await, "later");
    // Neither the office nor Bob elsewhere is delayed.
    assert_eq!(answer(&logins, eve, "secret", office).await, eve);
    assert_eq!(answer(&logins, bob, "secret", "192.0.2.1").await, bob);
    // Guesses at other accounts from there are delayed, but known users are not.
    for n in 0..30 {
        let login = format!("user{n}@example.test");
        assert_eq!(answer(&logins, &login, "guess", office).await, "refused");
    }
    assert_eq!(
        answer(&logins, "dan@example.test", "guess", office).await,
        "later"
    );
    let replica = Logins::new(kit.store.clone(), passwords(), None);
    assert_eq!(answer(&replica, eve, "secret", office).await, eve);
}

#[tokio::test]
async fn hashes_are_argon2id_with_owasp_parameters() -> Result<()> {
    let passwords = Passwords::new()?;
    let hash = passwords.hash(&password("secret")).await?;
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    assert!(
        passwords
            .verify(&password("secret"), Some(hash.clone()))
            .await?
    );
    assert!(!passwords.verify(&password("Secret"), Some(hash)).await?);
    assert!(!passwords.verify(&password("secret"), None).await?);
    Ok(())
}

#[test]
fn a_password_is_not_shown() {
    assert!(!format!("{:?}", attempt("bob", "s3cret", "")).contains("s3cret"));
    assert!(Password::parse(String::new()).is_err());
    assert!(Password::parse("x".repeat(1001)).is_err());
}

#[tokio::test]
async fn changes_of_users_are_told() {
    let kit = TestStore::start().await;
    let mut notices = kit.store.hub().users();
    let bob = kit.user("bob@example.test").await;
    remove(&kit.store, &address("bob@example.test"))
        .await
        .unwrap();
    let told = |exists| UserNotice::User {
        address: "bob@example.test".into(),
        exists,
    };
    assert_eq!(notices.recv().await.unwrap(), told(true));
    assert_eq!(notices.recv().await.unwrap(), told(false));
    assert_eq!(
        notices.recv().await.unwrap(),
        UserNotice::Password { user_id: bob }
    );
}
