//! The guard with nothing behind it but a counter, and no stores: what is refused here asks
//! none.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use pedidos_common::{
    access::{self, PREFIX, Role},
    config::Settings,
    control::Controller,
    queue::Queue,
    store::Store,
};
use poem::{
    Endpoint, EndpointExt, Request, Response,
    endpoint::make_sync,
    http::{HeaderValue, Method, StatusCode, header},
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{Access, guard::Guard, who::KEY_HEADER};
use crate::{error::PROBLEM_JSON, openapi, strict::Strict};

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
        let viewer = access::add(&keys, "painel", Role::Viewer, None).unwrap();
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
            access: Access::open(&settings.api.access).unwrap(),
            operations: Strict::of(&openapi::document(&openapi::service(), None, false)),
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
