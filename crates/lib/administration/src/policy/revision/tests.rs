#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use std::path::Path;
use std::sync::{Arc, Mutex};

use api::grpc::{Request, Response, async_trait};
use api::policy::v1::policy_server::{Policy as PolicyService, PolicyServer};
use api::policy::v1::{
    ListRevisionsRequest, ListRevisionsResponse, ListSecretsRequest, ListSecretsResponse,
    RemoveSecretRequest, RemoveSecretResponse, RevealSecretRequest, RevealSecretResponse,
    SetSecretRequest, SetSecretResponse, WatchPolicyRequest,
};
use service_kit::survey::Condition;
use service_kit::{Routes, Service};

use super::*;
use crate::Actor;

/// A policy service that keeps its revisions in memory.
#[derive(Clone, Default)]
struct Fake {
    revisions: Arc<Mutex<Vec<String>>>,
    /// So many more applications are overtaken by somebody else's.
    rivals: Arc<Mutex<usize>>,
}

impl Fake {
    fn revision(&self, number: usize) -> Option<Revision> {
        let revisions = self.revisions.lock().unwrap();
        let number = if number == 0 { revisions.len() } else { number };
        let document = revisions.get(number.checked_sub(1)?)?.clone();
        Some(Revision {
            revision: number as u64,
            document,
            author: "eve".to_owned(),
            ..Revision::default()
        })
    }
}

#[async_trait]
impl PolicyService for Fake {
    type WatchPolicyStream =
        std::pin::Pin<Box<dyn futures::Stream<Item = Result<Revision, Status>> + Send + 'static>>;

    async fn get_policy(
        &self,
        request: Request<GetPolicyRequest>,
    ) -> Result<Response<Revision>, Status> {
        let number = request.into_inner().revision as usize;
        let found = self.revision(number).map(Response::new);
        found.ok_or_else(|| Status::not_found(format!("there is no revision {number}")))
    }

    async fn apply_policy(
        &self,
        request: Request<ApplyPolicyRequest>,
    ) -> Result<Response<Revision>, Status> {
        let request = request.into_inner();
        {
            let mut rivals = self.rivals.lock().unwrap();
            let mut revisions = self.revisions.lock().unwrap();
            if *rivals > 0 {
                *rivals -= 1;
                let rival = format!("# {} rivals to come\n", *rivals);
                revisions.push(rival);
            }
            let newest = revisions.len() as u64;
            if request.expected_revision.is_some_and(|one| one != newest) {
                return Err(Status::aborted("there is a newer revision"));
            }
            revisions.push(request.document);
        }
        Ok(Response::new(self.revision(0).unwrap()))
    }

    async fn list_revisions(
        &self,
        _: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        Err(Status::unimplemented("not needed here"))
    }

    async fn watch_policy(
        &self,
        _: Request<WatchPolicyRequest>,
    ) -> Result<Response<Self::WatchPolicyStream>, Status> {
        Err(Status::unimplemented("not needed here"))
    }

    async fn set_secret(
        &self,
        _: Request<SetSecretRequest>,
    ) -> Result<Response<SetSecretResponse>, Status> {
        Err(Status::unimplemented("not needed here"))
    }

    async fn list_secrets(
        &self,
        _: Request<ListSecretsRequest>,
    ) -> Result<Response<ListSecretsResponse>, Status> {
        Err(Status::unimplemented("not needed here"))
    }

    async fn remove_secret(
        &self,
        _: Request<RemoveSecretRequest>,
    ) -> Result<Response<RemoveSecretResponse>, Status> {
        Err(Status::unimplemented("not needed here"))
    }

    async fn reveal_secret(
        &self,
        _: Request<RevealSecretRequest>,
    ) -> Result<Response<RevealSecretResponse>, Status> {
        Err(Status::unimplemented("not needed here"))
    }
}

