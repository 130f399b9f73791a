//! The memory that uploads make an API take stays below the limit of its pod (k8s/base), whatever
//! is in the lists.

use futures_util::future::join_all;
use pedidos_e2e::{
    Client, Cluster,
    imports::{NDJSON, Pieces, lines},
};
use serde_json::json;

/// Of the API's pod, KiB.
const API: u64 = 128 * 1_024;
/// As many as an API takes at once.
const UPLOADS: u32 = 4;

/// Streams a list of so many pieces, again if an answer does not come in time; answers how many
/// lines were accepted and rejected.
async fn streamed(client: &Client, pieces: u32, piece: impl Fn(u32) -> Vec<u8>) -> (u64, u64) {
    let id = client.create_import().await;
    // Each goes on where the one before was.
    for _ in 0..10 {
        let (list, body) = Pieces::new();
        let send = async {
            for number in 0..pieces {
                if !list.try_send(&piece(number)).await {
                    break;
                }
            }
            drop(list);
        };
        let (answer, ()) = tokio::join!(client.try_upload(&id, &[NDJSON], body), send);
        if let Some(answer) = answer.filter(|answer| !matches!(answer.status, 409 | 429)) {
            let import = answer.json(200);
            let count = |field: &str| import[field].as_u64().expect("it is a number");
            return (count("accepted"), count("rejected"));
        }
    }
    panic!("the list is not whole after ten uploads: {:#}", client.import(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_lists_of_fifty_thousand_lines_at_once_fit_into_the_apis_pod() {
    const LINES: u32 = 50_000;
    const PIECE: u32 = 1_000;
    let mut cluster = Cluster::start(0, &[]).await;
    let client = cluster.client().clone();
    let uploads = (0..UPLOADS).map(|_| {
        let piece = |number| lines(number * PIECE..(number + 1) * PIECE).into_bytes();
        streamed(&client, LINES / PIECE, piece)
    });
    let counts = join_all(uploads).await;
    assert!(counts.iter().all(|counts| *counts == (u64::from(LINES), 0)), "{counts:?}");
    assert_eq!(cluster.stores.orders().await, u64::from(UPLOADS * LINES));
    let peak = cluster.process(0).peak_kib();
    assert!(peak < API, "{peak} KiB");
    cluster.finish().await;
}

/// Lines that take the most room: orders with as much as they may have, and lines that are not
/// UTF-8, each byte of which a reject shows as three.
#[tokio::test(flavor = "multi_thread")]
async fn four_lists_of_the_largest_lines_at_once_fit_into_the_apis_pod() {
    const LINES: u32 = 1_000;
    let largest = json!({
        "cliente": "Ana", "valor": 1, "priority": "VIP", "dados": { "a": "x".repeat(16_000) },
    });
    let latin = [b"{\"cliente\":\"".as_slice(), &[0xe9_u8].repeat(21_000), b"\"}\n"].concat();
    let mut cluster = Cluster::start(0, &[]).await;
    let client = cluster.client().clone();
    let uploads = (0..UPLOADS).map(|number| {
        let is_order = number % 2 == 0;
        let line = if is_order { format!("{largest}\n").into_bytes() } else { latin.clone() };
        let client = &client;
        async move { (is_order, streamed(client, LINES, |_| line.clone()).await) }
    });
    for (is_order, counts) in join_all(uploads).await {
        let all = u64::from(LINES);
        assert_eq!(counts, if is_order { (all, 0) } else { (0, all) });
    }
    let peak = cluster.process(0).peak_kib();
    assert!(peak < API, "{peak} KiB");
    cluster.finish().await;
}
