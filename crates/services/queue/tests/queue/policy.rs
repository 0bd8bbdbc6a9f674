//! `policy.v1`.

use std::os::unix::fs::PermissionsExt as _;

use api::grpc::Code;
use api::policy::v1::policy_client::PolicyClient;
use api::policy::v1::{
    ApplyPolicyRequest, GetPolicyRequest, ListRevisionsRequest, ListSecretsRequest,
    RemoveSecretRequest, RevealSecretRequest, SetSecretRequest, WatchPolicyRequest,
};
use service_kit::Service;
use sqlx::Connection;
use test_kit::LogLines;

use crate::harness::{Queue, administrator, in_time, refusal};

fn apply(document: &str, expected_revision: Option<u64>) -> ApplyPolicyRequest {
    ApplyPolicyRequest {
        actor: administrator(),
        document: document.to_owned(),
        expected_revision,
        comment: "a test".to_owned(),
    }
}

fn with_domain(name: &str) -> String {
    format!(
        "{}\n[[domain]]\nname = \"{name}\"\ndeliver = \"mailboxes\"\n",
        rules::Policy::default_document()
    )
}

/// Makes a policy with gateways and collection accounts that log in by these secrets.
async fn name_secrets(queue: &Queue, of_gateways: &[&str], of_accounts: &[&str]) {
    let mut document = rules::Policy::default_document().to_owned();
    for name in of_gateways {
        document.push_str(&format!(
            "\n[[gateway]]\nname = \"{name}\"\nhosts = [\"smtp.isp.test\"]\n\
             login = {{ user = \"office\", secret = \"{name}\" }}\n"
        ));
    }
    for name in of_accounts {
        document.push_str(&format!(
            "\n[[collect]]\nname = \"{name}\"\nserver = \"pop.isp.test\"\nprotocol = \"pop3s\"\n\
             login = {{ user = \"office\", secret = \"{name}\" }}\n\
             deliver = {{ mailbox = \"bob@example.test\" }}\n"
        ));
    }
    document.push_str("\n[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n");
    let mut policy = queue.policy();
    policy.apply_policy(apply(&document, None)).await.unwrap();
}

#[tokio::test]
async fn an_empty_database_begins_with_the_default_policy() {
    let queue = Queue::start().await;
    let policy = queue
        .policy()
        .get_policy(GetPolicyRequest { revision: 0 })
        .await;
    let policy = policy.unwrap().into_inner();
    assert_eq!(policy.revision, 1);
    assert_eq!(policy.document, rules::Policy::default_document());
    let queue = queue.restart().await;
    let policy = queue
        .policy()
        .get_policy(GetPolicyRequest { revision: 0 })
        .await;
    assert_eq!(policy.unwrap().into_inner().revision, 1);
}

#[tokio::test]
async fn revisions_are_numbered_and_kept() {
    let queue = Queue::start().await;
    let document = with_domain("example.test");
    let made = queue
        .policy()
        .apply_policy(apply(&document, Some(1)))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((made.revision, made.author.as_str()), (2, "root (postern)"));
    assert_eq!(made.made_at_ms, queue.now());

    // 0 is not the newest either.
    for expected in [0, 1] {
        let conflict = queue
            .policy()
            .apply_policy(apply(&document, Some(expected)))
            .await
            .unwrap_err();
        assert_eq!(conflict.code(), Code::Aborted);
    }
    queue
        .policy()
        .apply_policy(apply(&document, None))
        .await
        .unwrap();

    let list = queue
        .policy()
        .list_revisions(ListRevisionsRequest { limit: 2 })
        .await;
    let list = list.unwrap().into_inner().revisions;
    let numbers: Vec<u64> = list.iter().map(|revision| revision.revision).collect();
    assert_eq!(numbers, [3, 2]);
    assert!(list.iter().all(|revision| revision.document.is_empty()));

    let second = queue
        .policy()
        .get_policy(GetPolicyRequest { revision: 2 })
        .await;
    assert_eq!(second.unwrap().into_inner().document, document);
    let missing = queue
        .policy()
        .get_policy(GetPolicyRequest { revision: 9 })
        .await;
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn i8_a_wrong_policy_changes_nothing_and_says_what_is_wrong() {
    let queue = Queue::start().await;
    let document = format!("{}\n[nonsense]\n", rules::Policy::default_document());
    let status = queue
        .policy()
        .apply_policy(apply(&document, None))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("line "), "{status}");
    let newest = queue
        .policy()
        .get_policy(GetPolicyRequest { revision: 0 })
        .await;
    assert_eq!(newest.unwrap().into_inner().revision, 1);
}

