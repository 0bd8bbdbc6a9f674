//! Postfix and Dovecot near their defaults, in a folder of their own: Postfix accepts mail and passes it to
//! Dovecot's LMTP server; Dovecot keeps maildirs and serves IMAP.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::system::{Installation, System, user};

const SMTP_PORT: u16 = 24_525;
const IMAP_PORT: u16 = 24_143;

/// The first missing requirement.
pub(crate) fn missing() -> Option<&'static str> {
    [
        "/usr/sbin/postfix",
        "/usr/sbin/dovecot",
        "/usr/lib/dovecot/lmtp",
    ]
    .into_iter()
    .find(|path| !Path::new(path).exists())
}

/// Both running; dropping it stops them.
pub(crate) struct Running(Peers);

/// Both set up.
#[derive(Clone)]
pub(crate) struct Peers {
    folder: PathBuf,
}

impl Installation for Peers {
    fn start(&self) -> Result<Box<dyn System>> {
        run(Command::new("dovecot")
            .arg("-c")
            .arg(self.path("dovecot.conf")))?;
        let running = Running(self.clone());
        run(Command::new("postfix")
            .arg("-c")
            .arg(self.path("postfix/etc"))
            .arg("start"))?;
        Ok(Box::new(running))
    }

    fn interrupted(&self) -> Box<dyn Fn() + Send> {
        let peers = self.clone();
        Box::new(move || peers.stop())
    }
}

impl Peers {
    /// Sets them up; needs root, as they change their users.
    pub(crate) fn install(folder: &Path, sink: u16) -> Result<Self> {
        let folder = folder.join("peers");
        for path in [
            "",
            "mail",
            "postfix",
            "postfix/etc",
            "postfix/spool",
            "postfix/data",
        ] {
            std::fs::create_dir_all(folder.join(path))?;
        }
        // Their unprivileged processes must pass the temporary folder.
        for path in folder.ancestors().take(2) {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
        }
        let peers = Self { folder };
        run(Command::new("chown")
            .arg("mail:mail")
            .arg(peers.path("mail")))?;
        run(Command::new("chown")
            .arg("postfix")
            .arg(peers.path("postfix/data")))?;
        std::fs::write(peers.path("dovecot.conf"), peers.dovecot_settings())?;
        std::fs::write(
            peers.path("postfix/etc/main.cf"),
            peers.postfix_settings(sink),
        )?;
        std::fs::write(peers.path("postfix/etc/master.cf"), POSTFIX_SERVICES)?;
        Ok(peers)
    }

    /// Stops running processes.
    fn stop(&self) {
        let _ = Command::new("postfix")
            .arg("-c")
            .arg(self.path("postfix/etc"))
            .arg("stop")
            .status();
        let _ = Command::new("doveadm")
            .arg("-c")
            .arg(self.path("dovecot.conf"))
            .arg("stop")
            .status();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn dovecot_settings(&self) -> String {
        let folder = self.folder.display();
        format!(
            r"base_dir = {folder}/dovecot
state_dir = {folder}/dovecot-state
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
first_valid_uid = 1
mail_max_userip_connections = 1000
passdb {{
  driver = static
  args = password=pw
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%n allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    port = {IMAP_PORT}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener {folder}/lmtp {{
    mode = 0600
    user = postfix
  }}
}}
"
        )
    }

    fn postfix_settings(&self, sink: u16) -> String {
        let folder = self.folder.display();
        format!(
            "compatibility_level = 3.6
queue_directory = {folder}/postfix/spool
data_directory = {folder}/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.bench.test
mydestination =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks reject
smtpd_client_connection_count_limit = 0
mailbox_size_limit = 0
message_size_limit = 52428800
virtual_mailbox_domains = bench.test
virtual_transport = lmtp:unix:{folder}/lmtp
transport_maps = inline:{{ {{ discard.test = discard: }}, {{ relay.test = smtp:[127.0.0.1]:{sink} }} }}
"
        )
    }
}

/// Postfix's default services, without chroot, with our listener.
const POSTFIX_SERVICES: &str = "\
127.0.0.1:24525 inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

impl System for Running {
    fn name(&self) -> &'static str {
        "Postfix + Dovecot"
    }

    fn smtp_port(&self) -> u16 {
        SMTP_PORT
    }

    /// One process for each.
    fn max_connections(&self) -> usize {
        100
    }

    fn imap_port(&self) -> u16 {
        IMAP_PORT
    }

    fn roots(&self) -> Vec<u32> {
        ["postfix/spool/pid/master.pid", "dovecot/master.pid"]
            .into_iter()
            .filter_map(|name| std::fs::read_to_string(self.0.path(name)).ok())
            .filter_map(|text| text.trim().parse().ok())
            .collect()
    }

    fn queued(&self) -> Result<usize> {
        let mut messages = 0;
        for queue in ["incoming", "active", "deferred"] {
            messages += files_below(&self.0.path("postfix/spool").join(queue));
        }
        Ok(messages)
    }

    fn delivered(&self, number: usize) -> Result<usize> {
        let name = user(number);
        let local = name.split('@').next().context("an address has an @")?;
        let maildir = self.0.path("mail").join(local).join("Maildir");
        Ok(files_below(&maildir.join("new")) + files_below(&maildir.join("cur")))
    }

    fn database_size(&self) -> Result<Option<u64>> {
        Ok(None)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&entry.path()),
            Ok(_) => 1,
            Err(_) => 0,
        })
        .sum()
}

/// Daemons keep inherited descriptors open: they get no pipes.
fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("{command:?} does not run"))?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(())
}
