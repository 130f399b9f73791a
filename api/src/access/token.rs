//! Tokens of an identity provider (JWT). What a token must be is decided by the settings and
//! by the provider's public keys, never by the token: the algorithm is the one of the key
//! that it names, so neither `none` nor a public key taken for a shared secret gets in.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use pedidos_common::{
    access::Role,
    config::{Jwks, JwtSettings},
    tls,
};
use serde_json::Value;
use tokio::sync::Mutex;

use super::{keyring::LOOK_EVERY, signatures};

/// No token is longer.
const LONGEST: usize = 8 * 1_024;
/// No name is longer.
const LONGEST_NAME: usize = 128;
/// How far the provider's clock may be off, s.
const LEEWAY: u64 = 30;
/// The keys at a URL are asked for this often at most, also when a token names one that is
/// not known: else anybody could make us ask.
const ASK_AT_MOST_EVERY: Duration = Duration::from_secs(30);
/// They are asked for this often at least.
const ASK_EVERY: Duration = Duration::from_mins(15);
/// So long is waited for them.
const TIMEOUT: Duration = Duration::from_secs(5);
/// No set of keys is larger.
const LARGEST: usize = 1 << 20;

/// What a token that is taken says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Whom it was given to: `sub`.
    pub name: String,
    /// What they may do, if it says that.
    pub role: Option<Role>,
}

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The token is at fault.
    Token(String),
    /// The provider's keys are not to be had.
    Provider(String),
}

/// Checks tokens.
pub struct Tokens {
    settings: JwtSettings,
    http: reqwest::Client,
    ask_at_most_every: Duration,
    known: Mutex<Known>,
}

/// The provider's keys, as far as they are known.
#[derive(Default)]
struct Known {
    keys: Arc<Vec<PublicKey>>,
    /// When they were asked for last, and when they came last.
    asked: Option<Instant>,
    came: Option<Instant>,
}

struct PublicKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Tokens {
    /// Reads the keys, if they are in a file. Those at a URL are asked for with the first
    /// token: a provider that is away must not keep the API from starting.
    ///
    /// # Errors
    /// The file is not a set of keys.
    pub fn open(settings: &JwtSettings) -> Result<Self, String> {
        signatures::install();
        // Nobody need be trusted for what is not asked for by TLS.
        let tls = match &settings.keys {
            Jwks::Url(url) if url.starts_with("https://") => tls::client(None, None),
            _ => tls::trusting_nobody(),
        };
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.map_err(|error| format!("JWT_JWKS_URL: {error}"))?)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let mut known = Known::default();
        let mut ask_at_most_every = ASK_AT_MOST_EVERY;
        if let Jwks::File(file) = &settings.keys {
            let text = std::fs::read_to_string(file).map_err(|error| error.to_string());
            let keys = text.and_then(|text| public_keys(text.as_bytes()));
            let named = |error| format!("JWT_JWKS_FILE: {}: {error}", file.display());
            known.keys = Arc::new(keys.map_err(named)?);
            (known.asked, known.came) = (Some(Instant::now()), Some(Instant::now()));
            ask_at_most_every = LOOK_EVERY;
        }
        Ok(Self {
            settings: settings.clone(),
            http: http.map_err(|error| format!("JWT_JWKS_URL: {error}"))?,
            ask_at_most_every,
            known: Mutex::new(known),
        })
    }

    /// Checks a token.
    ///
    /// # Errors
    /// It is not taken.
    pub async fn check(&self, token: &str) -> Result<Bearer, Refused> {
        let wrong = |what: &str| Refused::Token(what.to_owned());
        if token.len() > LONGEST {
            return Err(wrong("the token is longer than 8 KiB"));
        }
        let header = decode_header(token).map_err(|error| Refused::Token(told(error.kind())))?;
        if header.crit.is_some() {
            return Err(wrong("the token has critical headers, and none is understood here"));
        }
        let keys = self.keys(header.kid.as_deref()).await?;
        let key = one_of(&keys, header.kid.as_deref(), header.alg)?;
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        let claims = decode::<Value>(token, &key.key, &validation)
            .map_err(|error| Refused::Token(told(error.kind())))?
            .claims;
        let name = claims["sub"].as_str().unwrap_or_default();
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(wrong("the token's sub is empty, too long, or no text"));
        }
        Ok(Bearer { name: name.to_owned(), role: role(&claims, &self.settings.role_claim) })
    }

    /// The provider's keys, asked for again if this one is not among them.
    async fn keys(&self, wanted: Option<&str>) -> Result<Arc<Vec<PublicKey>>, Refused> {
        let mut known = self.known.lock().await;
        let since = |at: Option<Instant>| at.map_or(Duration::MAX, |at| at.elapsed());
        let is_file = matches!(self.settings.keys, Jwks::File(_));
        let missing = !known.keys.iter().any(|key| key.id.as_deref() == wanted);
        let due = is_file || missing || since(known.came) >= ASK_EVERY;
        if due && since(known.asked) >= self.ask_at_most_every {
            known.asked = Some(Instant::now());
            match self.ask().await {
                Ok(keys) => {
                    known.keys = Arc::new(keys);
                    known.came = Some(Instant::now());
                }
                Err(error) => tracing::error!(error, "the provider's public keys did not come"),
            }
        }
        if known.came.is_none() {
            return Err(Refused::Provider(
                "the identity provider's public keys are not to be had; the log says why"
                    .to_owned(),
            ));
        }
        Ok(Arc::clone(&known.keys))
    }

    async fn ask(&self) -> Result<Vec<PublicKey>, String> {
        match &self.settings.keys {
            Jwks::File(file) => public_keys(&read(file).await?),
            Jwks::Url(url) => {
                let response = self.http.get(url).send().await.map_err(|e| e.to_string())?;
                let mut response = response.error_for_status().map_err(|e| e.to_string())?;
                let mut body = Vec::new();
                while let Some(part) = response.chunk().await.map_err(|e| e.to_string())? {
                    body.extend_from_slice(&part);
                    if body.len() > LARGEST {
                        return Err("a set of keys of more than 1 MiB".to_owned());
                    }
                }
                public_keys(&body)
            }
        }
    }
}

