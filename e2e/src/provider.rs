//! An identity provider, as far as it is asked here: its keys, at an https:// address.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use pedidos_service::tls::TlsSettings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::authority::Signed;

/// The provider. It stops when it is dropped.
pub struct Provider {
    /// Where its keys are.
    pub url: String,
    answered: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Provider {
    /// Shows this certificate, and answers whatever it is asked with these keys.
    pub async fn start(signed: &Signed, keys: &'static str) -> Self {
        let tls = TlsSettings {
            certificate: signed.certificate.clone(),
            key: signed.key.clone(),
            client_ca: None,
        };
        let acceptor = TlsAcceptor::from(tls.load().expect("they fit each other"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let answered = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&answered);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust it disconnects in the handshake.
                if answer(&acceptor, stream, keys).await.is_some() {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { url: format!("https://{address}/jwks.json"), answered, serving }
    }

    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }
}

async fn answer(acceptor: &TlsAcceptor, stream: TcpStream, keys: &str) -> Option<()> {
    let mut stream = acceptor.accept(stream).await.ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let length = keys.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{keys}"
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
