//! Postfix without its installation: `master` in the foreground, with a queue of its own.

use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use super::{ACCOUNT, ACCOUNT_ID, MAX_SIZE, owned_folder, program, unpacked};

/// Its `setgid_group`: any group without members.
const GROUP: &str = "mail";
const GROUP_ID: u32 = 8;

/// Services and process limits; the rest of each line is the same.
const SERVICES: &str = "\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

pub(super) fn command(folder: &Path, port: u16, relay: SocketAddr) -> Command {
    make_queue(&folder.join("queue"));
    owned_folder(&folder.join("data"), 0o700);
    let settings = folder.join("settings");
    std::fs::create_dir(&settings).unwrap();
    std::fs::write(settings.join("main.cf"), main(folder, relay)).unwrap();
    let smtpd = format!("127.0.0.1:{port} inet n - n - - smtpd\n");
    std::fs::write(settings.join("master.cf"), smtpd + SERVICES).unwrap();
    std::fs::write(settings.join("dynamicmaps.cf"), "").unwrap();
    let mut command = program("usr/lib/postfix/sbin/master");
    command.arg("-c").arg(&settings).arg("-d");
    command.env("MAIL_CONFIG", settings);
    command
}

/// As `postfix check` would create it.
fn make_queue(queue: &Path) {
    std::fs::create_dir(queue).unwrap();
    std::fs::create_dir(queue.join("pid")).unwrap();
    let own = [
        "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
        "saved", "trace",
    ];
    for name in own {
        owned_folder(&queue.join(name), 0o700);
    }
    for (name, mode) in [("maildrop", 0o1730), ("public", 0o710)] {
        let path = queue.join(name);
        std::fs::create_dir(&path).unwrap();
        chown(&path, Some(ACCOUNT_ID), Some(GROUP_ID)).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
}

fn main(folder: &Path, relay: SocketAddr) -> String {
    let (folder, root) = (folder.display(), unpacked());
    let root = root.display();
    format!(
        "compatibility_level = 3.6\n\
         queue_directory = {folder}/queue\n\
         data_directory = {folder}/data\n\
         command_directory = {root}/usr/sbin\n\
         daemon_directory = {root}/usr/lib/postfix/sbin\n\
         shlib_directory = {root}/usr/lib/postfix\n\
         meta_directory = {folder}/settings\n\
         mail_owner = {ACCOUNT}\n\
         setgid_group = {GROUP}\n\
         default_privs = nobody\n\
         maillog_file = {folder}/log\n\
         maillog_file_prefixes = {folder}\n\
         import_environment = MAIL_CONFIG MAIL_LOGTAG LD_LIBRARY_PATH\n\
         export_environment = LD_LIBRARY_PATH\n\
         inet_interfaces = 127.0.0.1\n\
         inet_protocols = ipv4\n\
         myhostname = postfix.peer.test\n\
         mydestination =\n\
         alias_maps =\n\
         alias_database =\n\
         mynetworks = 127.0.0.0/8\n\
         smtpd_peername_lookup = no\n\
         virtual_mailbox_domains = peer.test\n\
         virtual_mailbox_maps = inline:{{{{bob@peer.test = bob/}},{{jörg@peer.test = jörg/}}}}\n\
         virtual_mailbox_base = {folder}/mail\n\
         virtual_minimum_uid = {ACCOUNT_ID}\n\
         virtual_uid_maps = static:{ACCOUNT_ID}\n\
         virtual_gid_maps = static:{ACCOUNT_ID}\n\
         message_size_limit = {MAX_SIZE}\n\
         virtual_mailbox_limit = 0\n\
         smtpd_tls_security_level = may\n\
         smtpd_tls_cert_file = {folder}/certificate.pem\n\
         smtpd_tls_key_file = {folder}/key.pem\n\
         smtpd_tls_received_header = yes\n\
         relayhost = [{host}]:{port}\n\
         smtp_tls_security_level = encrypt\n\
         smtp_tls_loglevel = 1\n",
        host = relay.ip(),
        port = relay.port(),
    )
}
