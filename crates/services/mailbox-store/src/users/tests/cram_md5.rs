//! Logins by CRAM-MD5.

use super::*;
use crate::clock;
use crate::users::cram_md5::Secret;

const CHALLENGE: &str = "<1896.697170952@mail.example.test>";

fn switched_on(folder: &tempfile::TempDir) -> Passwords {
    let config = CramMd5Config {
        key_file: folder.path().join("key"),
    };
    passwords().with_cram_md5(CramMd5::new(&config).unwrap())
}

fn digest(login: &str, digest: [u8; 16]) -> Digest {
    Digest {
        login: login.to_owned(),
        challenge: CHALLENGE.to_owned(),
        digest: digest.to_vec(),
        peer: String::new(),
    }
}

/// Which password it was: `own`, the name of an application password, or why none.
async fn shown(logins: &Logins, login: &str, secret: &str) -> String {
    shown_from(logins, login, secret, "").await
}

async fn shown_from(logins: &Logins, login: &str, secret: &str, peer: &str) -> String {
    let mac = Secret::of(secret.as_bytes()).mac(CHALLENGE.as_bytes());
    let digest = Digest {
        peer: peer.to_owned(),
        ..digest(login, mac.unwrap())
    };
    match logins.verify_cram_md5(&digest).await.unwrap() {
        Answer::Accepted(accepted) => accepted.app_password.unwrap_or_else(|| "own".into()),
        Answer::Refused => "refused".into(),
        Answer::Unfit(unfit) => unfit.reason,
        Answer::Later(_) => "later".into(),
    }
}

const SECRETS: &str = "SELECT (SELECT count(*) FROM mailbox.user WHERE cram_md5 IS NOT NULL) +
    (SELECT count(*) FROM mailbox.app_password WHERE cram_md5 IS NOT NULL)";

#[tokio::test]
async fn a_digest_of_the_password_logs_in_and_follows_its_changes() {
    let (kit, folder) = (TestStore::start().await, tempfile::tempdir().unwrap());
    let passwords = switched_on(&folder);
    let bob = address("bob@example.test");
    add(&kit.store, &passwords, &bob, &password("secret"))
        .await
        .unwrap();
    let logins = Logins::new(kit.store.clone(), passwords.clone(), None);
    assert!(logins.takes_cram_md5());
    assert_eq!(shown(&logins, "Bob@Example.test", "secret").await, "own");
    assert_eq!(shown(&logins, bob.as_str(), "Secret").await, "refused");
    assert_eq!(
        shown(&logins, "nobody@example.test", "secret").await,
        "refused"
    );
    set_password(&kit.store, &passwords, &bob, &password("new"))
        .await
        .unwrap();
    assert_eq!(shown(&logins, bob.as_str(), "secret").await, "refused");
    assert_eq!(shown(&logins, bob.as_str(), "new").await, "own");
    // An application password, too, until it is taken back.
    let phone = AppPasswordName::parse("phone").unwrap();
    let made = add_app_password(&kit.store, &passwords, &bob, &phone)
        .await
        .unwrap();
    assert_eq!(shown(&logins, bob.as_str(), &made).await, "phone");
    remove_app_password(&kit.store, &bob, &phone).await.unwrap();
    assert_eq!(shown(&logins, bob.as_str(), &made).await, "refused");
}

#[tokio::test]
async fn guessing_by_digests_is_slowed_like_any_other() {
    let (kit, folder) = (TestStore::start().await, tempfile::tempdir().unwrap());
    let passwords = switched_on(&folder);
    let bob = address("bob@example.test");
    add(&kit.store, &passwords, &bob, &password("secret"))
        .await
        .unwrap();
    let logins = Logins::new(kit.store.clone(), passwords, None);
    for _ in 0..8 {
        assert_eq!(shown(&logins, bob.as_str(), "guess").await, "refused");
    }
    assert_eq!(shown(&logins, bob.as_str(), "secret").await, "later");
}

#[tokio::test]
async fn secrets_are_made_while_it_is_on_and_removed_when_it_is_off() {
    let (kit, folder) = (TestStore::start().await, tempfile::tempdir().unwrap());
    let bob = address("bob@example.test");
    kit.user(bob.as_str()).await;
    let phone = AppPasswordName::parse("phone").unwrap();
    let made = add_app_password(&kit.store, &passwords(), &bob, &phone)
        .await
        .unwrap();
    let off = Logins::new(kit.store.clone(), passwords(), None);
    assert_eq!(answer(&off, bob.as_str(), "secret", "").await, bob.as_str());
    assert_eq!(kit.count(SECRETS).await, 0);
    let digest = digest(bob.as_str(), [0; 16]);
    let refused = off.verify_cram_md5(&digest).await;
    assert!(matches!(refused, Err(Error::Precondition(_))));

    // Switched on: the passwords have to be seen once.
    let on = Logins::new(kit.store.clone(), switched_on(&folder), None);
    let reason = shown(&on, bob.as_str(), "secret").await;
    assert!(
        reason.starts_with("bob@example.test has no secret"),
        "{reason}"
    );
    assert_eq!(answer(&on, bob.as_str(), "wrong", "").await, "refused");
    assert_eq!(kit.count(SECRETS).await, 0);
    assert_eq!(answer(&on, bob.as_str(), "secret", "").await, bob.as_str());
    assert_eq!(shown(&on, bob.as_str(), "secret").await, "own");
    assert_eq!(shown(&on, bob.as_str(), &made).await, "refused");
    assert_eq!(answer(&on, bob.as_str(), &made, "").await, bob.as_str());
    assert_eq!(shown(&on, bob.as_str(), &made).await, "phone");

    // Another key: what was sealed under the old one is made anew.
    let other = tempfile::tempdir().unwrap();
    let on = Logins::new(kit.store.clone(), switched_on(&other), None);
    assert!(
        shown(&on, bob.as_str(), "secret")
            .await
            .contains("no secret")
    );
    assert_eq!(answer(&on, bob.as_str(), "secret", "").await, bob.as_str());
    assert_eq!(shown(&on, bob.as_str(), "secret").await, "own");

    assert_eq!(kit.count(SECRETS).await, 2);
    CramMd5Switch::Off.apply(kit.store.pool()).await.unwrap();
    assert_eq!(kit.count(SECRETS).await, 0);
}

