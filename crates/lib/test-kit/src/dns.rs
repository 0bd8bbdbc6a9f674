//! A name server on 127.0.0.1 with a table of answers.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{CNAME, MX, PTR};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

/// The answer for a name.
#[derive(Clone, Debug)]
enum Answer {
    Records(Vec<Record>),
    ServerFailure,
    Silence,
}

type Table = Arc<RwLock<HashMap<Name, Answer>>>;

/// The server. It ends when dropped. Names outside the table do not exist (NXDOMAIN).
pub struct FakeDns {
    address: SocketAddr,
    table: Table,
    _server: Server<Handler>,
}

impl std::fmt::Debug for FakeDns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeDns")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl FakeDns {
    /// Starts the server, over UDP and TCP on one port. The table has lines in zone file form:
    /// `example.test MX 10 mx.example.test`, `mx.example.test A 127.0.0.1`, and two kinds of failures:
    /// `broken.test SERVFAIL`, `slow.test SILENCE`. If a name or a parent domain has a SOA record (`test
    /// SOA ns.test. root.test. 1 3600 600 86400 60`), negative answers have a TTL. Empty lines and `# …`
    /// are skipped.
    pub async fn start(zone: &str) -> Self {
        let table = Table::default();
        let (udp, tcp) = same_port().await;
        let address = udp.local_addr().expect("the address of a bound socket");
        let mut server = Server::new(Handler {
            table: Arc::clone(&table),
        });
        server.register_socket(udp);
        server.register_listener(tcp, std::time::Duration::from_secs(5), 4096);
        let dns = Self {
            address,
            table,
            _server: server,
        };
        dns.set(zone);
        dns
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the whole table.
    pub fn set(&self, zone: &str) {
        let mut table = HashMap::new();
        for line in zone
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
        {
            enter(&mut table, line);
        }
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
    }
}

/// Opens UDP and TCP on one port. The system chooses the UDP port, which may be taken for TCP.
async fn same_port() -> (UdpSocket, TcpListener) {
    for _ in 0..50 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("binding a UDP port");
        let address = udp.local_addr().expect("the address of a bound socket");
        if let Ok(tcp) = TcpListener::bind(address).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

fn enter(table: &mut HashMap<Name, Answer>, line: &str) {
    let (name, rest) = line
        .split_once(char::is_whitespace)
        .expect("NAME TYPE DATA");
    let name = absolute(name);
    let (kind, data) = rest
        .trim()
        .split_once(char::is_whitespace)
        .unwrap_or((rest.trim(), ""));
    let answer = match kind {
        "SERVFAIL" => Answer::ServerFailure,
        "SILENCE" => Answer::Silence,
        _ => {
            let record = Record::from_rdata(name.clone(), 60, rdata(kind, data.trim()));
            if let Some(Answer::Records(records)) = table.get_mut(&name) {
                records.push(record);
                return;
            }
            Answer::Records(vec![record])
        }
    };
    table.insert(name, answer);
}

fn absolute(name: &str) -> Name {
    // Labels of the DNS may contain more than those of hosts, such as underscores.
    let labels = name.split('.').filter(|label| !label.is_empty());
    let name = Name::from_labels(labels.map(str::as_bytes)).expect("a domain name");
    let mut name = name.to_lowercase();
    name.set_fqdn(true);
    name
}

fn rdata(kind: &str, data: &str) -> RData {
    let kind = RecordType::from_str(kind).expect("a record type");
    match kind {
        RecordType::MX => {
            let (preference, exchange) = data.split_once(' ').expect("PREFERENCE NAME");
            let preference = preference.parse().expect("a number");
            RData::MX(MX::new(preference, absolute(exchange.trim())))
        }
        RecordType::CNAME => RData::CNAME(CNAME(absolute(data))),
        RecordType::PTR => RData::PTR(PTR(absolute(data))),
        kind => RData::try_from_str(kind, data).expect("record data in zone file form"),
    }
}

#[derive(Debug)]
struct Handler {
    table: Table,
}

impl Handler {
    fn answer(&self, name: &Name) -> Option<Answer> {
        self.table
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// The TTL of a negative answer (RFC 2308 §5).
    fn authority(&self, name: &Name) -> Option<Record> {
        let mut zone = name.clone();
        loop {
            if let Some(Answer::Records(records)) = self.answer(&zone)
                && let Some(soa) = records.iter().find(|r| r.record_type() == RecordType::SOA)
            {
                return Some(soa.clone());
            }
            if zone.is_root() {
                return None;
            }
            zone = zone.base_name();
        }
    }
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = true;
        let unanswered = ResponseInfo::from(Header {
            metadata,
            counts: HeaderCounts::default(),
        });
        let Ok(asked) = request.request_info() else {
            return unanswered;
        };
        let wanted = asked.query.query_type();
        let name = Name::from(asked.query.name());
        let records = match self.answer(&name) {
            Some(Answer::Silence) => return unanswered,
            Some(Answer::ServerFailure) => {
                metadata.response_code = ResponseCode::ServFail;
                Vec::new()
            }
            Some(Answer::Records(records)) => records,
            None => {
                metadata.response_code = ResponseCode::NXDomain;
                Vec::new()
            }
        };
        let fitting = |record: &&Record| {
            [wanted, RecordType::CNAME].contains(&record.record_type()) || wanted == RecordType::ANY
        };
        let answers: Vec<&Record> = records.iter().filter(fitting).collect();
        let absent = answers.is_empty() && metadata.response_code != ResponseCode::ServFail;
        let authority = absent.then(|| self.authority(&name)).flatten();
        let message = MessageResponseBuilder::from_message_request(request).build(
            metadata,
            answers,
            [],
            authority.iter(),
            [],
        );
        response.send_response(message).await.unwrap_or(unanswered)
    }
}
