//! Where the system is that a command speaks to.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use api::directory::v1::directory_client::DirectoryClient;
use api::grpc::Channel;
use api::policy::v1::policy_client::PolicyClient;
use api::queue::v1::GetFreeSpaceRequest;
use api::queue::v1::quarantine_client::QuarantineClient;
use api::queue::v1::queue_client::QueueClient;
use api::queue::v1::refusals_client::RefusalsClient;
use api::queue::v1::storage_client::StorageClient;
use rules::{InterfaceSetting, ListenerClass, ListenerRole};
use serde::Deserialize;
use service_kit::config::InternalTlsConfig;
use service_kit::survey::{self, Condition};
use service_kit::{Endpoint, Patience, open_channel_within};

use crate::failure::Failure;

/// Lists of a thousand messages with their recipients are the largest answers.
const ANSWER_LIMIT: usize = 64 << 20;

/// What the SMTP server waits for the DNS where its configuration does not say.
const DNS_TIMEOUT: u64 = 10;

/// How long a process may take for the answer to a question.
const QUESTION: Duration = Duration::from_secs(10);

/// How long it may take to look through all that it has.
const SEARCH: Duration = Duration::from_secs(60);

/// How long a process may give no sign of life, whatever it was asked.
const SILENCE: Duration = Duration::from_secs(10);

/// What a process is asked for, and with it how long that may take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    /// Something that it knows.
    Question,
    /// Something that it looks for, perhaps among millions.
    Search,
    /// To do something that takes as long as it takes.
    Work,
}

/// A running system: the services' endpoints.
#[derive(Debug)]
pub(crate) struct System {
    queue: String,
    mailbox_store: String,
    internal_tls: Option<InternalTlsConfig>,
    /// See [`SILENCE`].
    silence: Duration,
    /// Every process and where it answers for its health, as far as the configuration says.
    processes: Vec<Process>,
    pub(crate) hostname: String,
    /// The SMTP server's listeners, as far as the configuration says.
    listeners: Vec<SmtpListener>,
    /// The classes of interfaces that the SMTP server's configuration sets.
    pub(crate) interfaces: Vec<InterfaceSetting>,
    /// The resolver that the SMTP server asks; those of the system where it names none.
    pub(crate) resolver: Option<SocketAddr>,
    /// Seconds that the SMTP server waits for the DNS.
    pub(crate) dns_timeout: u64,
}

/// What is read of the section `[smtp-server]`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SmtpServer {
    #[serde(default)]
    listener: Vec<SmtpListener>,
    #[serde(default)]
    interface: Vec<InterfaceSetting>,
    resolver: Option<SocketAddr>,
    dns_timeout_seconds: Option<u64>,
}

/// What is read of one of its listeners.
#[derive(Debug, Deserialize)]
struct SmtpListener {
    address: Option<String>,
    name: Option<String>,
    #[serde(default)]
    class: ListenerClass,
    #[serde(default)]
    role: ListenerRole,
    tls: Option<String>,
}

impl SmtpListener {
    /// What it is called in rules: by its address unless it has a name.
    fn name(&self) -> Option<&str> {
        self.name.as_deref().or(self.address.as_deref())
    }
}

/// A process of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) endpoint: String,
    /// The configuration says only where it listens on its own machine, which may be another than this.
    pub(crate) perhaps_elsewhere: bool,
}

/// The sections of `postern.toml` that are processes, in the order of a message's walk.
const PROCESSES: [&str; 8] = [
    "smtp-server",
    "queue",
    "delivery",
    "mailbox-store",
    "imap",
    "pop3",
    "collector",
    "console",
];