#[tokio::test]
async fn watchers_see_the_newest_revision_and_each_that_follows_on_any_replica() {
    let queue = Queue::start().await;
    let replica = Queue::start_on(queue.url.clone()).await;
    let mut here = queue
        .policy()
        .watch_policy(WatchPolicyRequest {})
        .await
        .unwrap()
        .into_inner();
    let mut there = replica
        .policy()
        .watch_policy(WatchPolicyRequest {})
        .await
        .unwrap()
        .into_inner();
    for stream in [&mut here, &mut there] {
        let first = in_time(stream.message()).await.unwrap().unwrap();
        assert_eq!(first.revision, 1);
    }
    let document = with_domain("example.test");
    queue
        .policy()
        .apply_policy(apply(&document, None))
        .await
        .unwrap();
    for stream in [&mut here, &mut there] {
        let next = in_time(stream.message()).await.unwrap().unwrap();
        assert_eq!(
            (next.revision, next.document.as_str()),
            (2, document.as_str())
        );
    }
    // A watch does not keep the process from draining.
    queue.stop().await;
}

#[tokio::test]
async fn secrets_are_kept_encrypted_under_a_key_for_its_owner_only() {
    let queue = Queue::start().await;
    name_secrets(&queue, &["isp", "other"], &[]).await;
    let mut policy = queue.policy();
    let secret = SetSecretRequest {
        actor: administrator(),
        name: "isp".to_owned(),
        value: b"correct horse".to_vec().into(),
    };
    policy.set_secret(secret).await.unwrap();

    let key_file = queue.folder.path().join("secrets.key");
    let mode = std::fs::metadata(&key_file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut connection = sqlx::PgConnection::connect(&queue.url).await.unwrap();
    let stored: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM queue.secret")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(!stored.windows(7).any(|part| part == b"correct"));

    let queue = queue.restart().await;
    let mut policy = queue.policy();
    let reveal = |name: &str| RevealSecretRequest {
        name: name.to_owned(),
    };
    let revealed = policy
        .reveal_secret(reveal("isp"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(&revealed.value[..], b"correct horse");
    let names = policy
        .list_secrets(ListSecretsRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(names.names, ["isp"]);

    // Under another name it does not open.
    sqlx::query("UPDATE queue.secret SET name = 'other'")
        .execute(&mut connection)
        .await
        .unwrap();
    let moved = policy.reveal_secret(reveal("other")).await.unwrap_err();
    assert_eq!(moved.code(), Code::FailedPrecondition);
    let remove = RemoveSecretRequest {
        actor: administrator(),
        name: "other".to_owned(),
    };
    policy.remove_secret(remove.clone()).await.unwrap();
    assert_eq!(
        policy.remove_secret(remove).await.unwrap_err().code(),
        Code::NotFound
    );
    let gone = policy.reveal_secret(reveal("isp")).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn a_lost_key_that_secrets_need_is_asked_for_and_not_made_anew() {
    let queue = Queue::start().await;
    name_secrets(&queue, &["isp"], &[]).await;
    let secret = SetSecretRequest {
        actor: administrator(),
        name: "isp".to_owned(),
        value: b"correct horse".to_vec().into(),
    };
    queue.policy().set_secret(secret).await.unwrap();
    let (url, folder, clock) = queue.stop().await;
    let key_file = folder.path().join("secrets.key");
    let key = std::fs::read(&key_file).unwrap();
    std::fs::remove_file(&key_file).unwrap();

    let said = refusal(&url, &folder).await;
    let missing = format!("{} is missing, and 1 secret(s)", key_file.display());
    assert!(said.contains(&missing) && said.contains("(isp)"), "{said}");
    assert!(!key_file.exists());

    std::fs::write(&key_file, key).unwrap();
    let queue = Queue::start_in(url, folder, clock).await;
    let reveal = RevealSecretRequest {
        name: "isp".to_owned(),
    };
    let revealed = queue.policy().reveal_secret(reveal).await.unwrap();
    assert_eq!(&revealed.into_inner().value[..], b"correct horse");
}

fn secret(name: &str) -> SetSecretRequest {
    SetSecretRequest {
        actor: administrator(),
        name: name.to_owned(),
        value: b"correct horse".to_vec().into(),
    }
}

async fn revealed(queue: &Queue, name: &str) -> Result<Vec<u8>, Code> {
    let reveal = RevealSecretRequest {
        name: name.to_owned(),
    };
    let revealed = queue.policy().reveal_secret(reveal).await;
    revealed
        .map(|response| response.into_inner().value.to_vec())
        .map_err(|status| status.code())
}

#[tokio::test]
async fn another_key_than_that_of_the_stored_secrets_is_refused_at_the_start() {
    // With the known text stored beside them, and without, as by older versions.
    for known in [true, false] {
        let queue = Queue::start().await;
        name_secrets(&queue, &["isp"], &["pop"]).await;
        queue.policy().set_secret(secret("isp")).await.unwrap();
        queue.policy().set_secret(secret("pop")).await.unwrap();
        let (url, folder, clock) = queue.stop().await;
        let pool = sqlx::PgPool::connect(&url).await.unwrap();
        if !known {
            let forget = sqlx::query("DELETE FROM queue.secret_key");
            forget.execute(&pool).await.unwrap();
        }
        let key_file = folder.path().join("secrets.key");
        let key = std::fs::read(&key_file).unwrap();
        std::fs::write(&key_file, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").unwrap();
        let said = refusal(&url, &folder).await;
        let wrong = format!("{} holds another key", key_file.display());
        assert!(said.contains(&wrong), "{said}");
        assert!(said.contains("2 secret(s) are stored (isp, pop)"), "{said}");
        assert!(said.contains("replace-secret-key"), "{said}");

        // The right key is found again,
        std::fs::write(&key_file, key).unwrap();
        let queue = Queue::start_in(url, folder, clock).await;
        assert_eq!(revealed(&queue, "isp").await.unwrap(), b"correct horse");

        // or is lost: the secrets are set again, one by one.
        let (url, folder, clock) = queue.stop().await;
        std::fs::remove_file(&key_file).unwrap();
        let replace = |config: &mut queue::Config, _: &mut service_kit::Service| {
            config.replace_secret_key = true
        };
        let queue = Queue::start_with(url, folder, clock, replace).await;
        assert_eq!(revealed(&queue, "isp").await, Err(Code::FailedPrecondition));
        queue.policy().set_secret(secret("isp")).await.unwrap();
        let queue = queue.restart().await;
        assert_eq!(revealed(&queue, "isp").await.unwrap(), b"correct horse");
        assert_eq!(revealed(&queue, "pop").await, Err(Code::FailedPrecondition));
    }
}

#[tokio::test]
async fn of_queues_with_different_keys_one_alone_takes_secrets() {
    let queue = Queue::start().await;
    let other = Queue::start_on(queue.url.clone()).await;
    name_secrets(&other, &["isp"], &[]).await;
    let refused = queue.policy().set_secret(secret("isp")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("secret-key-file"), "{refused}");
    other.policy().set_secret(secret("isp")).await.unwrap();
    assert_eq!(revealed(&other, "isp").await.unwrap(), b"correct horse");
}

#[tokio::test]
async fn a_process_is_told_the_secrets_that_the_policy_names_for_it_and_no_others() {
    let log = LogLines::record();
    let replica = Queue::start().await;
    let queue = Queue::start_on(replica.url.clone()).await;
    for name in ["gateway", "account", "of-nobody"] {
        queue.policy().set_secret(secret(name)).await.unwrap();
    }
    name_secrets(&replica, &["gateway"], &["account"]).await;
    let denied = Code::PermissionDenied;
    for (process, name, expected) in [
        ("delivery", "gateway", None),
        ("delivery", "account", Some(denied)),
        ("delivery", "of-nobody", Some(denied)),
        ("delivery", "unset", Some(denied)),
        ("collector", "account", None),
        ("collector", "gateway", Some(denied)),
        ("collector", "of-nobody", Some(denied)),
        ("smtp-server", "gateway", Some(denied)),
        ("postern", "gateway", Some(denied)),
    ] {
        let channel = Service::for_tests(process).channel(&queue.listen());
        let mut policy = PolicyClient::new(channel.unwrap());
        let name = name.to_owned();
        let revealed = policy.reveal_secret(RevealSecretRequest { name: name.clone() });
        let code = revealed.await.err().map(|status| status.code());
        assert_eq!(code, expected, "{process} {name}");
    }
    let refused = log.of("queue::policy::service");
    let refused = refused
        .iter()
        .filter(|line| line.starts_with("a secret was not"));
    let refused: Vec<&str> = refused.map(String::as_str).collect();
    assert_eq!(refused.len(), 5, "{refused:?}");
    assert_eq!(
        refused[0],
        "a secret was not revealed caller=\"delivery\" secret=\"account\""
    );

    // What the policy names no more is not told any more.
    name_secrets(&queue, &[], &["account"]).await;
    assert_eq!(revealed(&queue, "gateway").await, Err(denied));
}

#[tokio::test]
async fn a_secrets_name_and_size_are_limited() {
    let queue = Queue::start().await;
    for (name, size) in [("", 1), ("a b", 1), ("ä", 1), ("x", 65 * 1024)] {
        let request = SetSecretRequest {
            actor: administrator(),
            name: name.to_owned(),
            value: vec![0; size].into(),
        };
        let status = queue.policy().set_secret(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{name:?} {size}");
    }
}
