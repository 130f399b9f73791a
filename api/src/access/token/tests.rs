//! Tokens that are what they should be, and those that are almost.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use poem::{EndpointExt, Route, Server, get, handler, listener::TcpAcceptor, web::Data};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use serde_json::json;

use super::*;

/// Signed with RS256, by a key that is gone.
const RSA_KEYS: &str = include_str!("../../../../e2e/fixtures/jwks.json");
const RSA_TOKEN: &str = include_str!("../../../../e2e/fixtures/token.txt");

/// A provider with two keys.
struct Provider {
    curve: EcdsaKeyPair,
    edwards: Ed25519KeyPair,
}

impl Provider {
    fn new() -> Self {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let curve = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let edwards = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Self {
            curve: EcdsaKeyPair::from_pkcs8(kind, curve.as_ref(), &random).unwrap(),
            edwards: Ed25519KeyPair::from_pkcs8(edwards.as_ref()).unwrap(),
        }
    }

    fn set(&self) -> Value {
        let point = self.curve.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let (x, y) = (BASE64.encode(x), BASE64.encode(y));
        let ed = BASE64.encode(self.edwards.public_key().as_ref());
        let rsa: Value = serde_json::from_str(RSA_KEYS).unwrap();
        json!({ "keys": [
            { "kty": "EC", "crv": "P-256", "kid": "curve", "x": x, "y": y },
            { "kty": "OKP", "crv": "Ed25519", "kid": "edwards", "use": "sig", "x": ed },
            rsa["keys"][0],
            // None of our business.
            { "kty": "oct", "kid": "shared", "k": BASE64.encode(b"secret") },
            { "kty": "EC", "crv": "P-256", "kid": "sealing", "use": "enc", "x": x, "y": y },
            { "kty": "unheard-of" },
        ] })
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = match header["alg"].as_str() {
            Some("EdDSA") => self.edwards.sign(message.as_bytes()).as_ref().to_vec(),
            _ => {
                self.curve.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec()
            }
        };
        format!("{message}.{}", BASE64.encode(signature))
    }

    fn tokens(&self) -> Tokens {
        let file = std::env::temp_dir().join(format!("pedidos-jwks-{}", uuid::Uuid::new_v4()));
        fs::write(&file, self.set().to_string()).unwrap();
        let tokens = Tokens::open(&settings(Jwks::File(file.clone())));
        fs::remove_file(file).unwrap();
        tokens.unwrap()
    }
}

fn settings(keys: Jwks) -> JwtSettings {
    JwtSettings {
        keys,
        issuer: "https://id.example".to_owned(),
        audience: "pedidos".to_owned(),
        role_claim: "role".to_owned(),
    }
}

fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn now() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

fn claims() -> Value {
    json!({ "iss": "https://id.example", "aud": ["other", "pedidos"], "sub": "ana",
            "role": "operator", "exp": now() + 300 })
}

/// The claims with one of them another, or gone.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

async fn why(tokens: &Tokens, token: &str) -> String {
    match tokens.check(token).await {
        Err(TokenError::Invalid(why)) => why,
        other => unreachable!("{token}: {other:?}"),
    }
}

#[tokio::test]
async fn a_token_of_each_algorithm_is_taken() {
    let provider = Provider::new();
    let tokens = provider.tokens();
    for (alg, kid) in [("ES256", "curve"), ("EdDSA", "edwards")] {
        let token = provider.signed(&json!({ "alg": alg, "kid": kid }), &claims());
        let expected = Bearer { name: "ana".to_owned(), role: Some(Role::Operator) };
        assert_eq!(tokens.check(&token).await, Ok(expected), "{alg}");
    }
    let expected = Bearer { name: "ana@example.com".to_owned(), role: Some(Role::Operator) };
    assert_eq!(tokens.check(RSA_TOKEN).await, Ok(expected));
}

#[tokio::test]
async fn a_token_that_is_over_early_or_for_others_is_refused() {
    let provider = Provider::new();
    let tokens = provider.tokens();
    let header = json!({ "alg": "ES256", "kid": "curve" });
    for (claims, says) in [
        (with("exp", (now() - LEEWAY - 1).into()), "has expired"),
        (with("exp", Value::Null), "has no exp"),
        (with("exp", "4102444800".into()), "exp"),
        (with("exp", json!({})), "exp"),
        (with("nbf", (now() + LEEWAY + 60).into()), "not valid yet"),
        (with("nbf", "soon".into()), "nbf"),
        (with("iss", "https://evil.example".into()), "another issuer"),
        (with("iss", Value::Null), "has no iss"),
        (with("aud", "other".into()), "another audience"),
        (with("aud", json!([])), "another audience"),
        (with("aud", Value::Null), "has no aud"),
        (with("sub", Value::Null), "has no sub"),
        (with("sub", "".into()), "sub"),
        (with("sub", "a\nb".into()), "sub"),
        (with("sub", "x".repeat(LONGEST_NAME + 1).into()), "sub"),
        (json!([]), "neither"),
        (json!("claims"), "neither"),
    ] {
        let said = why(&tokens, &provider.signed(&header, &claims)).await;
        assert!(said.contains(says), "{claims}: {said}");
    }
}

