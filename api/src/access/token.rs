//! Tokens of an identity provider (JWT). The settings and the provider's public keys decide what
//! is accepted, never the token: the algorithm is that of the key that it names, so neither `none`
//! nor a public key used as a shared secret is accepted.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock, Weak},
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use pedidos_core::{key_file::is_only_ours, role::Role, tls};
use serde_json::Value;
use tokio::sync::Mutex;

use super::{keyring::LOOK_EVERY, signatures};
use crate::settings::{Jwks, JwtSettings};

/// Bytes of a token at most.
const LONGEST: usize = 8 * 1_024;
/// Characters of a name at most.
const LONGEST_NAME: usize = 128;
/// Seconds that the provider's clock may be off.
const LEEWAY: u64 = 30;
/// How often the keys of a URL are fetched at most, also when a token names an unknown one: else
/// anybody could make us fetch them.
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(30);
/// How often they are fetched, once there was a token.
const FETCH_INTERVAL: Duration = Duration::from_mins(15);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a set of keys at most.
const LARGEST: usize = 1 << 20;

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// `sub`.
    pub name: String,
    /// None: it has no role.
    pub role: Option<Role>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    Invalid(String),
    /// The provider's keys cannot be fetched.
    Provider(String),
}

pub struct Tokens {
    settings: JwtSettings,
    min_fetch_interval: Duration,
    provider: Arc<Provider>,
}

type PublicKeys = Arc<Vec<PublicKey>>;

struct Provider {
    keys: Jwks,
    http: reqwest::Client,
    /// None: not fetched yet.
    known: RwLock<Option<PublicKeys>>,
    /// When they were fetched last. Held by the one who fetches them; a token whose key is known
    /// does not wait.
    fetched: Mutex<Option<Instant>>,
}

struct PublicKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Tokens {
    /// Reads the keys of a file. Those of a URL are fetched with the first token: a provider that is
    /// away must not keep the API from starting.
    ///
    /// # Errors
    /// The file is not a set of keys.
    pub fn open(settings: &JwtSettings) -> Result<Self, String> {
        signatures::install();
        // Without TLS no certificate is checked.
        let tls = match &settings.keys {
            Jwks::Url(url) if url.starts_with("https://") => tls::client(None, None),
            _ => tls::trusting_nobody(),
        };
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.map_err(|error| format!("JWT_JWKS_URL: {error}"))?)
            .timeout(FETCH_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let (mut known, mut fetched) = (None, None);
        let mut min_fetch_interval = MIN_FETCH_INTERVAL;
        if let Jwks::File(file) = &settings.keys {
            let text = std::fs::read_to_string(file).map_err(|error| error.to_string());
            let text = text.and_then(|text| is_only_ours(file).map(|()| text));
            let keys = text.and_then(|text| public_keys(text.as_bytes()));
            let named = |error| format!("JWT_JWKS_FILE: {}: {error}", file.display());
            known = Some(Arc::new(keys.map_err(named)?));
            fetched = Some(Instant::now());
            min_fetch_interval = LOOK_EVERY;
        }
        let provider = Provider {
            keys: settings.keys.clone(),
            http: http.map_err(|error| format!("JWT_JWKS_URL: {error}"))?,
            known: RwLock::new(known),
            fetched: Mutex::new(fetched),
        };
        Ok(Self { settings: settings.clone(), min_fetch_interval, provider: Arc::new(provider) })
    }

    pub async fn check(&self, token: &str) -> Result<Bearer, TokenError> {
        let wrong = |what: &str| TokenError::Invalid(what.to_owned());
        if token.len() > LONGEST {
            return Err(wrong("the token is longer than 8 KiB"));
        }
        let header =
            decode_header(token).map_err(|error| TokenError::Invalid(reason(error.kind())))?;
        if header.crit.is_some() {
            return Err(wrong("the token has critical headers, and none is supported here"));
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
            .map_err(|error| TokenError::Invalid(reason(error.kind())))?
            .claims;
        let name = claims["sub"].as_str().unwrap_or_default();
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(wrong("the token's sub is empty, too long, or has control characters"));
        }
        Ok(Bearer { name: name.to_owned(), role: role(&claims, &self.settings.role_claim) })
    }

    /// The provider's keys, fetched again if this one is not among them.
    async fn keys(&self, wanted: Option<&str>) -> Result<PublicKeys, TokenError> {
        let provider = &self.provider;
        let of_file = matches!(provider.keys, Jwks::File(_));
        let has = |keys: &PublicKeys| {
            wanted.is_none() || keys.iter().any(|key| key.id.as_deref() == wanted)
        };
        if let Some(keys) = provider.known().filter(|keys| has(keys) && !of_file) {
            return Ok(keys);
        }
        // The first caller reads a file; the others do not wait if their key is known.
        let fetched = match provider.known().filter(has) {
            Some(_) => provider.fetched.try_lock().ok(),
            None => Some(provider.fetched.lock().await),
        };
        if let Some(mut fetched) = fetched
            && (of_file || !provider.known().is_some_and(|keys| has(&keys)))
            && fetched.is_none_or(|at| at.elapsed() >= self.min_fetch_interval)
        {
            if fetched.replace(Instant::now()).is_none() {
                tokio::spawn(Provider::keep_fetching(Arc::downgrade(provider)));
            }
            provider.renew().await;
        }
        provider.known().ok_or_else(|| {
            TokenError::Provider(
                "the identity provider's public keys cannot be fetched; the API's log says why"
                    .to_owned(),
            )
        })
    }
}