const MINUTE: i64 = 60_000;

#[tokio::test]
async fn a_replica_where_it_is_off_removes_nothing_while_it_is_on_elsewhere() {
    let (kit, folder) = (TestStore::start().await, tempfile::tempdir().unwrap());
    let passwords = switched_on(&folder);
    let bob = address("bob@example.test");
    let now = clock::now();
    let at = |switch: CramMd5Switch, minutes: i64| {
        let pool = kit.store.pool();
        async move { switch.apply_at(pool, now + minutes * MINUTE).await.unwrap() }
    };
    at(CramMd5Switch::On, 0).await;
    add(&kit.store, &passwords, &bob, &password("secret"))
        .await
        .unwrap();
    // Old and new side by side: the new one starts, the old one goes on, and its word holds.
    at(CramMd5Switch::Off, 1).await;
    assert_eq!(kit.count(SECRETS).await, 1);
    at(CramMd5Switch::On, 8).await;
    at(CramMd5Switch::Off, 17).await;
    assert_eq!(kit.count(SECRETS).await, 1);
    // The old one is gone: what it made to its last moment is removed.
    at(CramMd5Switch::Off, 18).await;
    assert_eq!(kit.count(SECRETS).await, 0);
}

#[tokio::test]
async fn a_password_that_was_changed_where_nobody_knows_of_it_takes_its_secret_along() {
    let (kit, folder) = (TestStore::start().await, tempfile::tempdir().unwrap());
    let on = switched_on(&folder);
    let bob = address("bob@example.test");
    add(&kit.store, &on, &bob, &password("secret"))
        .await
        .unwrap();
    let logins = Logins::new(kit.store.clone(), on, None);
    assert_eq!(shown(&logins, bob.as_str(), "secret").await, "own");
    // As a mailbox-store from before CRAM-MD5 writes it: the column stays as it is.
    let hash = passwords().hash(&password("new")).await.unwrap();
    sqlx::query("UPDATE mailbox.user SET password = $1")
        .bind(hash)
        .execute(kit.store.pool())
        .await
        .unwrap();
    assert_eq!(kit.count(SECRETS).await, 1);
    for secret in ["secret", "new"] {
        let answer = shown(&logins, bob.as_str(), secret).await;
        assert!(answer.contains("has no secret"), "{answer}");
    }
    assert_eq!(answer(&logins, bob.as_str(), "new", "").await, bob.as_str());
    assert_eq!(shown(&logins, bob.as_str(), "new").await, "own");
}

/// An office behind one address, when it is switched on: every device takes CRAM-MD5 at once.
#[tokio::test]
async fn an_office_without_secrets_is_not_slowed_for_it() {
    const OFFICE: &str = "203.0.113.9";
    let (kit, folder) = (TestStore::start().await, tempfile::tempdir().unwrap());
    let users: Vec<String> = (0..12).map(|n| format!("user{n}@example.test")).collect();
    let before = Logins::new(kit.store.clone(), passwords(), None);
    for user in &users {
        kit.user(user).await;
        assert_eq!(&answer(&before, user, "secret", OFFICE).await, user);
    }
    let logins = Logins::new(kit.store.clone(), switched_on(&folder), None);
    for user in users.iter().cycle().take(50) {
        let answer = shown_from(&logins, user, "secret", OFFICE).await;
        assert!(answer.contains("has no secret"), "{answer}");
    }
    assert_eq!(
        &answer(&logins, &users[0], "secret", OFFICE).await,
        &users[0]
    );
    assert_eq!(
        shown_from(&logins, &users[0], "secret", OFFICE).await,
        "own"
    );
    assert_eq!(kit.count("SELECT count(*) FROM mailbox.guess").await, 0);
}

/// What a stranger is told of logins that exist without a secret, exist with one, and do not exist,
/// and when they have to wait: all the same.
#[tokio::test]
async fn who_has_a_secret_and_who_exists_is_not_to_be_found_out() {
    let mut seen = Vec::new();
    for kind in ["nobody", "without", "with"] {
        let (kit, folder) = (TestStore::start().await, tempfile::tempdir().unwrap());
        let on = switched_on(&folder);
        let bob = address("bob@example.test");
        match kind {
            "without" => drop(kit.user(bob.as_str()).await),
            "with" => {
                add(&kit.store, &on, &bob, &password("secret"))
                    .await
                    .unwrap();
            }
            _ => {}
        }
        let logins = Logins::new(kit.store.clone(), on, None);
        let mut told = Vec::new();
        for n in 0..35 {
            let login = match n % 5 {
                0 => bob.as_str().to_owned(),
                _ => format!("stranger{n}@example.test"),
            };
            let answer = shown_from(&logins, &login, "guess", "203.0.113.9").await;
            told.push(match answer.as_str() {
                // The client is answered alike: see smtp-server.
                "refused" => "no".to_owned(),
                answer if answer.contains("has no secret") => "no".to_owned(),
                answer => answer.to_owned(),
            });
        }
        assert_eq!(
            told.iter().filter(|told| *told == "later").count(),
            5,
            "{kind}"
        );
        seen.push(told);
    }
    assert!(seen.iter().all(|told| *told == seen[0]), "{seen:?}");
}