#[tokio::test]
async fn what_a_token_says_of_its_signature_is_not_believed() {
    let provider = Provider::new();
    let tokens = provider.tokens();
    let unsigned = |header: &Value| format!("{}.", message(header, &claims()));
    // None, in any spelling, with and without a key's name.
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for header in [json!({ "alg": alg }), json!({ "alg": alg, "kid": "curve" })] {
            assert!(why(&tokens, &unsigned(&header)).await.contains("neither"), "{header}");
        }
    }
    for alg in ["ES256", "EdDSA", "RS256"] {
        assert!(!why(&tokens, &unsigned(&json!({ "alg": alg, "kid": "curve" }))).await.is_empty());
    }
    // A public key, taken for a shared secret: everybody has it. In all its forms.
    let rsa: Value = serde_json::from_str(RSA_KEYS).unwrap();
    let modulus = BASE64.decode(rsa["keys"][0]["n"].as_str().unwrap()).unwrap();
    let jwk = rsa["keys"][0].to_string().into_bytes();
    let point = provider.curve.public_key().as_ref().to_vec();
    for (kid, secret) in
        [("rsa", &modulus), ("rsa", &jwk), ("curve", &point), ("shared", &b"secret".to_vec())]
    {
        for alg in ["HS256", "HS384", "HS512"] {
            let message = message(&json!({ "alg": alg, "kid": kid }), &claims());
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            let mac = BASE64.encode(hmac::sign(&key, message.as_bytes()));
            let said = why(&tokens, &format!("{message}.{mac}")).await;
            assert!(said.contains("algorithm") || said.contains("no key"), "{alg}: {said}");
        }
    }
    // Right signatures under another algorithm's or key's name.
    for header in [
        json!({ "alg": "EdDSA", "kid": "curve" }),
        json!({ "alg": "ES256", "kid": "edwards" }),
        json!({ "alg": "ES384", "kid": "curve" }),
        json!({ "alg": "ES256", "kid": "rsa" }),
        json!({ "alg": "ES256", "kid": "sealing" }),
        json!({ "alg": "ES256", "kid": "../../dev/null" }),
        json!({ "alg": "ES256", "kid": "curve", "crit": ["b64"], "b64": false }),
    ] {
        assert!(!why(&tokens, &provider.signed(&header, &claims())).await.is_empty(), "{header}");
    }
    // Another provider's key under this one's name; and one that the token brings along.
    let other = Provider::new();
    let header = json!({ "alg": "ES256", "kid": "curve", "jwk": other.set()["keys"][0],
                         "jku": "https://evil.example/keys" });
    assert!(why(&tokens, &other.signed(&header, &claims())).await.contains("signature"));
    // One bit of the claims, one of the signature.
    let token = provider.signed(&json!({ "alg": "ES256", "kid": "curve" }), &claims());
    let admin = message(&json!({ "alg": "ES256", "kid": "curve" }), &with("role", "admin".into()));
    let signature = token.rsplit('.').next().unwrap();
    assert!(why(&tokens, &format!("{admin}.{signature}")).await.contains("signature"));
    assert!(!why(&tokens, &token[..token.len() - 4]).await.is_empty());
    assert!(why(&tokens, &"a.".repeat(LONGEST)).await.contains("8 KiB"));
}

#[tokio::test]
async fn a_role_is_a_word_or_the_highest_of_a_list_here_or_inside() {
    for (claims, name, expected) in [
        (json!({ "role": "admin" }), "role", Some(Role::Admin)),
        (json!({ "role": ["x", "viewer", "operator"] }), "role", Some(Role::Operator)),
        (
            json!({ "realm_access": { "roles": ["viewer"] } }),
            "realm_access.roles",
            Some(Role::Viewer),
        ),
        (json!({ "https://a.b/role": "viewer" }), "https://a.b/role", Some(Role::Viewer)),
        (json!({ "role": "root" }), "role", None),
        (json!({ "role": ["Admin", 1, null] }), "role", None),
        (json!({ "role": { "admin": true } }), "role", None),
        (json!({}), "role", None),
    ] {
        assert_eq!(role(&claims, name), expected, "{claims}");
    }
}

