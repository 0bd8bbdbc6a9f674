//! Options with assumptions about the world.

use administration::explain::Assumption;
use rules::Assumptions;

use crate::failure::Failure;

/// Options with assumptions about the world around a session.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Assumptions")]
pub(super) struct AssumptionOptions {
    /// The client speaks too early: greeting, hello or no
    #[arg(long, value_name = "WHEN")]
    early: Option<String>,
    /// DNS list with the client's address, LIST or LIST/ANSWER, or none; may be repeated
    #[arg(long, value_name = "LIST")]
    listed: Vec<String>,
    /// Free space of the mail volume, such as '500 MiB'; default: that of the running system
    #[arg(long, value_name = "SIZE")]
    free: Option<String>,
    /// DNS standing of the sender's domain: usable, null-mx, missing, unusable or unknown
    #[arg(long, value_name = "STANDING")]
    sender_domain: Option<String>,
    /// Used-up rate: connections, messages or recipients; may be repeated
    #[arg(long, value_name = "RATE")]
    used_up: Vec<String>,
    /// State of the client, the sender and the recipients in greylisting: new or known
    #[arg(long, value_name = "WHO")]
    visitor: Option<String>,
    /// Result of reverse DNS, such as fail
    #[arg(long, value_name = "RESULT")]
    iprev: Option<String>,
    /// SPF result of the name in EHLO
    #[arg(long, value_name = "RESULT")]
    spf_helo: Option<String>,
    /// SPF result, such as fail or softfail:a@x.test
    #[arg(long, value_name = "RESULT")]
    spf: Option<String>,
    /// DKIM result, such as none or pass:x.test
    #[arg(long, value_name = "RESULT")]
    dkim: Option<String>,
    /// DMARC result and the domain's request, such as fail/reject
    #[arg(long, value_name = "RESULT")]
    dmarc: Option<String>,
    /// ARC result and the last sealer, such as pass:lists.test
    #[arg(long, value_name = "RESULT")]
    arc: Option<String>,
    /// Name of an attachment, or none or unclear; may be repeated
    #[arg(long, value_name = "NAME", conflicts_with = "message")]
    attachment: Vec<String>,
    /// Media type of an attachment; may be repeated
    #[arg(long, value_name = "TYPE", conflicts_with = "message")]
    attachment_type: Vec<String>,
    /// Address in the From field, or none; may be repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with = "message")]
    author: Vec<String>,
}

impl AssumptionOptions {
    pub(super) fn assumptions(&self) -> Result<Vec<Assumption>, Failure> {
        let mut told = Vec::new();
        let options = [
            ("early", "early", one(&self.early)),
            ("listed", "listed", &self.listed),
            ("free", "free", one(&self.free)),
            ("sender-domain", "sender-domain", one(&self.sender_domain)),
            ("visitor", "visitor", one(&self.visitor)),
            ("iprev", "iprev", one(&self.iprev)),
            ("spf-helo", "helo", one(&self.spf_helo)),
            ("spf", "spf", one(&self.spf)),
            ("dkim", "dkim", one(&self.dkim)),
            ("dmarc", "dmarc", one(&self.dmarc)),
            ("arc", "arc", one(&self.arc)),
            ("attachment", "attachment", &self.attachment),
            ("attachment-type", "type", &self.attachment_type),
            ("author", "from", &self.author),
        ];
        for (option, name, values) in options {
            for value in values {
                told.push(assumption(option, name, value)?);
            }
        }
        for rate in &self.used_up {
            if !["connections", "messages", "recipients"].contains(&rate.as_str()) {
                let reason = "it can be connections, messages or recipients";
                return Err(Failure::Usage(format!("--used-up: `{rate}`: {reason}")));
            }
            told.push(assumption("used-up", rate, "used-up")?);
        }
        Ok(told)
    }
}

/// The value of an option, if valid.
fn assumption(option: &str, name: &str, value: &str) -> Result<Assumption, Failure> {
    let told = Assumptions::default().set(name, value);
    told.map_err(|reason| Failure::Usage(format!("--{option}: {reason}")))?;
    Ok(Assumption {
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

fn one(option: &Option<String>) -> &[String] {
    option.as_slice()
}
