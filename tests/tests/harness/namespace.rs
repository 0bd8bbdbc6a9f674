//! A network for tests: a Linux namespace held by an idle process, so that it ends with that process.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use private_postgres::{EndSignal, Guard};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::tools::{have, run};

/// A network namespace. It ends when it is dropped.
#[derive(Debug)]
pub struct Namespace {
    holder: Child,
    guard: Guard,
}

impl Namespace {
    /// Whether namespaces can be made here; says so if a case is skipped for that reason.
    pub fn can_be_made() -> bool {
        if !rustix::process::geteuid().is_root() {
            // No installation would help.
            eprintln!("SKIPPED: making network namespaces takes root");
            return false;
        }
        if !["ip", "nsenter", "unshare", "nft"].into_iter().all(have) {
            return false;
        }
        let made = Command::new("unshare")
            .args(["--net", "ip", "link", "set", "lo", "up"])
            .output()
            .unwrap();
        if !made.status.success() {
            eprintln!(
                "SKIPPED: this machine or sandbox lets nobody make network namespaces: {}",
                String::from_utf8_lossy(&made.stderr).trim()
            );
        }
        made.status.success()
    }

    /// A network without any other member.
    pub fn new() -> Self {
        let guard = Guard::start().unwrap();
        let mut holder = Command::new("unshare")
            .args([
                "--net",
                "sh",
                "-c",
                "ip link set lo up && echo ready && exec sleep infinity",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        guard.watch(holder.id(), EndSignal::Term);
        let mut said = [0; 6];
        std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut said).unwrap();
        Self { holder, guard }
    }

    /// The process that holds it.
    pub fn pid(&self) -> u32 {
        self.holder.id()
    }

    /// Connects two networks with an interface of this name in each.
    pub fn connect(&self, name: &str, other: &Self, there: &str) {
        let pids = (self.pid().to_string(), other.pid().to_string());
        let here = ["link", "add", name, "netns", &pids.0, "type", "veth"];
        let peer = ["peer", "name", there, "netns", &pids.1];
        run(Command::new("ip").args(here).args(peer));
        self.ip(&format!("link set {name} up"));
        other.ip(&format!("link set {there} up"));
    }

    /// Gives an interface addresses. IPv6 ones are usable at once: duplicates cannot exist.
    pub fn address(&self, interface: &str, addresses: &[&str]) {
        for address in addresses {
            let nodad = if address.contains(':') { " nodad" } else { "" };
            self.ip(&format!("address add {address} dev {interface}{nodad}"));
        }
    }

    /// Runs `ip` in it.
    pub fn ip(&self, arguments: &str) {
        self.run(&["ip"], arguments);
    }

    /// Runs a program in it.
    pub fn run(&self, program: &[&str], arguments: &str) {
        let net = format!("--net=/proc/{}/ns/net", self.pid());
        let words = arguments.split_whitespace();
        run(Command::new("nsenter").arg(net).args(program).args(words));
    }

    /// Runs a closure in it; sockets opened there stay there.
    pub fn within<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let network = File::open(format!("/proc/{}/ns/net", self.pid())).unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(network.as_fd(), kind).unwrap();
                act()
            });
            thread.join().unwrap()
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.guard.forget(self.holder.id());
        let _gone = self.holder.kill();
        let _reaped = self.holder.wait();
    }
}