#[test]
fn what_is_no_set_of_keys_is_a_mistake() {
    for wrong in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": [{"kty": "oct", "k": "AA"}]}"#] {
        assert!(public_keys(wrong.as_bytes()).is_err(), "{wrong}");
    }
    let nowhere = PathBuf::from("/nowhere/jwks.json");
    let wrong = Tokens::open(&settings(Jwks::File(nowhere))).err().unwrap();
    assert!(wrong.starts_with("JWT_JWKS_FILE: /nowhere"), "{wrong}");
}

/// How often it was asked, and what it answers.
struct Asked(AtomicUsize, std::sync::Mutex<String>);

#[handler]
async fn jwks(asked: Data<&Arc<Asked>>) -> String {
    asked.0.0.fetch_add(1, Ordering::SeqCst);
    let answer = asked.0.1.lock().unwrap().clone();
    if answer == HANGS {
        std::future::pending::<()>().await;
    }
    answer
}

/// Instead of an answer: none ever comes.
const HANGS: &str = "hangs";

#[tokio::test]
async fn keys_at_a_url_are_asked_for_when_a_new_one_is_named_and_not_for_every_unknown_one() {
    let (old, new) = (Provider::new(), Provider::new());
    let asked = Arc::new(Asked(AtomicUsize::new(0), old.set().to_string().into()));
    let times = || asked.0.load(Ordering::SeqCst);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
    let routes = Route::new().at("/keys", get(jwks)).data(Arc::clone(&asked));
    let served = tokio::spawn(Server::new_with_acceptor(acceptor).run(routes));

    let header = json!({ "alg": "ES256", "kid": "curve" });
    let mut tokens = Tokens::open(&settings(Jwks::Url(url.clone()))).unwrap();
    assert_eq!(times(), 0, "nothing is asked before there is a token");
    assert!(tokens.check(&old.signed(&header, &claims())).await.is_ok());
    for kid in 0..100 {
        let unknown = json!({ "alg": "ES256", "kid": kid.to_string() });
        assert!(why(&tokens, &old.signed(&unknown, &claims())).await.contains("no key"));
    }
    assert_eq!(times(), 1, "strangers made us ask");

    // The provider has another key, under another name, and we may ask again.
    let mut set = new.set();
    set["keys"][0]["kid"] = "newer".into();
    *asked.1.lock().unwrap() = set.to_string();
    tokens.min_fetch_interval = Duration::ZERO;
    let newer = json!({ "alg": "ES256", "kid": "newer" });
    assert!(tokens.check(&new.signed(&newer, &claims())).await.is_ok());
    assert_eq!(times(), 2);
    // What it no longer has is no longer taken.
    assert!(why(&tokens, &old.signed(&header, &claims())).await.contains("no key"));

    // Away, or talking nonsense: the keys that are known still are.
    *asked.1.lock().unwrap() = "<html>".to_owned();
    assert!(why(&tokens, &old.signed(&header, &claims())).await.contains("no key"));
    assert!(tokens.check(&new.signed(&newer, &claims())).await.is_ok());
    served.abort();
    let away = Tokens::open(&settings(Jwks::Url("http://127.0.0.1:9/keys".to_owned()))).unwrap();
    let refused = away.check(&new.signed(&newer, &claims())).await;
    assert!(matches!(refused, Err(TokenError::Provider(_))), "{refused:?}");
}

#[tokio::test]
async fn a_provider_that_hangs_stalls_no_token_whose_key_is_known() {
    let provider = Provider::new();
    let asked = Arc::new(Asked(AtomicUsize::new(0), provider.set().to_string().into()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
    let routes = Route::new().at("/keys", get(jwks)).data(Arc::clone(&asked));
    let served = tokio::spawn(Server::new_with_acceptor(acceptor).run(routes));

    let mut tokens = Tokens::open(&settings(Jwks::Url(url))).unwrap();
    tokens.min_fetch_interval = Duration::ZERO;
    let tokens = Arc::new(tokens);
    let known = provider.signed(&json!({ "alg": "ES256", "kid": "curve" }), &claims());
    assert!(tokens.check(&known).await.is_ok());
    *asked.1.lock().unwrap() = HANGS.to_owned();
    // A stranger names a key that is not known, and the provider does not answer.
    let unknown = provider.signed(&json!({ "alg": "ES256", "kid": "unheard-of" }), &claims());
    let strangers = Arc::clone(&tokens);
    let stranger = tokio::spawn(async move { strangers.check(&unknown).await });
    while asked.0.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        assert!(tokens.check(&known).await.is_ok());
    }
    assert!(!stranger.is_finished(), "a token has waited for the provider");
    stranger.abort();
    served.abort();
}