impl System {
    /// Finds the system by a configuration file, else by its data folder.
    pub(crate) fn find(data: &Path, config: Option<&Path>) -> Result<Self, Failure> {
        let (file, required) = match config {
            Some(file) => (file.to_owned(), true),
            None => (data.join("postern.toml"), false),
        };
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => {
                String::new()
            }
            Err(error) => {
                let reason = format!("{} cannot be read: {error}", file.display());
                return Err(Failure::Usage(reason));
            }
        };
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::read_in(&text, data, folder, |name| std::env::var(name).ok())
            .map_err(|reason| Failure::Usage(format!("{}: {reason}", file.display())))
    }

    /// The same of a file in the data folder.
    #[cfg(test)]
    pub(crate) fn read(
        text: &str,
        data: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        Self::read_in(text, data, data, environment)
    }

    /// A configuration's text; what it does not say is where `postern up` puts it. Paths are relative
    /// to `folder`, that of the file.
    fn read_in(
        text: &str,
        data: &Path,
        folder: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|error| format!("{error}"))?;
        let value = |section: &str, key: &str| {
            let value = table.get(section)?.get(key)?.as_str()?;
            Some(value.to_owned())
        };
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (data, folder) = (absolute(data), absolute(folder));
        let located = |endpoint: String| match endpoint.strip_prefix("unix:") {
            Some(path) => format!("unix:{}", folder.join(path).display()),
            None => endpoint,
        };
        let socket =
            |name: &str| format!("unix:{}", data.join(format!("run/{name}.sock")).display());
        let endpoint = |key: &str, variable: &str| {
            environment(variable)
                .or_else(|| value("endpoints", key))
                .map(located)
                .unwrap_or_else(|| socket(key))
        };
        let path = |key: &str| value("internal-tls", key).map(|path| folder.join(path));
        let internal_tls = match (path("ca"), path("certificate"), path("key")) {
            (Some(ca), Some(certificate), Some(key)) => Some(InternalTlsConfig {
                ca,
                certificate,
                key,
            }),
            _ => None,
        };
        let queue = endpoint("queue", "POSTERN_ENDPOINTS__QUEUE");
        let setting = |section: &str, key: &str| {
            environment(&variable(section, key)).or_else(|| value(section, key))
        };
        // On one machine the services meet on Unix sockets.
        let one_machine = queue.starts_with("unix:");
        let processes = PROCESSES
            .iter()
            .filter_map(|name| {
                if let Some(endpoint) = setting("endpoints", name).map(located) {
                    return Some(Process::found_at(name, endpoint));
                }
                let own = setting(name, "health")
                    .or_else(|| setting(name, "listen"))
                    .map(located)?;
                Some(Process {
                    perhaps_elsewhere: !one_machine,
                    ..Process::found_at(name, on_loopback(own))
                })
            })
            .collect();
        let smtp_server: SmtpServer = match table.get("smtp-server") {
            Some(section) => section.clone().try_into().map_err(|e| format!("{e}"))?,
            None => SmtpServer::default(),
        };
        let hostname = table.get("hostname").and_then(toml::Value::as_str);
        Ok(Self {
            queue,
            mailbox_store: endpoint("mailbox-store", "POSTERN_ENDPOINTS__MAILBOX_STORE"),
            internal_tls,
            silence: SILENCE,
            processes,
            listeners: smtp_server.listener,
            interfaces: smtp_server.interface,
            resolver: smtp_server.resolver,
            dns_timeout: smtp_server.dns_timeout_seconds.unwrap_or(DNS_TIMEOUT),
            hostname: hostname.map_or_else(machine_name, str::to_owned),
        })
    }

    /// Where other servers bring mail, if the configuration says: the first listener for them that
    /// begins without TLS.
    pub(crate) fn smtp(&self) -> Option<SocketAddr> {
        let plain = self.listeners.iter().find(|listener| {
            listener.role == ListenerRole::Mx && listener.tls.as_deref() != Some("implicit")
        });
        plain?.address.as_ref()?.parse().ok()
    }

    /// For whom the SMTP server's listener of this name is, if the configuration has it.
    pub(crate) fn role_of(&self, listener: &str) -> Option<ListenerRole> {
        let named = |known: &&SmtpListener| known.name() == Some(listener);
        Some(self.listeners.iter().find(named)?.role)
    }

    /// The class of the SMTP server's listener of this name, if the configuration has it.
    pub(crate) fn class_of(&self, listener: &str) -> Option<ListenerClass> {
        let named = |known: &&SmtpListener| known.name() == Some(listener);
        Some(self.listeners.iter().find(named)?.class)
    }

    pub(crate) fn queue_channel(&self, asked: Asked) -> Result<Channel, Failure> {
        self.channel(&self.queue, asked)
    }

    pub(crate) fn queue(&self, asked: Asked) -> Result<QueueClient<Channel>, Failure> {
        let channel = self.queue_channel(asked)?;
        Ok(QueueClient::new(channel).max_decoding_message_size(ANSWER_LIMIT))
    }

    pub(crate) fn quarantine(&self) -> Result<QuarantineClient<Channel>, Failure> {
        let channel = self.queue_channel(Asked::Search)?;
        Ok(QuarantineClient::new(channel).max_decoding_message_size(ANSWER_LIMIT))
    }

    /// Free octets where mail is stored, where the queue knows.
    pub(crate) async fn free_space(&self) -> Result<Option<u64>, Failure> {
        let answer = StorageClient::new(self.queue_channel(Asked::Question)?)
            .get_free_space(GetFreeSpaceRequest {})
            .await;
        let answer = answer.map_err(|status| Failure::call("queue", &status))?;
        Ok(answer.into_inner().free_octets)
    }

    pub(crate) fn refusals(&self) -> Result<RefusalsClient<Channel>, Failure> {
        let channel = self.queue_channel(Asked::Search)?;
        Ok(RefusalsClient::new(channel).max_decoding_message_size(ANSWER_LIMIT))
    }

    pub(crate) fn policy(&self, asked: Asked) -> Result<PolicyClient<Channel>, Failure> {
        let client = PolicyClient::new(self.queue_channel(asked)?);
        Ok(client
            .max_decoding_message_size(ANSWER_LIMIT)
            .max_encoding_message_size(ANSWER_LIMIT))
    }

    pub(crate) fn collection(
        &self,
    ) -> Result<api::collection::v1::collection_client::CollectionClient<Channel>, Failure> {
        let channel = self.queue_channel(Asked::Question)?;
        Ok(api::collection::v1::collection_client::CollectionClient::new(channel))
    }

    pub(crate) fn directory(&self, asked: Asked) -> Result<DirectoryClient<Channel>, Failure> {
        let channel = self.channel(&self.mailbox_store, asked)?;
        Ok(DirectoryClient::new(channel).max_decoding_message_size(ANSWER_LIMIT))
    }

    /// All replicas of the queue, as far as its name tells them apart.
    pub(crate) async fn queues(&self) -> Result<Vec<QueueClient<Channel>>, Failure> {
        let endpoint = parsed(&self.queue)?;
        let patience = self.patience(Asked::Question);
        let tls = self.internal_tls.as_ref();
        let channels = survey::open_channels_within(&endpoint, tls, patience).await;
        let channels = channels.map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(channels.into_iter().map(QueueClient::new).collect())
    }

    fn channel(&self, endpoint: &str, asked: Asked) -> Result<Channel, Failure> {
        let endpoint = parsed(endpoint)?;
        open_channel_within(&endpoint, self.internal_tls.as_ref(), self.patience(asked))
            .map_err(|error| Failure::Usage(format!("{error}")))
    }

    fn patience(&self, asked: Asked) -> Patience {
        Patience {
            answer: match asked {
                Asked::Question => Some(QUESTION),
                Asked::Search => Some(SEARCH),
                Asked::Work => None,
            },
            silence: self.silence,
        }
    }

    /// The processes that the configuration names; the two that every system has, without one.
    pub(crate) fn processes(&self) -> Vec<Process> {
        if !self.processes.is_empty() {
            return self.processes.clone();
        }
        [
            ("queue", &self.queue),
            ("mailbox-store", &self.mailbox_store),
        ]
        .map(|(name, endpoint)| Process::found_at(name, endpoint.clone()))
        .to_vec()
    }

    /// Asks a process, or all its replicas, for its health. At least one answer.
    pub(crate) async fn health(&self, process: &Process) -> Vec<Condition> {
        let endpoint: Endpoint = match process.endpoint.parse() {
            Ok(endpoint) => endpoint,
            Err(error) => return vec![Condition::Unreachable(format!("{error}"))],
        };
        let found = survey::survey(&process.name, &endpoint, self.internal_tls.as_ref()).await;
        let seen = |condition| match condition {
            Condition::Down(_) if process.perhaps_elsewhere => {
                Condition::Unreachable(format!("nobody answers at {endpoint} on this machine"))
            }
            other => other,
        };
        found.into_iter().map(seen).collect()
    }
}

