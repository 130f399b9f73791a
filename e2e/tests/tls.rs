//! TLS of API and worker: alone, for whom it is meant, and with certificates that are
//! replaced while they serve.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Client, Cluster,
    authority::{Authority, Signed, text},
    cluster::Kind,
    eventually,
    keys::{AUDIENCE, ISSUER, JWKS, TOKEN},
    process::{Environment, Process},
    provider::Provider,
    raw::Raw,
};
use reqwest::Method;
use tokio::task::JoinSet;

/// What a client is told, so that it trusts them and shows this.
fn told(authority: &Authority, own: Option<&Signed>) -> Environment {
    let mut told = Environment::new();
    told.insert("PEDIDOS_CA_FILE".to_owned(), text(&authority.file).to_owned());
    if let Some(own) = own {
        told.insert("PEDIDOS_CLIENT_CERT_FILE".to_owned(), text(&own.both).to_owned());
    }
    told
}

/// One API and this many workers that show this certificate.
async fn secure(
    authority: &Authority,
    signed: &Signed,
    workers: usize,
    more: &[(&str, &str)],
) -> Cluster {
    let mut settings = Authority::settings(signed);
    settings.push(("PEDIDOS_CA_FILE", text(&authority.file)));
    settings.extend(more);
    Cluster::start(workers, &settings).await
}

/// The certificate that a new connection is shown.
async fn shown(client: &Client, told: &Environment) -> Vec<u8> {
    client.anew(told).certificate().await
}

