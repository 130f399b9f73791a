//! What a run's batches are posted to: a server in the test's own process, which is as good or as
//! bad as the test wants it, and remembers every call.
//!
//! - `call`: a call, as it came and as it was answered; `reply`: what there is to answer.
//! - `serve`, `wire`: connections, by HTTP/1.1, or with TLS HTTP/2; they may break.
//! - `signature`: Standard Webhooks.
//! - `receipts`: what must be so of all calls of a run.

mod call;
mod receipts;
mod reply;
mod serve;
mod signature;
mod wire;

use std::{net::SocketAddr, sync::Arc};

use pedidos_service::tls::TlsSettings;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::Mutex,
    task::JoinHandle,
};
use tokio_rustls::rustls::ServerConfig;

use self::serve::Shared;
pub use self::{
    call::{Call, Sent, Verdict},
    receipts::Receipts,
    reply::{Reply, RetryAfter},
    signature::{is_signed, secret},
};
use crate::{
    authority::{Authority, Signed},
    wait::in_time,
};

/// A receiver. It stops when it is dropped.
pub struct Receiver {
    /// Where batches are to be posted.
    pub url: String,
    /// What they are to be signed with.
    pub secret: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Mutex<Listening>,
}

enum Listening {
    Up(JoinHandle<()>),
    /// The port is still this receiver's, and refuses connections.
    Down(TcpSocket),
    /// In between.
    Not,
}

impl Receiver {
    /// One without TLS, which answers that every order is done.
    pub async fn start() -> Self {
        Self::listen(None).await
    }

    /// One that shows this certificate, and wants one of clients if an authority of theirs is given.
    pub async fn secure(signed: &Signed, clients: Option<&Authority>) -> Self {
        Self::listen(Some(tls(signed, clients))).await
    }

    async fn listen(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared::new(tls));
        let serving = tokio::spawn(Arc::clone(&shared).serve(listener));
        Self {
            url: format!("{scheme}://{address}/orders"),
            secret: secret(),
            address,
            shared,
            listening: Mutex::new(Listening::Up(serving)),
        }
    }

    /// What a worker has to be told.
    pub fn settings(&self) -> [(&str, &str); 2] {
        [("PROCESSOR_URL", &self.url), ("PROCESSOR_SECRET", &self.secret)]
    }

    /// From now on calls are answered like this; those that hang go on hanging.
    pub fn answer(&self, rule: impl Fn(&Call) -> Reply + Send + Sync + 'static) {
        self.shared.rule.send_replace(Arc::new(rule));
    }

    /// From now on every order is done.
    pub fn answer_well(&self) {
        self.answer(Reply::ok);
    }

    /// Calls that hang are answered now, as all calls are by now.
    pub fn let_go(&self) {
        self.shared.let_go.send_modify(|times| *times += 1);
    }

    /// New connections are shown this certificate from now on; those that there are end.
    pub async fn show(&self, signed: &Signed, clients: Option<&Authority>) {
        self.shared.tls.send_replace(Some(tls(signed, clients)));
        self.down().await;
        self.up().await;
    }

    /// Ends every connection, and refuses new ones.
    pub async fn down(&self) {
        let mut listening = self.listening.lock().await;
        let Listening::Up(serving) = std::mem::replace(&mut *listening, Listening::Not) else {
            panic!("it is down already");
        };
        serving.abort();
        let ended = serving.await;
        assert!(ended.is_err_and(|error| error.is_cancelled()), "it served until now");
        // Bound and not listening: connections are refused, and nobody else gets the port.
        let socket = TcpSocket::new_v4().expect("there are sockets");
        socket.set_reuseaddr(true).expect("it is new");
        socket.bind(self.address).expect("it was this receiver's");
        *listening = Listening::Down(socket);
    }

    /// Is there again, where it was.
    pub async fn up(&self) {
        let mut listening = self.listening.lock().await;
        let Listening::Down(socket) = std::mem::replace(&mut *listening, Listening::Not) else {
            panic!("it is not down");
        };
        let listener = socket.listen(1_024).expect("it is bound");
        *listening = Listening::Up(tokio::spawn(Arc::clone(&self.shared).serve(listener)));
    }

    /// The calls so far. None of any receiver's may break the contract.
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.shared.calls.borrow();
        assert!(calls.broken.is_empty(), "calls break the contract: {:#?}", calls.broken);
        calls.all.clone()
    }

    /// How many calls there were so far.
    pub fn count(&self) -> usize {
        self.shared.calls.borrow().all.len()
    }

    /// Connections whose handshake failed.
    pub fn refused(&self) -> usize {
        self.shared.calls.borrow().refused
    }

    /// Waits until the calls are as wanted; answers with all of them.
    pub async fn until(&self, what: &str, wanted: impl Fn(&[Call]) -> bool) -> Vec<Call> {
        let mut calls = self.shared.calls.subscribe();
        let reached = calls.wait_for(|calls| !calls.broken.is_empty() || wanted(&calls.all));
        drop(in_time(what, reached).await.expect("the receiver is there"));
        self.calls()
    }

    /// Waits for a call like this, also one of before.
    pub async fn call(&self, what: &str, wanted: impl Fn(&Call) -> bool) -> Call {
        let calls = self.until(what, |calls| calls.iter().any(&wanted)).await;
        calls.into_iter().find(|call| wanted(call)).expect("it was there")
    }

    /// Waits for so many more calls than there are now.
    pub async fn more(&self, count: usize) -> Vec<Call> {
        let wanted = self.count() + count;
        self.until("more calls", |calls| calls.len() >= wanted).await
    }

    /// Waits until so many more handshakes have failed.
    pub async fn refuses(&self, count: usize) {
        let mut calls = self.shared.calls.subscribe();
        let wanted = calls.borrow().refused + count;
        let reached = calls.wait_for(|calls| calls.refused >= wanted);
        drop(in_time("refused handshakes", reached).await.expect("the receiver is there"));
    }

    /// The calls of a run so far.
    pub fn of(&self, run_id: &str) -> Receipts {
        let calls = self.calls().into_iter().filter(|call| call.run_id == run_id);
        Receipts(calls.collect())
    }
}

fn tls(signed: &Signed, clients: Option<&Authority>) -> Arc<ServerConfig> {
    let settings = TlsSettings {
        certificate: signed.certificate.clone(),
        key: signed.key.clone(),
        client_ca: clients.map(|authority| authority.file.clone()),
    };
    let mut config = ServerConfig::clone(&settings.load().expect("they fit each other"));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Listening::Up(serving) = self.listening.get_mut() {
            serving.abort();
        }
    }
}
