//! Serves a listener's connections by HTTP/1.1 until the process is asked to stop.
//!
//! Not by the HTTP framework's server, which copies every body that it sends, once for each
//! connection that does not read it, and reads up to 400 KiB of requests in advance.

use std::{
    convert::Infallible, io, pin::Pin, sync::Arc, task::Context, task::Poll, time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::combinators::BoxBody;
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use poem::{
    Endpoint, EndpointExt, IntoEndpoint, Response,
    endpoint::BoxEndpoint,
    http,
    web::{LocalAddr, RemoteAddr},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    accept::{Accepted, Listener},
    budget::AnswerGuard,
};

/// What is read in advance of one connection, and what waits to be written: above the limit of a
/// head.
const BUFFER_SIZE: usize = 64 * 1_024;

type Routes = Arc<BoxEndpoint<'static, Response>>;

/// Serves until shutdown; answers that are being sent then may go on for `grace`.
pub fn serve<E>(
    listener: Listener,
    routes: E,
    shutdown: CancellationToken,
    grace: Duration,
) -> BoxFuture<'static, ()>
where
    E: IntoEndpoint,
    E::Endpoint: 'static,
{
    // Boxed, so that the rest is compiled once for all routes.
    let routes = Arc::new(routes.into_endpoint().map_to_response().boxed());
    Box::pin(serve_all(listener, routes, shutdown, grace))
}

async fn serve_all(
    mut listener: Listener,
    routes: Routes,
    shutdown: CancellationToken,
    grace: Duration,
) {
    tracing::info!(url = listener.url(), "server started");
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => {
                let local = LocalAddr(listener.address.into());
                open.spawn(serve_one(accepted, local, Arc::clone(&routes), shutdown.clone()));
            }
            Some(ended) = open.join_next() => log_panic(ended),
        }
    }
    drop(listener);
    let ends = async {
        while let Some(ended) = open.join_next().await {
            log_panic(ended);
        }
    };
    if tokio::time::timeout(grace, ends).await.is_err() {
        tracing::warn!(
            connections = open.len(),
            "closing connections before their answers are sent: the grace time is over"
        );
        open.shutdown().await;
    }
}

/// A panic of a handler is caught before it gets here.
fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "the task of a connection panicked");
    }
}

async fn serve_one(
    accepted: Accepted,
    local: LocalAddr,
    routes: Routes,
    shutdown: CancellationToken,
) {
    let Accepted { connection, from, scheme } = accepted;
    let (handle, remote) = (connection.handle(), RemoteAddr(from.into()));
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        let in_answer = handle.start_answer();
        request.extensions_mut().insert(handle.clone());
        let request = (request, local.clone(), remote.clone(), scheme.clone());
        let routes = Arc::clone(&routes);
        async move {
            let response = routes.get_response(request.into()).await;
            let response = http::Response::<BoxBody<Bytes, io::Error>>::from(response);
            let answer = response.map(|body| Answer { body, _until_it_is_sent: in_answer });
            Ok::<_, Infallible>(answer)
        }
    });
    let served = http1::Builder::new()
        .max_buf_size(BUFFER_SIZE)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(connection), service);
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection failed");
    }
}

/// A body that is being sent.
struct Answer {
    body: BoxBody<Bytes, io::Error>,
    _until_it_is_sent: AnswerGuard,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
