//! A password verified a short while ago costs no argon2 again, and becomes invalid at once when it is
//! changed.

use super::*;

const BOB: &str = "bob@example.test";

/// Two replicas of the directory on one database. Neither gets the other's notices: each login reads the
/// database.
struct Replicas {
    kit: TestStore,
    passwords: [Passwords; 2],
    logins: [Logins; 2],
}

impl Replicas {
    async fn start() -> Self {
        let kit = TestStore::start().await;
        kit.user(BOB).await;
        let other = TestStore::at(kit.url.clone()).await;
        let passwords = [passwords(), passwords()];
        let [one, two] = passwords.clone();
        let logins = [
            Logins::new(kit.store.clone(), one, None),
            Logins::new(other.store.clone(), two, None),
        ];
        Self {
            kit,
            passwords,
            logins,
        }
    }

    /// Whether each replica accepts this password.
    async fn let_in(&self, secret: &str) -> [bool; 2] {
        let [one, two] = &self.logins;
        [
            answer(one, BOB, secret, "192.0.2.1").await == BOB,
            answer(two, BOB, secret, "192.0.2.1").await == BOB,
        ]
    }

    /// Runs of argon2 since the last call.
    fn runs(&self, before: &mut [u64; 2]) -> [u64; 2] {
        let now = [self.passwords[0].runs(), self.passwords[1].runs()];
        let since = [now[0] - before[0], now[1] - before[1]];
        *before = now;
        since
    }
}

#[tokio::test]
async fn a_client_that_polls_costs_one_hash_and_not_one_each_time() {
    let replicas = Replicas::start().await;
    let name = AppPasswordName::parse("phone").unwrap();
    let phone = add_app_password(
        &replicas.kit.store,
        &passwords(),
        By::Administrator,
        &address(BOB),
        &name,
    )
    .await
    .unwrap();
    let mut before = [0; 2];
    for secret in ["secret", phone.as_str()] {
        for _ in 0..20 {
            assert_eq!(replicas.let_in(secret).await, [true; 2]);
        }
        assert_eq!(replicas.runs(&mut before), [1; 2]);
    }
    // Alternating passwords do not evict each other.
    for secret in ["secret", phone.as_str()].iter().cycle().take(10) {
        assert_eq!(replicas.let_in(secret).await, [true; 2]);
    }
    assert_eq!(replicas.runs(&mut before), [0; 2]);
    // A wrong one is hashed each time.
    for _ in 0..3 {
        assert_eq!(replicas.let_in("guess").await, [false; 2]);
    }
    assert_eq!(replicas.runs(&mut before), [3; 2]);
}

#[tokio::test]
async fn a_changed_password_is_refused_at_once_at_every_replica() {
    let replicas = Replicas::start().await;
    let (store, bob) = (&replicas.kit.store, address(BOB));
    assert_eq!(replicas.let_in("secret").await, [true; 2]);
    set_password(
        store,
        &passwords(),
        By::Administrator,
        &bob,
        &password("new"),
    )
    .await
    .unwrap();
    assert_eq!(replicas.let_in("secret").await, [false; 2]);
    assert_eq!(replicas.let_in("new").await, [true; 2]);
    // The old password set again is a new one, and is hashed again.
    set_password(
        store,
        &passwords(),
        By::Administrator,
        &bob,
        &password("secret"),
    )
    .await
    .unwrap();
    let mut before = [0; 2];
    replicas.runs(&mut before);
    assert_eq!(replicas.let_in("secret").await, [true; 2]);
    assert_eq!(replicas.runs(&mut before), [1; 2]);
    assert_eq!(replicas.let_in("new").await, [false; 2]);
}

#[tokio::test]
async fn an_application_password_that_is_taken_back_is_refused_at_once_at_every_replica() {
    let replicas = Replicas::start().await;
    let (store, bob) = (&replicas.kit.store, address(BOB));
    let name = AppPasswordName::parse("phone").unwrap();
    let phone = add_app_password(store, &passwords(), By::Administrator, &bob, &name)
        .await
        .unwrap();
    assert_eq!(replicas.let_in(&phone).await, [true; 2]);
    remove_app_password(store, By::Administrator, &bob, &name)
        .await
        .unwrap();
    assert_eq!(replicas.let_in(&phone).await, [false; 2]);
    assert_eq!(replicas.let_in("secret").await, [true; 2]);
}

#[tokio::test]
async fn a_user_who_is_removed_is_refused_at_once_and_one_who_comes_after_is_another() {
    let replicas = Replicas::start().await;
    assert_eq!(replicas.let_in("secret").await, [true; 2]);
    remove(&replicas.kit.store, &address(BOB)).await.unwrap();
    assert_eq!(replicas.let_in("secret").await, [false; 2]);
    replicas.kit.user(BOB).await;
    let mut before = [0; 2];
    replicas.runs(&mut before);
    assert_eq!(replicas.let_in("secret").await, [true; 2]);
    assert_eq!(replicas.runs(&mut before), [1; 2]);
}