impl Process {
    /// One that clients find at this endpoint.
    fn found_at(name: &str, endpoint: String) -> Self {
        Self {
            name: name.to_owned(),
            endpoint,
            perhaps_elsewhere: false,
        }
    }
}

/// `POSTERN_SMTP_SERVER__HEALTH` is `smtp-server.health`.
fn variable(section: &str, key: &str) -> String {
    format!("POSTERN_{section}__{key}")
        .replace('-', "_")
        .to_ascii_uppercase()
}

/// Who listens on all addresses is asked on the loopback.
fn on_loopback(listen: String) -> String {
    match listen.parse() {
        Ok(Endpoint::Tcp { host, port }) if matches!(host.as_str(), "0.0.0.0" | "::") => {
            format!("https://localhost:{port}")
        }
        _ => listen,
    }
}

fn parsed(endpoint: &str) -> Result<Endpoint, Failure> {
    endpoint
        .parse()
        .map_err(|error| Failure::Usage(format!("{error}")))
}

fn machine_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> System {
        System::read(text, Path::new("/srv/mail"), |name| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
        .unwrap()
    }

    #[test]
    fn without_configuration_the_sockets_are_where_up_puts_them() {
        let system = read("", &[]);
        assert_eq!(system.queue, "unix:/srv/mail/run/queue.sock");
        assert_eq!(
            system.mailbox_store,
            "unix:/srv/mail/run/mailbox-store.sock"
        );
        assert_eq!(system.processes().len(), 2);
    }

    #[test]
    fn a_configuration_says_where_everything_is() {
        let system = read(
            "hostname = \"mail.example.test\"\n\
             [endpoints]\nqueue = \"https://queue:7101\"\n\
             [internal-tls]\nca = \"ca\"\ncertificate = \"c\"\nkey = \"k\"\n\
             [imap]\nhealth = \"unix:/run/imap.sock\"\n\
             [queue]\nlisten = \"0.0.0.0:7101\"\n",
            &[],
        );
        assert_eq!(system.queue, "https://queue:7101");
        assert_eq!(system.hostname, "mail.example.test");
        assert!(system.internal_tls.is_some());
        let processes = system.processes();
        let found: Vec<_> = processes
            .iter()
            .map(|one| (&*one.name, &*one.endpoint, one.perhaps_elsewhere))
            .collect();
        // That socket is on imap's own machine.
        assert_eq!(
            found,
            [
                ("queue", "https://queue:7101", false),
                ("imap", "unix:/run/imap.sock", true)
            ]
        );
    }

    #[test]
    fn each_process_is_asked_where_clients_find_it() {
        let text = "[endpoints]\nqueue = \"https://queue:7101\"\n\
                    [smtp-server]\nhealth = \"unix:/run/health.sock\"\n\
                    [pop3]\nhealth = \"0.0.0.0:7100\"\n\
                    [delivery]\nhealth = \"unix:/run/health.sock\"\n";
        let environment = [
            ("POSTERN_ENDPOINTS__DELIVERY", "https://delivery:7100"),
            ("POSTERN_SMTP_SERVER__HEALTH", "unix:/other.sock"),
        ];
        let processes = read(text, &environment).processes();
        let found: Vec<_> = processes
            .iter()
            .map(|one| (&*one.name, &*one.endpoint, one.perhaps_elsewhere))
            .collect();
        assert_eq!(
            found,
            [
                ("smtp-server", "unix:/other.sock", true),
                ("queue", "https://queue:7101", false),
                ("delivery", "https://delivery:7100", false),
                ("pop3", "https://localhost:7100", true),
            ]
        );
    }

    #[test]
    fn on_one_machine_nobody_is_elsewhere() {
        let text = "[endpoints]\nqueue = \"unix:/run/queue.sock\"\n\
                    [imap]\nhealth = \"unix:/run/imap.sock\"\n";
        let processes = read(text, &[]).processes();
        assert!(processes.iter().all(|one| !one.perhaps_elsewhere));
    }

    #[test]
    fn the_listener_for_other_servers_is_found() {
        let system = read(
            "[[smtp-server.listener]]\naddress = \"0.0.0.0:2587\"\nrole = \"submission\"\n\
             [[smtp-server.listener]]\naddress = \"0.0.0.0:2025\"\ntls = \"starttls\"\n",
            &[],
        );
        assert_eq!(system.smtp(), Some("0.0.0.0:2025".parse().unwrap()));
        assert_eq!(read("", &[]).smtp(), None);
    }

    #[test]
    fn a_listener_is_known_by_its_name_or_else_its_address() {
        let system = read(
            "[[smtp-server.listener]]\naddress = \"0.0.0.0:2587\"\nrole = \"submission\"\n\
             [[smtp-server.listener]]\naddress = \"0.0.0.0:2465\"\nname = \"office\"\n\
             role = \"submission\"\n\
             [[smtp-server.listener]]\naddress = \"0.0.0.0:2025\"\nname = \"mx\"\n",
            &[],
        );
        let submission = Some(ListenerRole::Submission);
        assert_eq!(system.role_of("0.0.0.0:2587"), submission);
        assert_eq!(system.role_of("office"), submission);
        assert_eq!(system.role_of("mx"), Some(ListenerRole::Mx));
        assert_eq!(system.role_of("0.0.0.0:2025"), None);
        assert_eq!(read("", &[]).role_of("mx"), None);
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let environment = [("POSTERN_ENDPOINTS__QUEUE", "unix:/other.sock")];
        let system = read("[endpoints]\nqueue = \"https://queue:7101\"", &environment);
        assert_eq!(system.queue, "unix:/other.sock");
    }

    #[test]
    fn a_named_configuration_must_be_there() {
        let missing = Path::new("/nonexistent/postern.toml");
        let failure = System::find(Path::new("/srv/mail"), Some(missing)).unwrap_err();
        assert_eq!(failure.code(), 2);
        assert!(failure.to_string().contains("/nonexistent/postern.toml"));
    }

    #[tokio::test]
    async fn a_process_that_hangs_is_named_whatever_it_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("run")).unwrap();
        let mut system = System::read("", folder.path(), |_| None).unwrap();
        system.silence = Duration::from_millis(200);
        // As of a process that is stopped: the kernel connects, and nobody reads.
        let _hangs = std::os::unix::net::UnixListener::bind(folder.path().join("run/queue.sock"));
        for asked in [Asked::Question, Asked::Work] {
            let mut queue = system.queue(asked).unwrap();
            let answer = queue.get_statistics(api::queue::v1::GetStatisticsRequest {});
            let failure = Failure::call("the queue", &answer.await.unwrap_err());
            assert!(
                failure.to_string().starts_with("the queue does not answer"),
                "{failure}"
            );
            assert_eq!(failure.code(), 3);
        }
    }
}
