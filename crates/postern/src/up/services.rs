//! The services: names, order, listeners.

/// The order of starting and stopping. Services with state start first and stop last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    Queue,
    MailboxStore,
    Delivery,
    FrontEnd,
}

/// One service program.
#[derive(Debug)]
pub(super) struct Kind {
    /// Its section in `postern.toml`; its program is `postern-NAME`.
    pub(super) name: &'static str,
    pub(super) tier: Tier,
    /// Listeners for mail clients and servers.
    pub(super) listeners: &'static [Listener],
}

/// A public listener.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) title: &'static str,
    pub(super) port: u16,
    pub(super) role: Option<&'static str>,
    pub(super) tls: &'static str,
}

const fn listener(
    title: &'static str,
    port: u16,
    role: Option<&'static str>,
    tls: &'static str,
) -> Listener {
    Listener {
        title,
        port,
        role,
        tls,
    }
}

/// All services, in the order of starting.
pub(super) const SERVICES: &[Kind] = &[
    Kind {
        name: "queue",
        tier: Tier::Queue,
        listeners: &[],
    },
    Kind {
        name: "mailbox-store",
        tier: Tier::MailboxStore,
        listeners: &[],
    },
    Kind {
        name: "delivery",
        tier: Tier::Delivery,
        listeners: &[],
    },
    Kind {
        name: "smtp-server",
        tier: Tier::FrontEnd,
        listeners: &[
            listener("SMTP", 25, Some("mx"), "starttls"),
            listener("Submission", 587, Some("submission"), "starttls"),
            listener("Submission over TLS", 465, Some("submission"), "implicit"),
        ],
    },
    Kind {
        name: "imap",
        tier: Tier::FrontEnd,
        listeners: &[
            listener("IMAP", 143, None, "starttls"),
            listener("IMAP over TLS", 993, None, "implicit"),
        ],
    },
    Kind {
        name: "pop3",
        tier: Tier::FrontEnd,
        listeners: &[
            listener("POP3", 110, None, "starttls"),
            listener("POP3 over TLS", 995, None, "implicit"),
        ],
    },
    Kind {
        name: "collector",
        tier: Tier::FrontEnd,
        listeners: &[],
    },
];

/// The order of stopping: a service keeps the others that it needs for its drain.
pub(super) const STOP_ORDER: [Tier; 4] = [
    Tier::FrontEnd,
    Tier::Delivery,
    Tier::MailboxStore,
    Tier::Queue,
];