fn read(configuration: &str) -> System {
    let folder = Path::new("/nonexistent");
    System::read(configuration, folder, folder, |_| None).unwrap()
}

fn actor() -> Actor {
    Actor {
        name: "eve".to_owned(),
        from: None,
    }
}

/// Runs `test` against a system whose policy service is `fake`.
async fn with_system(fake: &Fake, test: impl AsyncFnOnce(&Administration)) {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("unix:{}", folder.path().join("queue.sock").display());
    let service = Service::for_tests("queue");
    let (running, listen) = (service.clone(), endpoint.clone());
    let routes = Routes::new(PolicyServer::new(fake.clone()));
    let server = tokio::spawn(async move { running.serve_grpc(&listen, routes).await });
    let configuration = format!("[endpoints]\nqueue = \"{endpoint}\"");
    let system = read(&configuration);
    let queue = system.processes().remove(0);
    while system.health(&queue).await != [Condition::Serving] {
        tokio::task::yield_now().await;
    }
    test(&Administration::new(system, actor())).await;
    service.shutdown.cancel();
    server.await.unwrap().unwrap();
}

fn append(line: &'static str) -> impl Fn(&str) -> Result<String, EditError> {
    move |document| Ok(format!("{document}{line}\n"))
}

#[tokio::test]
async fn an_edit_becomes_the_next_revision() {
    let fake = Fake::default();
    with_system(&fake, async |administration| {
        let made = edit(administration, "first", false, append("# one"))
            .await
            .unwrap();
        assert_eq!((made.revision, &*made.author), (1, "eve"));
        let made = edit(administration, "second", false, append("# two"))
            .await
            .unwrap();
        assert_eq!(made.revision, 2);
    })
    .await;
    let first = format!("{}# one\n", Policy::default_document());
    let second = format!("{first}# two\n");
    assert_eq!(*fake.revisions.lock().unwrap(), [first, second]);
}

#[tokio::test]
async fn an_edit_is_made_again_on_what_somebody_else_made_meanwhile() {
    let fake = Fake::default();
    fake.revisions.lock().unwrap().push("# old\n".to_owned());
    *fake.rivals.lock().unwrap() = 2;
    with_system(&fake, async |administration| {
        let made = edit(administration, "", false, append("# mine"))
            .await
            .unwrap();
        assert_eq!(made.revision, 4);
        assert_eq!(made.document, "# 0 rivals to come\n# mine\n");
    })
    .await;
}

#[tokio::test]
async fn the_first_edit_overwrites_none_that_somebody_else_made_meanwhile() {
    let fake = Fake::default();
    *fake.rivals.lock().unwrap() = 1;
    with_system(&fake, async |administration| {
        let made = edit(administration, "", false, append("# mine"))
            .await
            .unwrap();
        assert_eq!(made.document, "# 0 rivals to come\n# mine\n");
    })
    .await;
}

#[tokio::test]
async fn an_edit_gives_up_when_others_are_always_faster() {
    let fake = Fake::default();
    fake.revisions.lock().unwrap().push("# old\n".to_owned());
    *fake.rivals.lock().unwrap() = 1000;
    with_system(&fake, async |administration| {
        let error = edit(administration, "", false, append("# mine"))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Overtaken(_)));
        assert!(error.to_string().contains("nothing was changed, try again"));
    })
    .await;
    assert_eq!(fake.revisions.lock().unwrap().len(), 1 + ATTEMPTS);
}

#[tokio::test]
async fn a_system_that_is_not_there_is_told_from_a_no() {
    let error = get(&read(""), 0).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)));
    assert!(error.to_string().contains("postern up"), "{error}");
    let fake = Fake::default();
    with_system(&fake, async |administration| {
        let error = get(administration.system(), 99).await.unwrap_err();
        assert!(matches!(error, Error::NotFound(_)));
        assert_eq!(
            error.to_string(),
            "there is no revision 99 of the policy; postern policy list shows those there are"
        );
    })
    .await;
}
