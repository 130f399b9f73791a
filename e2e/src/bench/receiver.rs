//! A receiver that answers at once: every order of the batch is done. `make bench` runs it in a
//! process of its own, so that its CPU time can be told apart.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, process::Command};

use crate::process::{Environment, Process};

/// With this argument the benchmark is a receiver.
pub const ARGUMENT: &str = "receiver";

/// Starts this program as a receiver.
pub fn start() -> Process {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.arg(ARGUMENT);
    Process::run(ARGUMENT, command, &Environment::new())
}

/// Answers until it is killed.
#[tokio::main(flavor = "current_thread")]
pub async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("listening on http://{}", listener.local_addr().expect("it is bound"));
    loop {
        let (stream, _) = listener.accept().await.expect("a worker connects");
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service_fn(done));
        tokio::spawn(async move {
            // How it ended is seen by who called.
            let _ended = connection.await;
        });
    }
}

/// 204, once the whole batch is here.
async fn done(request: Request<Incoming>) -> hyper::Result<Response<Empty<Bytes>>> {
    let mut body = request.into_body();
    while let Some(piece) = body.frame().await {
        piece?;
    }
    let mut answer = Response::new(Empty::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    Ok(answer)
}
