//! The requirements for a token's claims.

use serde_json::{Map, Value};

use crate::compact::Compact;
use crate::{Keys, Refusal};

/// Maximum clock difference in seconds.
const LEEWAY: f64 = 30.0;

/// The claim with a statement whether the issuer has verified it (OpenID Connect Core §5.1).
pub const EMAIL: &str = "email";

/// The requirements for a token.
#[derive(Clone, Debug)]
pub struct Expected {
    /// `iss`, compared exactly.
    pub issuer: String,
    /// One of `aud`.
    pub audience: String,
    /// The claim that names the user.
    pub login_claim: String,
    /// If that claim is [`EMAIL`]: accept it without `email_verified`, because the issuer verifies all
    /// addresses.
    pub email_is_verified: bool,
    /// One of `scope` (RFC 8693 §4.2), or of `scp` if there is no `scope`.
    pub scope: Option<String>,
}

impl Expected {
    /// The user named in the token, if it is valid at `now` (seconds since 1970).
    pub fn check(&self, token: &str, keys: &Keys, now: i64) -> Result<String, Refusal> {
        let compact = Compact::read(token)?;
        keys.verify(&compact)?;
        let claims = compact.claims()?;
        if text(&claims, "iss") != Some(self.issuer.as_str()) {
            return Err(Refusal::Issuer);
        }
        if !words(claims.get("aud"), |text| vec![text]).contains(&self.audience.as_str()) {
            return Err(Refusal::Audience);
        }
        in_time(&claims, now)?;
        self.has_scope(&claims)?;
        self.login(&claims)
    }

    fn has_scope(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        let Some(scope) = &self.scope else {
            return Ok(());
        };
        let given = claims.get("scope").or_else(|| claims.get("scp"));
        let given = words(given, |text| text.split(' ').collect());
        match given.contains(&scope.as_str()) {
            true => Ok(()),
            false => Err(Refusal::Scope),
        }
    }

    fn login(&self, claims: &Map<String, Value>) -> Result<String, Refusal> {
        let claim = &self.login_claim;
        let login = text(claims, claim).filter(|login| {
            !login.is_empty() && !login.contains(|c: char| c.is_control() || c.is_whitespace())
        });
        let login = login.ok_or_else(|| Refusal::NoLogin(claim.clone()))?;
        // OpenID Connect Core §5.1: an unverified address may be another person's.
        let is_verified = match claims.get("email_verified") {
            Some(said) => *said == Value::Bool(true) || *said == "true",
            None => self.email_is_verified,
        };
        if claim == EMAIL && !is_verified {
            return Err(Refusal::NotVerified);
        }
        Ok(login.to_owned())
    }
}

/// `exp` and `nbf` (RFC 7519 §4.1.4, §4.1.5).
fn in_time(claims: &Map<String, Value>, now: i64) -> Result<(), Refusal> {
    // Whole seconds since 1970 are exact in 53 bits.
    let now = now as f64;
    let time = |value: &Value| value.as_f64().ok_or(Refusal::Malformed);
    let expires = claims.get("exp").ok_or(Refusal::NeverExpires)?;
    if now >= time(expires)? + LEEWAY {
        return Err(Refusal::Expired);
    }
    match claims.get("nbf") {
        Some(begins) if now < time(begins)? - LEEWAY => Err(Refusal::NotYetValid),
        _ => Ok(()),
    }
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    claims.get(name)?.as_str()
}

/// A text, or several of them.
fn words<'v>(value: Option<&'v Value>, of_one: fn(&'v str) -> Vec<&'v str>) -> Vec<&'v str> {
    match value {
        Some(Value::String(text)) => of_one(text),
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
