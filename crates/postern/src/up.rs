//! `postern up`: the whole system on one machine, in the foreground.
//!
//! Creates the data folder, a private Postgres, a certificate and `postern.toml` if they are missing,
//! starts every service as a child, waits for their health, prints the listeners, restarts services that
//! end, and on SIGINT or SIGTERM drains and stops them all, front ends first. It knows the services by
//! their programs, their configuration and their gRPC health, and nothing about mail.

mod backoff;
mod child;
mod configuration;
mod database;
mod directory;
mod folder;
mod health;
mod leftovers;
mod logs;
mod ownership;
mod pid_file;
mod ports;
mod programs;
mod report;
mod safe_path;
mod screen;
mod services;
mod supervisor;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::Context;
use private_postgres::Guard;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub(crate) use programs::{service_names, service_program};

use configuration::Configuration;
use database::Database;
use folder::Folder;
use ports::Ports;
use screen::Screen;
use supervisor::Supervisor;

/// The options of `postern up`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// Address to listen on [default: 127.0.0.1, or what postern.toml says]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<IpAddr>,
    /// Ports are the well-known port plus this [default: 2000, or what postern.toml says]
    #[arg(long, value_name = "N")]
    pub port_base: Option<u16>,
}

/// Runs the system in the folder `data` until SIGINT or SIGTERM.
///
/// # Errors
/// If it cannot be started; everything started before is stopped. If Postgres does not stop.
pub async fn run(data: &Path, options: &Options) -> anyhow::Result<()> {
    let screen = Screen::stdout();
    let stop = stop_on_signals()?;
    safe_path::refuse_unsafe(data)?;
    folder::refuse_file(data)?;
    let asked = Ports::asked(options.listen, options.port_base)?;
    let configured = data.join("postern.toml");
    if !configured.exists() {
        // Checked first, so that no folder is left behind.
        ports::ensure_free(&Configuration::addresses(configured, asked)?)?;
    }
    let folder = Folder::open(data)?;
    screen.line(&format!(
        "Postern {}, data in {}",
        env!("CARGO_PKG_VERSION"),
        folder.root().display()
    ));
    if let Some(runtime) = folder.moved_sockets() {
        screen.line(&format!(
            "That path is too long for Unix sockets (107 bytes): they are in {}.",
            runtime.display()
        ));
    }
    leftovers::end(&folder, &screen).await?;
    ports::ensure_free(&Configuration::addresses(folder.configuration(), asked)?)?;
    tokio::spawn(logs::look_after(folder.logs(), stop.now.clone()));

    let guard = std::sync::Arc::new(Guard::start()?);
    let mut database = Database::open(&folder, std::sync::Arc::clone(&guard), &screen).await?;
    let started = start(&folder, asked, &database, guard, &screen, &stop).await;
    let result = match started {
        Ok(mut supervisor) => {
            database.restart_when_it_dies(&screen, &stop).await;
            screen.line("Stopping …");
            supervisor.stop(&stop).await;
            Ok(())
        }
        // A stop signal during the start is no failure.
        Err(_) if stop.drain.is_cancelled() => Ok(()),
        Err(error) => Err(error),
    };
    let stopped = database.stop(&screen).await;
    match (result, stopped) {
        (Ok(()), stopped) => stopped,
        (failed, Ok(())) => failed,
        // The first reason becomes the error; the other is printed too.
        (failed, Err(error)) => {
            screen.progress("postgres", &format!("{error:#}"));
            failed
        }
    }
}

async fn start(
    folder: &Folder,
    asked: Option<Ports>,
    database: &Database,
    guard: std::sync::Arc<Guard>,
    screen: &Screen,
    stop: &Stop,
) -> anyhow::Result<Supervisor> {
    let configuration = Configuration::prepare(folder, asked, database.url())?;
    refuse_what_is_wrong(&configuration)?;
    ownership::give(folder)?;
    tokio::spawn(ownership::keep_readable(folder.tls(), stop.now.clone()));
    let mut supervisor = Supervisor::new(folder, &configuration, guard, screen.clone())?;
    let started = tokio::select! {
        started = supervisor.start() => started,
        () = stop.drain.cancelled() => Err(anyhow::anyhow!("stopped while starting")),
    };
    if let Err(error) = started {
        supervisor.stop(stop).await;
        return Err(error);
    }
    screen.line(&report::table(folder, &configuration));
    Ok(supervisor)
}

/// Otherwise every service would end at once, repeatedly, with the error in its own log.
fn refuse_what_is_wrong(configuration: &Configuration) -> anyhow::Result<()> {
    let problems = crate::commands::config::problems(configuration.path())?;
    anyhow::ensure!(
        problems.is_empty(),
        "the configuration cannot be used:\n{}",
        problems.join("\n")
    );
    Ok(())
}

/// The first signal drains, the second stops at once.
#[derive(Clone, Debug, Default)]
struct Stop {
    drain: CancellationToken,
    now: CancellationToken,
}

fn stop_on_signals() -> anyhow::Result<Stop> {
    let stop = Stop::default();
    let mut interrupt = signal(SignalKind::interrupt()).context("watching for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("watching for SIGTERM")?;
    let tokens = stop.clone();
    tokio::spawn(async move {
        for token in [&tokens.drain, &tokens.now] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(stop)
}

/// The default address: only this machine.
const DEFAULT_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = run(file.path(), &Options::default()).await.unwrap_err();
        assert!(refused.to_string().contains("is a file"), "{refused}");
    }

    #[tokio::test]
    async fn root_does_not_begin_in_a_folder_that_somebody_else_can_change() {
        if !safe_path::is_root() {
            eprintln!("SKIPPED: not root");
            return;
        }
        let parent = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(parent.path(), Some(54_321), None).unwrap();
        let data = parent.path().join("data");
        let refused = run(&data, &Options::default()).await.unwrap_err();
        assert!(refused.to_string().contains("belongs to"), "{refused}");
        assert!(!data.exists());
    }

    #[tokio::test]
    async fn nothing_is_made_where_nothing_could_listen() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("data");
        for (listen, port_base, why) in [
            (None, Some(65_535), "--port-base 65535 is too high"),
            // TEST-NET-1 (RFC 5737): an unused address.
            (Some("192.0.2.1"), None, "cannot listen on 192.0.2.1:2025"),
        ] {
            let options = Options {
                listen: listen.map(|address| address.parse().unwrap()),
                port_base,
            };
            let refused = run(&data, &options).await.unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
            assert!(!data.exists(), "{why}");
        }
    }
}
