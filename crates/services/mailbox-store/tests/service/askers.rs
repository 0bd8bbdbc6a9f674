//! Each call of directory.v1 that a person asks for, by another actor than one who may.

use api::actor::v1::Actor;
use api::directory::v1::directory_client::DirectoryClient;
use api::directory::v1::{
    AddAppPasswordRequest, AddUserRequest, ListAppPasswordsRequest, ListUsersRequest,
    RemoveAppPasswordRequest, RemoveUserRequest, SetPasswordRequest,
};
use api::grpc::{Channel, Code, Status};
use api::rights::SERVICES;
use service_kit::Service;
use test_kit::LogLines;

use crate::running::{Running, actor, administrator};

const BOB: &str = "bob@example.test";

/// At Login nobody is known yet; the others services ask for themselves.
const WITHOUT_ACTOR: [&str; 4] = ["Login", "WatchMechanisms", "FindUsers", "WatchUsers"];

/// What a user may do for themselves.
const OF_ONES_OWN: [&str; 4] = [
    "SetPassword",
    "AddAppPassword",
    "ListAppPasswords",
    "RemoveAppPassword",
];

/// The calls that a person asks for, in an order in which they can be done.
fn calls() -> Vec<&'static str> {
    let mut services = SERVICES.iter();
    let (_, calls) = services
        .find(|(service, _)| *service == "postern.directory.v1.Directory")
        .unwrap();
    let names = calls.iter().map(|(name, _)| *name);
    let mut names: Vec<_> = names.filter(|name| !WITHOUT_ACTOR.contains(name)).collect();
    names.sort_by_key(|name| *name == "RemoveUser");
    names
}

/// How the call ends that this actor makes, about Bob.
async fn call(channel: &Channel, name: &str, actor: Option<Actor>) -> Result<(), Status> {
    let mut directory = DirectoryClient::new(channel.clone());
    let address = BOB.to_owned();
    let phone = "phone".to_owned();
    match name {
        "AddUser" => {
            let request = AddUserRequest {
                actor,
                address: "carol@example.test".to_owned(),
                password: "secret".to_owned(),
            };
            directory.add_user(request).await.map(drop)
        }
        "ListUsers" => {
            let request = ListUsersRequest {
                actor,
                ..ListUsersRequest::default()
            };
            directory.list_users(request).await.map(drop)
        }
        "RemoveUser" => {
            let request = RemoveUserRequest { actor, address };
            directory.remove_user(request).await.map(drop)
        }
        "SetPassword" => {
            let request = SetPasswordRequest {
                actor,
                address,
                password: "another".to_owned(),
            };
            directory.set_password(request).await.map(drop)
        }
        "AddAppPassword" => {
            let request = AddAppPasswordRequest {
                actor,
                address,
                name: phone,
            };
            directory.add_app_password(request).await.map(drop)
        }
        "ListAppPasswords" => {
            let request = ListAppPasswordsRequest { actor, address };
            directory.list_app_passwords(request).await.map(drop)
        }
        "RemoveAppPassword" => {
            let request = RemoveAppPasswordRequest {
                actor,
                address,
                name: phone,
            };
            directory.remove_app_password(request).await.map(drop)
        }
        other => panic!("{other}: say how it is called, or that it has no actor"),
    }
}

#[tokio::test]
async fn a_user_changes_themselves_and_an_administrator_everybody() {
    let log = LogLines::record();
    let mut running = Running::start(test_kit::Postgres::start().database().await).await;
    let bob = running.add_user(BOB).await;
    let eve = running.add_user("eve@example.test").await;
    let channel = |process: &'static str| {
        let service = Service::for_tests(process);
        service.channel(&running.listen()).unwrap()
    };
    let (postern, imap) = (channel("postern"), channel("imap"));
    let code = async |channel: &Channel, name: &str, actor| {
        let done = call(channel, name, actor).await;
        done.map_err(|status| status.code())
    };
    for name in calls() {
        let own = OF_ONES_OWN.contains(&name);
        let anothers = if own {
            Code::NotFound
        } else {
            Code::PermissionDenied
        };
        let peer = Some(Actor::peer("192.0.2.1", Some(BOB)));
        for (actor, expected) in [
            (None, Code::InvalidArgument),
            (Some(Actor::default()), Code::InvalidArgument),
            (peer, Code::PermissionDenied),
            (actor(eve), anothers),
        ] {
            let refused = code(&postern, name, actor.clone()).await;
            assert_eq!(refused, Err(expected), "{name}: {actor:?}");
        }
        let others = code(&imap, name, administrator()).await;
        assert_eq!(others, Err(Code::PermissionDenied), "{name}");
    }
    // Nothing has changed: Bob's password is the old one, and all of it is his to do, or an administrator's.
    assert!(running.log_in(BOB, "secret").await.is_some());
    for name in OF_ONES_OWN {
        assert_eq!(code(&postern, name, actor(bob)).await, Ok(()), "{name}");
    }
    assert!(running.log_in(BOB, "another").await.is_some());
    for name in calls() {
        assert_eq!(
            code(&postern, name, administrator()).await,
            Ok(()),
            "{name}"
        );
    }
    let lines = log.of("mailbox_store::grpc::directory");
    let removed = "a user was removed author=\"root (postern)\" user=bob@example.test";
    assert_eq!(lines.last().unwrap(), removed);
    running.drained().await;
}
