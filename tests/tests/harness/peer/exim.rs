//! Exim without its installation: its daemon in the foreground, with a spool of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{ACCOUNT, ACCOUNT_ID, MAX_SIZE, library_folders, owned_folder, program, unpacked};

/// The account compiled in by Debian. Exim looks it up before it reads the configured one.
const BUILT_FOR: &str = "Debian-exim";

pub(super) fn command(folder: &Path, port: u16, relay: SocketAddr) -> Command {
    owned_folder(&folder.join("spool"), 0o750);
    owned_folder(&folder.join("log"), 0o755);
    // It reads its key as that account.
    let key = folder.join("key.pem");
    std::os::unix::fs::chown(key, Some(ACCOUNT_ID), None).unwrap();
    let settings = folder.join("settings");
    std::fs::write(&settings, configuration(folder, port, relay)).unwrap();
    let mut command = program("usr/sbin/exim4");
    command.arg("-C").arg(settings).args(["-bdf", "-q1s"]);
    with_account(&mut command, folder);
    command
}

/// Makes the account visible to the program.
fn with_account(command: &mut Command, folder: &Path) {
    let added = |file: &str, line: String| {
        let path = folder.join(Path::new(file).file_name().unwrap());
        std::fs::write(&path, std::fs::read_to_string(file).unwrap() + &line).unwrap();
        path
    };
    let user = format!("{BUILT_FOR}:x:{ACCOUNT_ID}:{ACCOUNT_ID}::/nonexistent:/bin/false\n");
    let group = format!("{BUILT_FOR}:x:{ACCOUNT_ID}:\n");
    let wrapper = library_folders(&unpacked())
        .into_iter()
        .map(|folder| folder.join("libnss_wrapper.so"))
        .find(|library| library.is_file());
    command
        .env("NSS_WRAPPER_PASSWD", added("/etc/passwd", user))
        .env("NSS_WRAPPER_GROUP", added("/etc/group", group))
        .env("LD_PRELOAD", wrapper.unwrap());
}

fn configuration(folder: &Path, port: u16, relay: SocketAddr) -> String {
    let folder = folder.display();
    let program = unpacked().join("usr/sbin/exim4");
    let program = program.display();
    let (host, relay) = (relay.ip(), relay.port());
    format!(
        r#"
exim_user = {ACCOUNT}
exim_group = {ACCOUNT}
exim_path = {program}
deliver_drop_privilege = true
keep_environment = LD_LIBRARY_PATH : LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
pid_file_path = {folder}/spool/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
primary_hostname = exim.peer.test
host_lookup =
rfc1413_hosts =
tls_advertise_hosts = *
tls_certificate = {folder}/certificate.pem
tls_privatekey = {folder}/key.pem
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
message_size_limit = {MAX_SIZE}
acl_smtp_rcpt = recipients
acl_smtp_data = accept
log_selector = +smtp_confirmation +pipelining +received_recipients +tls_cipher

begin acl
recipients:
  deny message = nobody of that name here
       domains = peer.test
       ! local_parts = bob : jörg
  accept

begin routers
ours:
  driver = accept
  domains = peer.test
  transport = mailbox
elsewhere:
  driver = manualroute
  route_list = * {host}::{relay}
  self = send
  transport = smtp

begin transports
mailbox:
  driver = appendfile
  directory = {folder}/mail/${{if eq{{$local_part}}{{bob}}{{bob}}{{jörg}}}}
  maildir_format
  user = {ACCOUNT}
smtp:
  driver = smtp
  hosts_require_tls = *
  tls_verify_hosts =
  tls_try_verify_hosts =

begin retry
* * F,1h,1s
"#
    )
}
