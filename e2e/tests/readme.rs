//! The README's examples, as they stand.

use std::process::Stdio;

use pedidos_e2e::{Cluster, in_time};
use tokio::process::Command;

/// The lines of the README that a reader will paste.
fn examples() -> Vec<&'static str> {
    include_str!("../../README.md").lines().filter(|line| line.starts_with("curl ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_curl_line_of_the_readme_does_what_it_says() {
    let cluster = Cluster::start(1, &[]).await;
    let address = cluster.client().address().to_owned();
    let examples = examples();
    assert!(examples.len() > 10, "{examples:?}");
    for line in examples {
        // The port is this test's own, and a refusal ends the line.
        let command = format!(
            "curl() {{ command curl -sS --fail-with-body --noproxy '*' \"$@\"; }}; {}",
            line.replace("localhost:3000", &address)
        );
        let mut bash = Command::new("bash");
        bash.args(["-c", &command]).stdin(Stdio::null()).kill_on_drop(true);
        let output = in_time(line, bash.output()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{said}\n{complained}");
        assert!(serde_json::from_str::<serde_json::Value>(&said).is_ok(), "{line}\n{said}");
    }
    cluster.finish().await;
}
