//! What clients of the seeds' backend send and expect, to the letter.

use pedidos_e2e::Cluster;
use reqwest::{Method, header};

#[tokio::test(flavor = "multi_thread")]
async fn a_slash_at_the_end_and_spaces_in_a_list_change_nothing() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let answer = client.raw(Method::POST, "/pedidos/generate/?quantity=50").await;
    let run_id = answer.json(202)["runId"].as_str().unwrap().to_owned();
    let location = answer.header(header::LOCATION);
    assert_eq!(location, format!("/pedidos/runs/{run_id}"));
    cluster.ends_exact(&run_id).await;
    for path in ["/pedidos/", "/pedidos/queue/status/", "/pedidos/runs//", "/livez/", "/docs/"] {
        let bare = client.raw(Method::GET, path.trim_end_matches('/')).await;
        let answer = client.raw(Method::GET, path).await;
        assert_eq!((answer.status, answer.body.len()), (200, bare.body.len()), "{path}");
    }
    let found = client.raw(Method::GET, &format!("{location}/")).await.json(200);
    assert_eq!(found["runId"], run_id);
    let jobs = async |types: &str| {
        let path = format!("/pedidos/queue/jobs?types={types}&includeData=false");
        client.raw(Method::GET, &path).await.json(200)
    };
    let bare = jobs("completed,failed").await;
    assert_eq!(bare["total"], 50, "{bare:#}");
    for types in ["completed,%20failed", "completed,+failed", "completed,++failed"] {
        assert_eq!(jobs(types).await, bare, "{types}");
    }
    // What is no state is none with spaces, either.
    for types in ["completed%20failed", "completed,+", "completed+,failed", "completed,%09failed"] {
        let path = format!("/pedidos/queue/jobs?types={types}");
        client.raw(Method::GET, &path).await.problem(400);
    }
    cluster.finish().await;
}
