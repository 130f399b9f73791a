//! The guard with nothing behind it but a counter, and no stores: what is refused here asks
//! none.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use pedidos_core::{
    key_file::{self, PREFIX},
    role::Role,
    time::now_ms,
};
use pedidos_pipeline::{commands::Controller, queue::Queue, store::Store};
use pedidos_service::settings::Settings;
use poem::{
    Endpoint, EndpointExt, Request, Response,
    endpoint::make_sync,
    http::{HeaderValue, Method, StatusCode, header},
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{Access, cookie::Session, credentials::KEY_HEADER, guard::Guard, policy::POLICY};
use crate::{
    http::{operations::Operations, problem::PROBLEM_JSON},
    openapi,
    settings::AccessSettings,
};

struct Guarded {
    endpoint: Box<dyn poem::endpoint::DynEndpoint<Output = Response>>,
    passed: Arc<AtomicUsize>,
    viewer: String,
    folder: std::path::PathBuf,
}

impl Guarded {
    /// With one viewer's key, tokens taken, and nothing limited.
    async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("pedidos-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let keys = folder.join("keys");
        let viewer = key_file::add(&keys, "painel", Role::Viewer, None).unwrap();
        let jwks = folder.join("jwks.json");
        fs::write(&jwks, include_str!("../../../e2e/fixtures/jwks.json")).unwrap();
        let settings = Settings::read(&HashMap::from([
            ("MONGO_URI", "mongodb://127.0.0.1:9/x"),
            ("REDIS_URL", "redis://127.0.0.1:9"),
            ("API_KEYS_FILE", keys.to_str().unwrap()),
            ("JWT_JWKS_FILE", jwks.to_str().unwrap()),
            ("JWT_ISSUER", "https://id.example"),
            ("JWT_AUDIENCE", "pedidos"),
            ("RATE_LIMIT_READS", "0"),
            ("RATE_LIMIT_WRITES", "0"),
        ]))
        .unwrap();
        let queue = Queue::connect(&settings.redis, &settings.queue).unwrap();
        let store = Store::connect(&settings.mongo, &settings.queue.name).await.unwrap();
        let guard = Guard {
            access: Access::open(&AccessSettings::of(&settings.values)).unwrap(),
            operations: Operations::of(&openapi::document(&openapi::service(), None, false)),
            controller: Controller::new(queue, store),
        };
        let passed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&passed);
        let inner = make_sync(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Response::from("passed")
        });
        let endpoint = Box::new(poem::endpoint::ToDynEndpoint(inner.with(guard)));
        Self { endpoint, passed, viewer, folder }
    }

    async fn answer(&self, request: Request) -> Response {
        self.endpoint.call(request).await.unwrap()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn asked(name: &str, value: HeaderValue) -> Request {
    let request = Request::builder().method(Method::GET).uri_str("/pedidos");
    request.header(header::HOST, "localhost").header(name, value).finish()
}

/// What somebody may send who has no key: noise, and almost a key or a token.
fn malformed(key: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let key = key.to_owned();
    let token = include_str!("../../../e2e/fixtures/token.txt").to_owned();
    // One byte of what is right is another, is missing, or is there twice.
    let almost = |right: String| {
        (0..right.len(), 0..3, any::<u8>()).prop_filter_map("it is still right", move |cut| {
            let (at, how, byte) = cut;
            let mut wrong = right.clone().into_bytes();
            match how {
                0 => wrong[at] = byte,
                1 => drop(wrong.remove(at)),
                _ => wrong.insert(at, byte),
            }
            (wrong.trim_ascii() != right.as_bytes()).then_some(wrong)
        })
    };
    let parts = prop::collection::vec("[A-Za-z0-9_=-]{0,40}", 0..6);
    let scheme = prop::sample::select(vec![
        "Bearer ",
        "bearer ",
        "BEARER  ",
        "Bearer",
        "Basic ",
        "Digest ",
        "",
        " ",
        "Bearer\t",
        "Bearer Bearer ",
        "Bearer pedidos_",
    ]);
    let credential = prop_oneof![
        bytes.clone(),
        almost(key),
        almost(token),
        parts.prop_map(|parts| parts.join(".").into_bytes()),
        "[0-9a-f]{0,80}".prop_map(|hex| format!("{PREFIX}{hex}").into_bytes()),
        Just(b"eyJhbGciOiJub25lIn0.e30.".to_vec()),
    ];
    (scheme, credential).prop_map(|(scheme, rest)| [scheme.as_bytes(), &rest].concat())
}

#[tokio::test]
async fn ten_thousand_malformed_credentials_let_nobody_in() {
    let guarded = Guarded::new().await;
    let strategy = malformed(&guarded.viewer);
    let mut runner = TestRunner::deterministic();
    let (mut sent, mut header_at) = (0, 0);
    while sent < 10_000 {
        let value = strategy.new_tree(&mut runner).unwrap().current();
        // What is no header at all, the HTTP library refuses.
        header_at = (header_at + 1) % 3;
        let (name, before) =
            [("authorization", ""), (KEY_HEADER, ""), ("cookie", "pedidos_session=")][header_at];
        let Ok(value) = HeaderValue::from_bytes(&[before.as_bytes(), &value].concat()) else {
            continue;
        };
        let response = guarded.answer(asked(name, value.clone())).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{name}: {value:?}");
        assert_eq!(response.content_type(), Some(PROBLEM_JSON));
        assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
        let body = response.into_body().into_string().await.unwrap();
        assert!(body.len() < 500, "{} bytes for {value:?}", body.len());
        sent += 1;
    }
    assert_eq!(guarded.passed.load(Ordering::SeqCst), 0);
    // And the same guard lets in who has a key.
    let right = format!("Bearer {}", guarded.viewer).parse().unwrap();
    assert_eq!(guarded.answer(asked("authorization", right)).await.status(), StatusCode::OK);
    let right = guarded.viewer.parse().unwrap();
    assert_eq!(guarded.answer(asked(KEY_HEADER, right)).await.status(), StatusCode::OK);
    assert_eq!(guarded.passed.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn of_two_credentials_the_first_counts_and_the_same_twice_is_none() {
    let guarded = Guarded::new().await;
    let right: HeaderValue = format!("Bearer {}", guarded.viewer).parse().unwrap();
    let key: HeaderValue = guarded.viewer.parse().unwrap();
    let wrong = HeaderValue::from_static("Bearer pedidos_wrong");
    for (one, other, let_in) in [
        (("authorization", &right), (KEY_HEADER, &wrong), true),
        (("authorization", &wrong), (KEY_HEADER, &key), false),
        (("authorization", &right), ("authorization", &right), false),
        ((KEY_HEADER, &key), (KEY_HEADER, &key), false),
    ] {
        let mut request = asked(one.0, one.1.clone());
        request.headers_mut().append(header::HeaderName::from_static(other.0), other.1.clone());
        let status = guarded.answer(request).await.status();
        assert_eq!(status == StatusCode::OK, let_in, "{one:?} {other:?}");
    }
}

#[tokio::test]
async fn the_authorization_of_a_proxy_in_front_takes_nothing_from_a_key() {
    let guarded = Guarded::new().await;
    let key: HeaderValue = guarded.viewer.parse().unwrap();
    for scheme in ["Basic dXNlcjpwYXNz", "basic", "Digest username=\"a\"", "Negotiate abc=="] {
        let basic = HeaderValue::from_static(scheme);
        let mut request = asked("authorization", basic.clone());
        request.headers_mut().insert(KEY_HEADER, key.clone());
        assert_eq!(guarded.answer(request).await.status(), StatusCode::OK, "{scheme}");
        // Alone it lets nobody in, and is told what would.
        let response = guarded.answer(asked("authorization", basic.clone())).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{scheme}");
        let body = response.into_body().into_string().await.unwrap();
        assert!(body.contains("Authorization must be Bearer"), "{body}");
        // A wrong key beside it is wrong.
        let mut request = asked("authorization", basic);
        request.headers_mut().insert(KEY_HEADER, HeaderValue::from_static("pedidos_wrong"));
        assert_eq!(guarded.answer(request).await.status(), StatusCode::UNAUTHORIZED);
    }
}

/// A cookie of this name that nobody has signed.
fn unsigned(name: &str) -> String {
    let session = Session::new(name, now_ms());
    let set = session.set(b"not the secret", &[0; 32], false, now_ms());
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_unsigned_cookie_asks_no_store_and_is_told_nothing() {
    let guarded = Guarded::new().await;
    let mut answers = Vec::new();
    for name in ["painel", "nobody"] {
        let response = guarded.answer(asked("cookie", unsigned(name).parse().unwrap())).await;
        let status = response.status();
        let body = response.into_body().into_string().await.unwrap();
        assert!(!body.contains("127.0.0.1") && !body.contains("opology"), "{body}");
        answers.push((status, body));
    }
    // MongoDB is away, and whether there is a key of that name cannot be told from the answer.
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn of_two_cookies_none_counts() {
    let guarded = Guarded::new().await;
    let (one, two) = (unsigned("painel"), unsigned("nobody"));
    let response = guarded.answer(asked("cookie", format!("{one}; {two}").parse().unwrap())).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    // All are taken away, and the browser may sign in again.
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.contains("Max-Age=0"), "{set}");
    let body = response.into_body().into_string().await.unwrap();
    assert!(body.contains("two session cookies"), "{body}");
}

#[test]
fn the_table_has_the_operations_of_the_document_and_no_other() {
    let document = openapi::document(&openapi::service(), None, false);
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(_, path)| path.as_object().into_iter().flatten());
    let documented: BTreeSet<_> =
        operations.filter_map(|(_, operation)| operation["operationId"].as_str()).collect();
    let decided: BTreeSet<_> = POLICY.iter().map(|(id, _)| *id).collect();
    assert_eq!(documented, decided);
    assert_eq!(POLICY.len(), decided.len(), "an operation is in the table twice");
}
