//! Proofs by SCRAM, and application passwords.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};

use sasl::Hash;

use super::*;
use crate::users::login::attempt::Proof;

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(HMAC_SHA256, key);
    hmac::sign(&key, message).as_ref().to_vec()
}

/// The message of a client with this password.
async fn proof(logins: &Logins, login: &str, secret: &str) -> Proof {
    let (salt, iterations) = logins.scram_parameters(login).await.unwrap();
    let auth_message = b"n=someone,r=nonce,s=x".to_vec();
    let mut salted = [0; 32];
    let iterations = iterations.try_into().unwrap();
    let secret = secret.as_bytes();
    pbkdf2::derive(PBKDF2_HMAC_SHA256, iterations, &salt, secret, &mut salted);
    let client_key = mac(&salted, b"Client Key");
    let stored_key = digest(&SHA256, &client_key);
    let signature = mac(stored_key.as_ref(), &auth_message);
    Proof {
        login: login.to_owned(),
        hash: Hash::Sha256,
        auth_message,
        proof: client_key
            .iter()
            .zip(&signature)
            .map(|(a, b)| a ^ b)
            .collect(),
        peer: String::new(),
    }
}

/// Which password it was: `own`, the name of an application password, or `None`.
async fn proved(logins: &Logins, login: &str, secret: &str) -> Option<String> {
    let proof = proof(logins, login, secret).await;
    which(logins.verify_scram(&proof).await.unwrap())
}

async fn shown(logins: &Logins, login: &str, secret: &str) -> Option<String> {
    let attempt = attempt(login, secret, "");
    which(logins.authenticate(&attempt).await.unwrap())
}

fn which(answer: Answer) -> Option<String> {
    match answer {
        Answer::Accepted(accepted) => Some(accepted.app_password.unwrap_or_else(|| "own".into())),
        Answer::Refused | Answer::Unfit(_) => None,
        Answer::Later(_) => Some("later".into()),
    }
}

fn app(name: &str) -> AppPasswordName {
    AppPasswordName::parse(name).unwrap()
}

#[tokio::test]
async fn a_proof_of_the_password_logs_in_and_follows_its_changes() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    let bob = address("bob@example.test");
    assert_eq!(
        proved(&logins, "Bob@Example.test", "secret").await,
        Some("own".into())
    );
    assert_eq!(proved(&logins, bob.as_str(), "Secret").await, None);
    assert_eq!(proved(&logins, "nobody@example.test", "secret").await, None);
    assert_eq!(proved(&logins, "", "secret").await, None);
    set_password(
        &kit.store,
        &passwords(),
        By::Administrator,
        &bob,
        &password("new"),
    )
    .await
    .unwrap();
    assert_eq!(proved(&logins, bob.as_str(), "secret").await, None);
    assert_eq!(
        proved(&logins, bob.as_str(), "new").await,
        Some("own".into())
    );
}

#[tokio::test]
async fn a_login_that_does_not_exist_looks_like_others_at_every_replica() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let (one, other) = (
        Logins::new(kit.store.clone(), passwords(), None),
        Logins::new(kit.store.clone(), passwords(), None),
    );
    let mut salts = Vec::new();
    for login in ["bob@example.test", "nobody@example.test", "no address"] {
        let parameters = one.scram_parameters(login).await.unwrap();
        assert_eq!(parameters, other.scram_parameters(login).await.unwrap());
        assert_eq!(parameters.1, 4096);
        salts.push(parameters.0);
    }
    salts.dedup();
    assert_eq!(salts.len(), 3);
    // Also once the user exists, and in upper case.
    kit.user("nobody@example.test").await;
    let now = one.scram_parameters("NOBODY@example.test").await.unwrap();
    assert_eq!(now.0, salts[1]);
}

#[tokio::test]
async fn a_user_from_before_there_were_keys_gets_them_by_showing_the_password() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    sqlx::query("UPDATE mailbox.user SET scram = NULL")
        .execute(kit.store.pool())
        .await
        .unwrap();
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    assert_eq!(proved(&logins, "bob@example.test", "secret").await, None);
    assert_eq!(shown(&logins, "bob@example.test", "wrong").await, None);
    assert_eq!(proved(&logins, "bob@example.test", "secret").await, None);
    let own = Some("own".to_owned());
    assert_eq!(shown(&logins, "bob@example.test", "secret").await, own);
    assert_eq!(proved(&logins, "bob@example.test", "secret").await, own);
}

#[tokio::test]
async fn guessing_by_proofs_is_slowed_like_any_other() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    for _ in 0..8 {
        assert_eq!(proved(&logins, "bob@example.test", "guess").await, None);
    }
    let later = Some("later".to_owned());
    assert_eq!(proved(&logins, "bob@example.test", "secret").await, later);
    assert_eq!(shown(&logins, "bob@example.test", "secret").await, later);
}

