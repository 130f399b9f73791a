//! API and worker behind TLS, with certificates of an authority made here.

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use pedidos_e2e::{
    Cluster, POLL,
    authority::{Authority, Signed, text},
    in_time,
    process::Process,
    raw::Raw,
};
use reqwest::{Method, tls::TlsInfo};

/// A cluster that shows this; its clients trust who signed it.
async fn behind(authority: &Authority, signed: &Signed, more: &[(&str, &str)]) -> Cluster {
    let mut settings = Authority::settings(signed);
    settings.push(("PEDIDOS_CA_FILE", text(&authority.file)));
    settings.extend(more);
    Cluster::start(1, &settings).await
}

/// The certificate that a new connection sees.
async fn shown(cluster: &Cluster) -> Vec<u8> {
    let client = cluster.client().anew(cluster.settings());
    let (http, base) = client.parts();
    let answer = http.get(format!("{base}/livez")).send().await.expect("it answers");
    let info = answer.extensions().get::<TlsInfo>().expect("it is TLS");
    info.peer_certificate().expect("it shows one").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_over_tls_ends_as_any_other_and_the_command_line_follows_it() {
    let authority = Authority::new();
    let signed = authority.sign("api");
    let cluster = behind(&authority, &signed, &[]).await;
    let answer = cluster.client().livez().await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    assert!(answer.headers.contains_key("strict-transport-security"), "{answer:#?}");
    let run_id = cluster.client().generate(1_000).await;
    cluster.ends_exact(&run_id).await;
    for worker in cluster.workers() {
        assert_eq!(worker.readyz().await.status, 200);
    }
    let url = cluster.client().parts().1.clone();
    for (told, code) in [(cluster.settings().clone(), 0), (Default::default(), 4)] {
        let arguments = ["--url", url.as_str(), "status"];
        let mut status = Process::spawn("status", "pedidos", &arguments, &told);
        let ended = status.ended().await;
        assert_eq!(ended.code(), Some(code), "{}", status.all().await);
    }
    // Who does not speak TLS hears nothing of ours.
    let mut plain = Raw::to(cluster.client().address()).await;
    plain.send(b"GET /pedidos HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let said = plain.rest().await;
    assert!(!said.contains("HTTP"), "{said}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_hangs_holds_nobody_up_and_ends() {
    let authority = Authority::new();
    let cluster = behind(&authority, &authority.sign("api"), &[]).await;
    let mut hung = Vec::new();
    for begun in [&b""[..], b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"] {
        let mut raw = Raw::to(cluster.client().address()).await;
        assert!(raw.send(begun).await);
        hung.push(raw);
    }
    assert_eq!(cluster.client().anew(cluster.settings()).livez().await.status, 200);
    for raw in hung {
        assert_eq!(raw.rest().await, "");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_authority_for_clients_one_without_a_certificate_is_not_heard() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (signed, mine, other) =
        (authority.sign("api"), authority.sign("client"), stranger.sign("client"));
    let cluster = behind(
        &authority,
        &signed,
        &[
            ("TLS_CLIENT_CA_FILE", text(&authority.file)),
            ("PEDIDOS_CLIENT_CERT_FILE", text(&mine.both)),
        ],
    )
    .await;
    assert_eq!(cluster.client().readyz().await.status, 200);
    for worker in cluster.workers() {
        assert_eq!(worker.readyz().await.status, 200);
    }
    let mut told = cluster.settings().clone();
    told.remove("PEDIDOS_CLIENT_CERT_FILE");
    let nobody = cluster.client().anew(&told);
    assert!(nobody.try_raw(Method::GET, "/livez", None).await.is_none());
    told.insert("PEDIDOS_CLIENT_CERT_FILE".to_owned(), text(&other.both).to_owned());
    let stranger = cluster.client().anew(&told);
    assert!(stranger.try_raw(Method::GET, "/livez", None).await.is_none());
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_swapped_under_load_and_no_request_fails() {
    let authority = Authority::new();
    let (signed, next) = (authority.sign("api"), authority.sign("next"));
    let cluster = behind(&authority, &signed, &[]).await;
    assert_eq!(shown(&cluster).await, signed.der);
    let (stop, kept, made) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let keeps = async {
        let client = cluster.client().anew(cluster.settings());
        while !stop.load(Ordering::Relaxed) {
            assert_eq!(client.livez().await.status, 200);
            kept.fetch_add(1, Ordering::Relaxed);
        }
    };
    let anew = async {
        while !stop.load(Ordering::Relaxed) {
            let client = cluster.client().anew(cluster.settings());
            assert_eq!(client.livez().await.status, 200);
            made.fetch_add(1, Ordering::Relaxed);
        }
    };
    let swaps = async {
        // One after the other, with time between: for a while they do not fit.
        fs::copy(&next.certificate, &signed.certificate).unwrap();
        let api = cluster.process_of(cluster.first_api());
        api.line("the certificate of before is shown on").await;
        assert_eq!(shown(&cluster).await, signed.der);
        fs::copy(&next.key, &signed.key).unwrap();
        in_time("the new certificate", async {
            while shown(&cluster).await != next.der {
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
        let so_far = kept.load(Ordering::Relaxed);
        while kept.load(Ordering::Relaxed) < so_far + 10 {
            tokio::task::yield_now().await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(keeps, anew, swaps);
    assert!(made.load(Ordering::Relaxed) > 0);
    cluster.finish().await;
}
