//! The connections of a receiver, and its answers.

use std::{convert::Infallible, io, sync::Arc, time::Instant};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use super::{
    call::Call,
    reply::Reply,
    wire::{Fate, Wire},
};

pub(super) type Rule = Arc<dyn Fn(&Call) -> Reply + Send + Sync>;
type Body = BoxBody<Bytes, Infallible>;

/// What came so far.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) all: Vec<Call>,
    /// Requests that break the contract, and how.
    pub(super) broken: Vec<String>,
    /// Handshakes that failed.
    pub(super) refused: usize,
}

/// What a receiver and its connections share.
pub(super) struct Shared {
    pub(super) rule: watch::Sender<Rule>,
    pub(super) calls: watch::Sender<Calls>,
    pub(super) let_go: watch::Sender<u64>,
    pub(super) tls: watch::Sender<Option<Arc<ServerConfig>>>,
}

impl Shared {
    pub(super) fn new(tls: Option<Arc<ServerConfig>>) -> Self {
        Self {
            rule: watch::Sender::new(Arc::new(Reply::ok)),
            calls: watch::Sender::default(),
            let_go: watch::Sender::new(0),
            tls: watch::Sender::new(tls),
        }
    }

    /// Until it is aborted: its connections end with it.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    open.spawn(Arc::clone(&self).connection(stream));
                }
                Some(_) = open.join_next() => {}
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let tls = self.tls.borrow().clone();
        let Some(tls) = tls else { return self.http(stream, false).await };
        // A client may refuse what it is shown, or show nothing that is wanted.
        let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else {
            return self.calls.send_modify(|calls| calls.refused += 1);
        };
        let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        self.http(stream, is_two).await;
    }

    async fn http<S>(self: Arc<Self>, stream: S, is_two: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let fate = Fate::default();
        let wire = TokioIo::new(Wire::new(stream, fate.clone()));
        let service = service_fn(move |request| {
            let (shared, fate) = (Arc::clone(&self), fate.clone());
            async move { shared.take(request, &fate).await }
        });
        // How it ended is seen by who called.
        if is_two {
            let two = http2::Builder::new(TokioExecutor::new());
            let _ended = two.serve_connection(wire, service).await;
        } else {
            let one =
                http1::Builder::new().header_read_timeout(None).serve_connection(wire, service);
            let _ended = one.await;
        }
    }

    /// One call: noted, and answered by the rule.
    async fn take(&self, request: Request<Incoming>, fate: &Fate) -> io::Result<Response<Body>> {
        let received = Instant::now();
        let (head, body) = request.into_parts();
        let is_post = head.method == "POST";
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let read = Call::read(head, body, received);
        let mut call = match read.and_then(|call| is_post.then_some(call).ok_or("no POST".into())) {
            Ok(call) => call,
            Err(why) => {
                self.calls.send_modify(|calls| calls.broken.push(why));
                return Ok(response(500, &[], full(String::new())));
            }
        };
        self.calls.send_modify(|calls| {
            call.number = calls.all.len();
            calls.all.push(call.clone());
        });
        let mut open = Open { shared: self, number: call.number, is_answered: false };
        let reply = self.reply(&call).await;
        self.calls.send_modify(|calls| {
            let noted = &mut calls.all[call.number];
            noted.answered = Some(Instant::now());
            noted.verdicts = reply.verdicts(&call);
            noted.said = format!("{reply:?}");
        });
        open.is_answered = true;
        send(reply, &call, fate)
    }

    /// What the rule says, once it is due.
    async fn reply(&self, call: &Call) -> Reply {
        let mut let_go = self.let_go.subscribe();
        loop {
            let rule = Arc::clone(&self.rule.borrow());
            match late(rule(call)).await {
                Reply::Hang => let_go.changed().await.expect("it is there"),
                reply => return reply,
            }
        }
    }
}

/// Not a wait for anything: an answer that is late takes this long.
fn late(reply: Reply) -> BoxFuture<'static, Reply> {
    async move {
        let Reply::Late(by, reply) = reply else { return reply };
        tokio::time::sleep(by).await;
        late(*reply).await
    }
    .boxed()
}

fn send(reply: Reply, call: &Call, fate: &Fate) -> io::Result<Response<Body>> {
    Ok(match reply {
        Reply::Http(status, headers, body) => response(status, &headers, full(body)),
        Reply::Half => {
            let Reply::Http(status, headers, body) = Reply::ok(call) else { unreachable!() };
            // The head counts, too: that of HTTP/2 is short.
            fate.cut_after(body.len() / 2);
            response(status, &headers, full(body))
        }
        Reply::Garbage => {
            fate.garble();
            response(200, &[], full(String::new()))
        }
        Reply::Huge => response(200, &[("content-type", "application/json".to_owned())], huge()),
        Reply::Close | Reply::Hang | Reply::Late(..) => {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
    })
}

fn response(status: u16, headers: &[(&str, String)], body: Body) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(body).expect("they are headers")
}

fn full(body: String) -> Body {
    Full::new(Bytes::from(body)).boxed()
}

/// 100 MiB, made while they are read.
fn huge() -> Body {
    const PIECE: usize = 64 * 1_024;
    let begin = Bytes::from_static(b"{\"results\":[],\"pad\":\"");
    let pad = Bytes::from(vec![b'x'; PIECE]);
    let pads = std::iter::repeat_n(pad, 100 * 1_024 * 1_024 / PIECE);
    let all = [begin].into_iter().chain(pads).chain([Bytes::from_static(b"\"}")]);
    StreamBody::new(stream::iter(all.map(|piece| Ok(Frame::data(piece))))).boxed()
}

/// A call that is not answered yet: whoever called may go away.
struct Open<'a> {
    shared: &'a Shared,
    number: usize,
    is_answered: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.shared.calls.send_modify(|calls| calls.all[self.number].left = true);
        }
    }
}
