//! Standard output and standard error that nobody reads: neither holds anybody up.

use std::{
    fs::File,
    io::{PipeReader, Write, pipe},
    net::TcpListener,
    process::Stdio,
    sync::Arc,
};

use pedidos_e2e::{Client, Cluster, eventually, in_time, program};
use reqwest::Method;
use tokio::process::Command;

/// Where nothing can be written to.
const PLACES: [Place; 3] = [Place::FullDisk, Place::NoReader, Place::NoReading];

#[derive(Debug, Clone, Copy)]
enum Place {
    /// Every write fails: no space left.
    FullDisk,
    /// Every write fails: a broken pipe.
    NoReader,
    /// No write ends: the pipe is full.
    NoReading,
}

/// A place to write to, and what must be kept as long as it is to stay so.
fn open(place: Place) -> (Stdio, Option<PipeReader>) {
    if let Place::FullDisk = place {
        return (File::options().write(true).open("/dev/full").unwrap().into(), None);
    }
    let (reader, mut writer) = pipe().unwrap();
    let Place::NoReading = place else { return (writer.into(), None) };
    // As many bytes as a pipe of Linux holds.
    writer.write_all(&vec![b'.'; 65_536]).unwrap();
    (writer.into(), Some(reader))
}

#[tokio::test(flavor = "multi_thread")]
async fn api_and_worker_serve_and_end_even_if_nobody_reads_their_output() {
    let cluster = Cluster::new(&[]).await;
    for (name, port_name) in [("pedidos-api", "PORT"), ("pedidos-worker", "ADMIN_PORT")] {
        for place in PLACES {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let (out, _out_reader) = open(place);
            let (err, _err_reader) = open(place);
            let mut process = Command::new(program(name))
                .env_clear()
                .envs(cluster.settings())
                .env(port_name, port.to_string())
                .env("RUST_LOG", "debug")
                .current_dir(std::env::temp_dir())
                .stdin(Stdio::null())
                .stdout(out)
                .stderr(err)
                .kill_on_drop(true)
                .spawn()
                .unwrap();
            let client = Client::new(&format!("http://127.0.0.1:{port}"), Arc::default());
            eventually(&format!("{name} ready: {place:?}"), async || {
                let answer = client.try_raw(Method::GET, "/readyz", None).await;
                assert_eq!(process.try_wait().unwrap(), None, "{name}: {place:?}");
                answer.is_some_and(|answer| answer.status == 200)
            })
            .await;
            let pid = process.id().unwrap().to_string();
            let sent = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
            assert!(sent.success());
            let ended = in_time(&format!("the end of {name}: {place:?}"), process.wait()).await;
            assert_eq!(ended.unwrap().code(), Some(0), "{name}: {place:?}");
        }
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_ends_with_its_exit_code_even_if_nobody_reads_its_error() {
    for (name, arguments, code) in [
        ("pedidos-api", &[][..], 2),
        ("pedidos-worker", &["--lease-ms", "soon"], 2),
        ("pedidos", &["status", "--url", "http://127.0.0.1:1"], 4),
        ("pedidos", &["follow", "--url", "http://127.0.0.1:1"], 4),
        ("pedidos", &["reset"], 2),
        ("pedidos", &["no-verb"], 2),
    ] {
        for place in [Place::FullDisk, Place::NoReader] {
            let (err, _reader) = open(place);
            let mut command = Command::new(program(name));
            command.args(arguments).env_clear().current_dir(std::env::temp_dir());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(err).kill_on_drop(true);
            let ended = in_time(name, command.status()).await.unwrap();
            assert_eq!(ended.code(), Some(code), "{name} {arguments:?}: {place:?}");
        }
    }
}