impl Provider {
    fn known(&self) -> Option<PublicKeys> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys of a URL from time to time, so that no token waits for it.
    async fn keep_fetching(provider: Weak<Self>) {
        loop {
            tokio::time::sleep(FETCH_INTERVAL).await;
            let Some(provider) = provider.upgrade() else { return };
            *provider.fetched.lock().await = Some(Instant::now());
            provider.renew().await;
        }
    }

    /// Replaces the keys; if the new ones cannot be fetched, the previous ones stay.
    async fn renew(&self) {
        match self.fetch().await {
            Ok(keys) => {
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                *known = Some(Arc::new(keys));
            }
            Err(error) => tracing::error!(
                error,
                "cannot fetch the identity provider's public keys; keeping the previous ones"
            ),
        }
    }

    async fn fetch(&self) -> Result<Vec<PublicKey>, String> {
        match &self.keys {
            Jwks::File(file) => public_keys(&read(file).await?),
            Jwks::Url(url) => {
                let response = self.http.get(url).send().await.map_err(|e| e.to_string())?;
                let mut response = response.error_for_status().map_err(|e| e.to_string())?;
                let mut body = Vec::new();
                while let Some(part) = response.chunk().await.map_err(|e| e.to_string())? {
                    body.extend_from_slice(&part);
                    if body.len() > LARGEST {
                        return Err("the set of keys is larger than 1 MiB".to_owned());
                    }
                }
                public_keys(&body)
            }
        }
    }
}

async fn read(file: &Path) -> Result<Vec<u8>, String> {
    let text = tokio::fs::read(file).await.map_err(|error| error.to_string());
    let text = text.and_then(|text| is_only_ours(file).map(|()| text));
    text.map_err(|error| format!("{}: {error}", file.display()))
}

/// The keys of a set whose signatures are accepted here; others are skipped.
fn public_keys(set: &[u8]) -> Result<Vec<PublicKey>, String> {
    // Some editors on Windows begin a file with a byte order mark.
    let set = set.strip_prefix("\u{feff}".as_bytes()).unwrap_or(set);
    let set: Value = serde_json::from_slice(set).map_err(|error| format!("not JSON: {error}"))?;
    let keys = set["keys"].as_array().ok_or("not a JWK set: it has no keys")?;
    let usable = |key: &Value| {
        let key: Jwk = serde_json::from_value(key.clone()).ok()?;
        if matches!(&key.common.public_key_use, Some(other) if *other != PublicKeyUse::Signature) {
            return None;
        }
        let (algorithm, name) = match &key.algorithm {
            AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            _ => return None,
        };
        if key.common.key_algorithm.is_some_and(|other| other != name) {
            return None;
        }
        let id = key.common.key_id.clone();
        Some(PublicKey { id, algorithm, key: DecodingKey::from_jwk(&key).ok()? })
    };
    let keys: Vec<_> = keys.iter().filter_map(usable).collect();
    if keys.is_empty() {
        return Err("no key of the set is for RS256, ES256 or EdDSA".to_owned());
    }
    Ok(keys)
}

/// The key that a token names; if it names none, the only one there is.
fn one_of<'a>(
    keys: &'a [PublicKey],
    id: Option<&str>,
    algorithm: Algorithm,
) -> Result<&'a PublicKey, TokenError> {
    let mut named = keys.iter().filter(|key| id.is_none() || key.id.as_deref() == id).peekable();
    if named.peek().is_none() {
        return Err(TokenError::Invalid("the provider has no key with the token's kid".to_owned()));
    }
    let mut fitting = named.filter(|key| key.algorithm == algorithm);
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(TokenError::Invalid(reason(&ErrorKind::InvalidAlgorithm))),
        (Some(_), Some(_)) => {
            Err(TokenError::Invalid("the token has no kid, and several keys fit".to_owned()))
        }
    }
}

/// The highest role that a claim gives.
fn role(claims: &Value, name: &str) -> Option<Role> {
    // The name of a claim may have dots: many are URLs.
    let whole = claims.get(name);
    let found = whole.or_else(|| name.split('.').try_fold(claims, |inner, part| inner.get(part)));
    let of = |value: &Value| value.as_str()?.parse::<Role>().ok();
    match found? {
        Value::Array(roles) => roles.iter().filter_map(of).max(),
        one => of(one),
    }
}

/// What is wrong with a token, without repeating it.
fn reason(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::ExpiredSignature => "the token has expired".to_owned(),
        ErrorKind::ImmatureSignature => "the token is not valid yet".to_owned(),
        ErrorKind::InvalidIssuer => "the token is from another issuer".to_owned(),
        ErrorKind::InvalidAudience => "the token is for another audience".to_owned(),
        ErrorKind::InvalidSignature => "the token's signature is wrong".to_owned(),
        ErrorKind::InvalidAlgorithm => {
            "the token's algorithm is not that of the provider's key".to_owned()
        }
        ErrorKind::MissingRequiredClaim(claim) => format!("the token has no {claim}"),
        ErrorKind::InvalidClaimFormat(claim) => format!("the token's {claim} is invalid"),
        _ => "neither a key of this API nor a valid token".to_owned(),
    }
}

#[cfg(test)]
mod tests;