#[tokio::test]
async fn an_application_password_opens_all_that_the_user_s_own_does_until_it_is_taken_back() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    kit.user("eve@example.test").await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    let bob = address("bob@example.test");
    let phone = add_app_password(
        &kit.store,
        &passwords(),
        By::Administrator,
        &bob,
        &app("phone"),
    )
    .await
    .unwrap();
    let laptop = add_app_password(
        &kit.store,
        &passwords(),
        By::Administrator,
        &bob,
        &app("laptop"),
    )
    .await
    .unwrap();
    for _ in 0..2 {
        for (secret, name) in [(&phone, "phone"), (&laptop, "laptop")] {
            assert_eq!(
                shown(&logins, bob.as_str(), secret).await,
                Some(name.into())
            );
            assert_eq!(
                proved(&logins, bob.as_str(), secret).await,
                Some(name.into())
            );
        }
        assert_eq!(
            shown(&logins, bob.as_str(), "secret").await,
            Some("own".into())
        );
    }
    assert_eq!(shown(&logins, "eve@example.test", &phone).await, None);
    assert_eq!(proved(&logins, "eve@example.test", &phone).await, None);
    // It begins like one of Bob's.
    let alike = format!("{}aaaa", &phone[..20]);
    assert_eq!(shown(&logins, bob.as_str(), &alike).await, None);

    remove_app_password(&kit.store, By::Administrator, &bob, &app("phone"))
        .await
        .unwrap();
    assert_eq!(shown(&logins, bob.as_str(), &phone).await, None);
    assert_eq!(proved(&logins, bob.as_str(), &phone).await, None);
    assert_eq!(
        shown(&logins, bob.as_str(), &laptop).await,
        Some("laptop".into())
    );
    // A change of the user's own password leaves them valid.
    set_password(
        &kit.store,
        &passwords(),
        By::Administrator,
        &bob,
        &password("new"),
    )
    .await
    .unwrap();
    assert_eq!(
        proved(&logins, bob.as_str(), &laptop).await,
        Some("laptop".into())
    );
}

#[tokio::test]
async fn application_passwords_are_listed_by_name_and_go_with_their_user() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let bob = address("bob@example.test");
    let add = async |name: &str| {
        add_app_password(
            &kit.store,
            &passwords(),
            By::Administrator,
            &bob,
            &app(name),
        )
        .await
    };
    add("phone").await.unwrap();
    add("laptop").await.unwrap();
    assert!(matches!(add("phone").await, Err(Error::AlreadyExists(_))));
    let listed = list_app_passwords(&kit.store, By::Administrator, &bob)
        .await
        .unwrap();
    let names: Vec<_> = listed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["laptop", "phone"]);
    let tablet = remove_app_password(&kit.store, By::Administrator, &bob, &app("tablet")).await;
    assert!(matches!(tablet, Err(Error::NotFound(_))));
    for n in 2..50 {
        add(&format!("device {n}")).await.unwrap();
    }
    assert!(matches!(add("one more").await, Err(Error::Exhausted(_))));
    remove(&kit.store, &bob).await.unwrap();
    assert_eq!(
        kit.count("SELECT count(*) FROM mailbox.app_password").await,
        0
    );
    assert!(matches!(add("phone").await, Err(Error::NotFound(_))));
    let listed = list_app_passwords(&kit.store, By::Administrator, &bob).await;
    assert!(matches!(listed, Err(Error::NotFound(_))));
}

/// Devices try SCRAM as soon as it is offered.
#[tokio::test]
async fn an_office_whose_users_have_no_keys_yet_is_not_slowed_for_it() {
    const OFFICE: &str = "203.0.113.9";
    let kit = TestStore::start().await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    let users: Vec<String> = (0..12).map(|n| format!("user{n}@example.test")).collect();
    for user in &users {
        kit.user(user).await;
        assert_eq!(&answer(&logins, user, "secret", OFFICE).await, user);
    }
    sqlx::query("UPDATE mailbox.user SET scram = NULL")
        .execute(kit.store.pool())
        .await
        .unwrap();
    let tried = async |user: &str, peer: &str| {
        let proof = Proof {
            peer: peer.to_owned(),
            ..proof(&logins, user, "secret").await
        };
        which(logins.verify_scram(&proof).await.unwrap())
    };
    for user in users.iter().cycle().take(50) {
        assert_eq!(tried(user, OFFICE).await, None);
    }
    assert_eq!(kit.count("SELECT count(*) FROM mailbox.guess").await, 0);
    // Elsewhere the answer is that for a login that does not exist.
    for user in [users[0].as_str(), "nobody@example.test"] {
        for _ in 0..8 {
            assert_eq!(tried(user, "192.0.2.7").await, None, "{user}");
        }
        assert_eq!(tried(user, "192.0.2.7").await, Some("later".into()));
    }
}
