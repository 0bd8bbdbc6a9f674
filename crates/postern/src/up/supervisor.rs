//! Starts the services, keeps them running, stops them in order.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use futures::future::try_join_all;
use private_postgres::Guard;
use service_kit::Endpoint;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::child::Program;
use super::configuration::Configuration;
use super::folder::Folder;
use super::screen::Screen;
use super::services::{Kind, SERVICES, STOP_ORDER, Tier};
use super::{Stop, health};

/// A service and its program.
#[derive(Debug)]
struct Service {
    kind: &'static Kind,
    program: Program,
    endpoint: Endpoint,
}

/// A supervised service.
#[derive(Debug)]
struct Kept {
    tier: Tier,
    stop: Stop,
    task: JoinHandle<()>,
}

/// All services of a system.
#[derive(Debug)]
pub(super) struct Supervisor {
    services: Vec<Service>,
    kept: Vec<Kept>,
    screen: Screen,
}

impl Supervisor {
    /// Finds the programs.
    pub(super) fn new(
        folder: &Folder,
        configuration: &Configuration,
        guard: Arc<Guard>,
        screen: Screen,
    ) -> anyhow::Result<Self> {
        let services = SERVICES
            .iter()
            .map(|kind| {
                let program = Program {
                    name: kind.name,
                    path: Program::beside_us(kind.name)?,
                    configuration: configuration.path().to_owned(),
                    log: folder.log(kind.name),
                    pid_file: folder.pid_file(kind.name),
                    guard: Arc::clone(&guard),
                };
                let endpoint = Configuration::health_endpoint(folder, kind).parse()?;
                Ok(Service {
                    kind,
                    program,
                    endpoint,
                })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            services,
            kept: Vec::new(),
            screen,
        })
    }

    /// Starts all services: those with state first.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        let (stores, others): (Vec<usize>, Vec<usize>) = (0..self.services.len()).partition(|&i| {
            self.services
                .get(i)
                .is_some_and(|s| s.kind.tier <= Tier::MailboxStore)
        });
        for group in [stores, others] {
            let waiting: Vec<_> = group
                .into_iter()
                .filter_map(|i| self.keep_running(i))
                .collect();
            let services = &self.services;
            let screen = &self.screen;
            try_join_all(waiting.into_iter().map(|(i, deaths)| async move {
                let service = services.get(i).context("a service")?;
                health::wait(&service.program, &service.endpoint, deaths, screen).await?;
                screen.progress(service.kind.name, "ready");
                anyhow::Ok(())
            }))
            .await?;
        }
        Ok(())
    }

    fn keep_running(&mut self, i: usize) -> Option<(usize, watch::Receiver<u32>)> {
        let service = self.services.get(i)?;
        let (died, deaths) = watch::channel(0);
        let stop = Stop::default();
        let task = tokio::spawn(keep_running(
            service.program.clone(),
            stop.clone(),
            died,
            self.screen.clone(),
        ));
        self.kept.push(Kept {
            tier: service.kind.tier,
            stop,
            task,
        });
        Some((i, deaths))
    }

    /// Drains and stops all services, front ends first. When `stop.now` is cancelled they are killed.
    pub(super) async fn stop(&mut self, stop: &Stop) {
        for tier in STOP_ORDER {
            let (now, later): (Vec<Kept>, Vec<Kept>) =
                self.kept.drain(..).partition(|kept| kept.tier == tier);
            self.kept = later;
            for kept in &now {
                kept.stop.drain.cancel();
            }
            for kept in now {
                let mut task = kept.task;
                tokio::select! {
                    _ = &mut task => continue,
                    () = stop.now.cancelled() => kept.stop.now.cancel(),
                }
                let _ended = task.await;
            }
        }
    }
}

/// Runs a service until the drain; restarts it when it ends.
async fn keep_running(program: Program, stop: Stop, died: watch::Sender<u32>, screen: Screen) {
    let mut backoff = Backoff::new();
    loop {
        let started = Instant::now();
        let how = match program.start() {
            Ok(mut running) => {
                let ended = tokio::select! {
                    how = running.ended() => Some(how),
                    () = stop.drain.cancelled() => None,
                };
                match ended {
                    Some(how) => how,
                    None => {
                        let how = running.stop(stop.now.cancelled()).await;
                        screen.progress(program.name, &how);
                        return;
                    }
                }
            }
            Err(error) => format!("{error:#}"),
        };
        died.send_modify(|deaths| *deaths += 1);
        let wait = backoff.after(started.elapsed());
        screen.progress(
            program.name,
            &format!("{how}; starting again in {} ms", wait.as_millis()),
        );
        if sleep_or_stop(wait, &stop.drain).await {
            return;
        }
    }
}

/// Whether the stop was requested.
async fn sleep_or_stop(wait: std::time::Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(wait) => false,
        () = stop.cancelled() => true,
    }
}