async fn read(file: &Path) -> Result<Vec<u8>, String> {
    tokio::fs::read(file).await.map_err(|error| format!("{}: {error}", file.display()))
}

/// The keys of a set that can sign tokens here; others are none of our business.
fn public_keys(set: &[u8]) -> Result<Vec<PublicKey>, String> {
    let set: Value = serde_json::from_slice(set).map_err(|error| format!("no JSON: {error}"))?;
    let keys = set["keys"].as_array().ok_or("not a JWK set: it has no keys")?;
    let usable = |key: &Value| {
        let key: Jwk = serde_json::from_value(key.clone()).ok()?;
        if matches!(&key.common.public_key_use, Some(other) if *other != PublicKeyUse::Signature) {
            return None;
        }
        let (algorithm, said) = match &key.algorithm {
            AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            _ => return None,
        };
        if key.common.key_algorithm.is_some_and(|other| other != said) {
            return None;
        }
        let id = key.common.key_id.clone();
        Some(PublicKey { id, algorithm, key: DecodingKey::from_jwk(&key).ok()? })
    };
    let keys: Vec<_> = keys.iter().filter_map(usable).collect();
    if keys.is_empty() {
        return Err("no key in the set is one of RS256, ES256 or EdDSA".to_owned());
    }
    Ok(keys)
}

/// The key that a token names; one that names none may mean the only one there is.
fn one_of<'a>(
    keys: &'a [PublicKey],
    id: Option<&str>,
    algorithm: Algorithm,
) -> Result<&'a PublicKey, Refused> {
    let mut named = keys.iter().filter(|key| id.is_none() || key.id.as_deref() == id).peekable();
    if named.peek().is_none() {
        return Err(Refused::Token("the provider has no key that the token names".to_owned()));
    }
    let mut fitting = named.filter(|key| key.algorithm == algorithm);
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(Refused::Token(told(&ErrorKind::InvalidAlgorithm))),
        (Some(_), Some(_)) => Err(Refused::Token("the token does not say which key".to_owned())),
    }
}

/// The highest role that a claim gives.
fn role(claims: &Value, name: &str) -> Option<Role> {
    // The name of a claim may have dots itself: many are URLs.
    let whole = claims.get(name);
    let found = whole.or_else(|| name.split('.').try_fold(claims, |inner, part| inner.get(part)));
    let of = |value: &Value| value.as_str()?.parse::<Role>().ok();
    match found? {
        Value::Array(roles) => roles.iter().filter_map(of).max(),
        one => of(one),
    }
}

/// What is wrong with a token, in words that do not repeat it.
fn told(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::ExpiredSignature => "the token has expired".to_owned(),
        ErrorKind::ImmatureSignature => "the token is not valid yet".to_owned(),
        ErrorKind::InvalidIssuer => "the token is from another issuer".to_owned(),
        ErrorKind::InvalidAudience => "the token is for another audience".to_owned(),
        ErrorKind::InvalidSignature => "the token's signature is not right".to_owned(),
        ErrorKind::InvalidAlgorithm => {
            "the token is signed in another way than by the provider's key".to_owned()
        }
        ErrorKind::MissingRequiredClaim(claim) => format!("the token has no {claim}"),
        ErrorKind::InvalidClaimFormat(claim) => format!("the token's {claim} makes no sense"),
        _ => "it is neither one of our keys nor a token".to_owned(),
    }
}

#[cfg(test)]
mod tests;