#[tokio::test(flavor = "multi_thread")]
async fn api_and_worker_speak_tls_alone() {
    let authority = Authority::new();
    let signed = authority.sign("server");
    let mut cluster = secure(&authority, &signed, 1, &[]).await;
    cluster.run(500).await;
    for id in [0, 1] {
        let url = cluster.process(id).url().await;
        assert!(url.starts_with("https://127.0.0.1:"), "{url}");
        let client = cluster.client_of(id);
        assert_eq!(client.livez().await.status, 200);
        // A client that does not know the authority gets no further.
        let stranger = Client::new(&url, Arc::clone(&cluster.samples));
        assert!(stranger.try_raw(Method::GET, "/livez", None).await.is_none());
        // Without TLS there is no answer.
        let mut plain = Raw::to(client.address()).await;
        plain.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let said = plain.rest().await;
        assert!(!said.contains("HTTP"), "{said}");
    }
    let status = cluster.client().raw(Method::GET, "/pedidos").await;
    assert_eq!(status.headers["strict-transport-security"], "max-age=31536000");
    // The command line, as a person is told to use it.
    let url = cluster.process(0).url().await;
    for (told, code) in [(told(&authority, None), 0), (Environment::new(), 1)] {
        let mut pedidos = Process::spawn("pedidos", "pedidos", &["--url", &url, "status"], &told);
        let ended = pedidos.ended().await;
        let said = pedidos.all().await;
        assert_eq!(ended.success(), code == 0, "{said}");
        assert_eq!(said.contains("DONE"), code == 0, "{said}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_the_right_certificate_is_not_let_in() {
    let (authority, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    let (signed, own) = (authority.sign("server"), clients.sign("client"));
    let more = [
        ("TLS_CLIENT_CA_FILE", text(&clients.file)),
        ("PEDIDOS_CLIENT_CERT_FILE", text(&own.both)),
    ];
    let cluster = secure(&authority, &signed, 1, &more).await;
    cluster.run(200).await;
    let wrong = others.sign("client");
    // Also one that the server's own authority has signed.
    let servers = authority.sign("another");
    for (own, is_let_in) in
        [(Some(&own), true), (None, false), (Some(&wrong), false), (Some(&servers), false)]
    {
        let client = cluster.client().anew(&told(&authority, own));
        let answer = client.try_raw(Method::GET, "/livez", None).await;
        assert_eq!(answer.is_some(), is_let_in, "{own:?}: {answer:#?}");
    }
    // Who probes and scrapes has none, and need not: what a worker serves is open.
    let probe = cluster.client_of(1).anew(&told(&authority, None));
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(probe.raw(Method::GET, path).await.status, 200, "{path}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_hang_block_nobody_and_end() {
    let authority = Authority::new();
    let signed = authority.sign("server");
    let cluster = secure(&authority, &signed, 1, &[]).await;
    let told = told(&authority, None);
    let mut hung = JoinSet::new();
    for id in [0, 1] {
        let client = cluster.client_of(id);
        for nth in 0..20 {
            let mut one = Raw::to(client.address()).await;
            // A handshake of 512 bytes begins, or nothing at all does.
            if nth % 2 == 0 {
                one.send(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]).await;
            }
            hung.spawn(one.rest());
        }
        // New connections shake hands all the same.
        assert_eq!(client.anew(&told).livez().await.status, 200);
    }
    cluster.run(500).await;
    while let Some(rest) = hung.join_next().await {
        assert_eq!(rest.unwrap(), "", "a handshake that hangs is told nothing");
    }
    assert_eq!(cluster.client().anew(&told).livez().await.status, 200);
    cluster.finish().await;
}

/// Puts a file in the place of another in one step, as those that renew certificates do.
fn replace(file: &Path, with: &Path) {
    let beside = file.with_extension("new");
    fs::copy(with, &beside).unwrap();
    fs::rename(beside, file).unwrap();
}

/// Asks again and again until it is told to stop: on connections that stay, or on a new
/// one each time. Every call must be answered.
async fn keeps_asking(
    client: Client,
    anew: Option<Environment>,
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
) {
    while !stop.load(Ordering::Relaxed) {
        let client = anew.as_ref().map_or_else(|| client.clone(), |told| client.anew(told));
        for path in ["/pedidos", "/livez"] {
            assert_eq!(client.raw(Method::GET, path).await.status, 200, "{path}");
            asked.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_under_load_and_no_request_fails() {
    let authority = Authority::new();
    let served = authority.sign("served");
    let mut cluster = secure(&authority, &served, 1, &[]).await;
    let told = told(&authority, None);
    let client = cluster.client().clone();
    assert_eq!(client.certificate().await, served.der);
    let mut events = client.events(None).await;
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut askers = JoinSet::new();
    for anew in [None, None, Some(told.clone()), Some(told.clone())] {
        askers.spawn(keeps_asking(client.clone(), anew, Arc::clone(&stop), Arc::clone(&asked)));
    }
    let run_id = client.generate(2_000).await;
    let mut before = served.der.clone();
    for round in 0..3 {
        let next = authority.sign(&format!("next-{round}"));
        // Between the two they do not fit each other: what was is shown on.
        replace(&served.certificate, &next.certificate);
        if round == 0 {
            cluster.process(0).line("keeping the previous certificate").await;
        }
        assert_eq!(shown(&client, &told).await, before);
        replace(&served.key, &next.key);
        for id in [0, 1] {
            let client = cluster.client_of(id);
            eventually("the new certificate", async || shown(client, &told).await == next.der)
                .await;
        }
        let so_far = asked.load(Ordering::Relaxed);
        eventually("calls after it", async || asked.load(Ordering::Relaxed) >= so_far + 20).await;
        before = next.der;
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(asker) = askers.join_next().await {
        asker.expect("every call is answered");
    }
    // A stream that was open before the first of them goes on.
    events.until("the end of the run", |event| event.data["phase"] == "DONE").await;
    let status = cluster.wait_for("DONE", |status| status.phase == Phase::Done).await;
    assert!(status.is_of(&run_id));
    // Files that are gone change nothing either.
    fs::remove_file(&served.key).unwrap();
    cluster.process(0).line("TLS_KEY_FILE: ").await;
    assert_eq!(shown(&client, &told).await, before);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_provider_is_asked_by_tls_and_believed_if_the_system_trusts_it() {
    let (authority, others) = (Authority::new(), Authority::new());
    let provider = Provider::start(&authority.sign("provider"), JWKS).await;
    let mut cluster = Cluster::start(0, &[]).await;
    for (trusted, status) in [(&others, 503), (&authority, 200)] {
        let settings = [
            ("JWT_JWKS_URL", provider.url.as_str()),
            ("JWT_ISSUER", ISSUER),
            ("JWT_AUDIENCE", AUDIENCE),
            // What says to programs which authorities their system trusts.
            ("SSL_CERT_FILE", text(&trusted.file)),
        ];
        let api = cluster.start_one(Kind::Api, &settings).await;
        let answer = cluster.client_of(api).with_key(TOKEN).raw(Method::GET, "/pedidos").await;
        assert_eq!(answer.status, status, "{answer:#?}");
        assert_eq!(provider.answered(), usize::from(status == 200));
    }
    cluster.finish().await;
}
