//! `pedidos`, as people and programs call it.

use std::process::Stdio;

use pedidos_e2e::{Cluster, in_time, program};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads from standard output until this is in what is read.
async fn until(child: &mut Child, said: &mut Vec<u8>, wanted: &str) {
    let (before, out) = (said.len(), child.stdout.as_mut().unwrap());
    while !text(&said[before..]).contains(wanted) {
        let read = in_time(wanted, out.read_buf(said)).await.unwrap();
        assert!(read > 0, "it has ended without {wanted}: {}", text(said));
    }
}

/// Reads the rest of standard output. Answers the exit code.
async fn end(mut child: Child, said: &mut Vec<u8>) -> Option<i32> {
    let out = child.stdout.as_mut().unwrap();
    in_time("the rest", out.read_to_end(said)).await.unwrap();
    in_time("the end", child.wait()).await.unwrap().code()
}

/// On a terminal, as `script` makes one.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_the_bar_as_it_stands() {
    let mut cluster = Cluster::start(0, &[]).await;
    let run_id = cluster.client().generate(500).await;
    let url = format!("http://{}", cluster.client().address());
    let follow = format!("stty cols 80 rows 24; exec {} follow", program("pedidos").display());
    let mut script = Command::new("/usr/bin/env");
    // No signal is ignored, whoever started these tests.
    script.args(["--default-signal", "script", "-q", "-e", "-c", &follow, "/dev/null"]);
    script.env("PEDIDOS_URL", url).env("TERM", "xterm").current_dir(std::env::temp_dir());
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = script.kill_on_drop(true).spawn().unwrap();
    let mut said = Vec::new();
    until(&mut child, &mut said, "no worker alive").await;
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(b"\x03").await.unwrap();
    let code = end(child, &mut said).await;
    let said = text(&said);
    assert_eq!(code, Some(130), "{said}");
    // The terminal shows what was typed. After it nothing is drawn: neither line is there twice.
    let (_, after) = said.split_once("^C").unwrap();
    let is_plain = !after.contains('\u{1b}') && !after.contains("GENERATING");
    assert!(is_plain && after.contains(&format!("run {run_id} continues")), "{after:?}");
    drop(keys);
    cluster.start_worker().await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}
