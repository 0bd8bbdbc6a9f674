//! `[[gateway]]`: servers that relay our mail.

use std::net::IpAddr;

use crate::document::read::{Keys, Section};
use crate::values::gateway::{Gateway, GatewayHost, GatewayTls, Login};

pub(crate) struct GatewaySection {
    pub(crate) gateway: Gateway,
    pub(crate) line: usize,
}

const KEYS: Keys = Keys {
    known: &["name", "hosts", "tls", "login"],
    planned: &["limits", "port"],
};

pub(super) const LOGIN: Keys = Keys {
    known: &["user", "secret"],
    planned: &["method"],
};

impl GatewaySection {
    pub(crate) fn read_all(top: &Section<'_, '_>) -> Vec<Self> {
        top.sections("gateway", "[[gateway]]", &KEYS)
            .iter()
            .filter_map(Self::read)
            .collect()
    }

    fn read(section: &Section<'_, '_>) -> Option<Self> {
        section.missing("name", "\"isp\"");
        section.missing("hosts", "[\"smtp.isp.test:587\"]");
        let hosts: Vec<GatewayHost> = section
            .list("hosts", str::parse)
            .into_iter()
            .map(|host| host.value)
            .collect();
        if hosts.is_empty() && section.has("hosts") {
            section.refuse("hosts", "`hosts` needs at least one host");
        }
        let login = read_login(section);
        let tls = section.parsed("tls", |text| match text {
            "none" => Ok(GatewayTls::None),
            "opportunistic" => Ok(GatewayTls::Opportunistic),
            "required" => Ok(GatewayTls::Required),
            _ => Err("it can be \"none\", \"opportunistic\" or \"required\""),
        });
        let tls = tls.unwrap_or(match login {
            Some(_) => GatewayTls::Required,
            None => GatewayTls::Opportunistic,
        });
        if login.is_some() && tls != GatewayTls::Required && !hosts.iter().all(is_loopback) {
            section.refuse(
                "tls",
                "a gateway with a `login` needs `tls = \"required\"`: \
                 the password would go over the net in the clear",
            );
        }
        Some(Self {
            gateway: Gateway {
                name: section.text("name")?.into(),
                hosts,
                tls,
                login,
            },
            line: section.line(),
        })
    }
}

fn is_loopback(host: &GatewayHost) -> bool {
    host.host
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

/// `login = { user = …, secret = … }`
pub(super) fn read_login(section: &Section<'_, '_>) -> Option<Login> {
    let login = section.section("login", "`login`", &LOGIN)?;
    login.missing("user", "user = \"office\"");
    login.missing("secret", "secret = \"isp\"");
    let user = login.text("user")?.to_owned();
    let secret = login.parsed("secret", secret_name)?;
    Some(Login { user, secret })
}

/// The secret names that `policy.v1/SetSecret` accepts.
fn secret_name(text: &str) -> Result<String, &'static str> {
    let fits = text.len() <= 100
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("the name of a secret has letters, digits, `-`, `_` and `.`, at most 100")
    }
}
