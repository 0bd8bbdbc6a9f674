//! What is known besides the session, by options.

use administration::explain::Circumstance;
use rules::Circumstances;

use crate::failure::Failure;

/// Options that tell of the world around a session.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "What is known besides")]
pub(super) struct Told {
    /// When the client speaks before its turn: greeting, hello or no
    #[arg(long, value_name = "WHEN")]
    early: Option<String>,
    /// DNS list that has the client's address, LIST or LIST/ANSWER, or none; may be repeated
    #[arg(long, value_name = "LIST")]
    listed: Vec<String>,
    /// What is free where mail is stored, such as '500 MiB'; the running system is asked unless given
    #[arg(long, value_name = "SIZE")]
    free: Option<String>,
    /// What the DNS says of the sender's domain: usable, null-mx, missing, unusable or unknown
    #[arg(long, value_name = "STANDING")]
    sender_domain: Option<String>,
    /// Rate that is used up: connections, messages or recipients; may be repeated
    #[arg(long, value_name = "RATE")]
    used_up: Vec<String>,
    /// What greylisting knows of the client, the sender and the recipients: new or known
    #[arg(long, value_name = "WHO")]
    visitor: Option<String>,
    /// Result of reverse DNS, such as fail
    #[arg(long, value_name = "RESULT")]
    iprev: Option<String>,
    /// Result of SPF of the name in EHLO
    #[arg(long, value_name = "RESULT")]
    spf_helo: Option<String>,
    /// Result of SPF, such as fail or softfail:a@x.test
    #[arg(long, value_name = "RESULT")]
    spf: Option<String>,
    /// Result of DKIM, such as none or pass:x.test
    #[arg(long, value_name = "RESULT")]
    dkim: Option<String>,
    /// Result of DMARC and what the domain asks for, such as fail/reject
    #[arg(long, value_name = "RESULT")]
    dmarc: Option<String>,
    /// Result of ARC and who sealed last, such as pass:lists.test
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

impl Told {
    pub(super) fn circumstances(&self) -> Result<Vec<Circumstance>, Failure> {
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
                told.push(circumstance(option, name, value)?);
            }
        }
        for rate in &self.used_up {
            if !["connections", "messages", "recipients"].contains(&rate.as_str()) {
                let reason = "it can be connections, messages or recipients";
                return Err(Failure::Usage(format!("--used-up: `{rate}`: {reason}")));
            }
            told.push(circumstance("used-up", rate, "used-up")?);
        }
        Ok(told)
    }
}

/// What an option says, if it makes sense.
fn circumstance(option: &str, name: &str, value: &str) -> Result<Circumstance, Failure> {
    let told = Circumstances::default().tell(name, value);
    told.map_err(|reason| Failure::Usage(format!("--{option}: {reason}")))?;
    Ok(Circumstance {
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

fn one(option: &Option<String>) -> &[String] {
    option.as_slice()
}
