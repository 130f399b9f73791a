//! Connections that are not as they should be: bytes as a test wants them.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::wait::{POLL, in_time};

pub struct Raw(TcpStream);

impl Raw {
    pub async fn to(address: &str) -> Self {
        Self(TcpStream::connect(address).await.expect("somebody listens"))
    }

    /// As [`Self::to`], from another address of this machine.
    pub async fn from(own: &str, address: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        let own = format!("{own}:0").parse().expect("it is an address");
        socket.bind(own).expect("all of 127/8 is this machine's");
        let address = address.parse().expect("it is an address");
        Self(socket.connect(address).await.expect("somebody listens"))
    }

    /// Sends these bytes, unless the other end has closed.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// Sends this byte again and again until something comes, which is not read yet.
    pub async fn drip(&mut self, byte: u8) {
        in_time("an answer to a slow request", async {
            let mut looked = [0];
            loop {
                // A reset is an end, too: whoever reads the rest sees it.
                let came = tokio::time::timeout(POLL, self.0.peek(&mut looked));
                if came.await.is_ok() {
                    return;
                }
                self.send(&[byte]).await;
            }
        })
        .await;
    }

    /// Says that nothing more will be sent.
    pub async fn close_writing(&mut self) {
        // One that the other end has reset is closed already.
        let _closed = self.0.shutdown().await;
    }

    /// All that comes until the other end closes, or resets.
    pub async fn rest(mut self) -> String {
        let mut came = Vec::new();
        let all = self.0.read_to_end(&mut came);
        // What came before a reset counts.
        let _reset = in_time("the end of a connection", all).await;
        String::from_utf8_lossy(&came).into_owned()
    }

    /// What comes up to here, with it.
    pub async fn until(&mut self, end: &str) -> String {
        let mut came = Vec::new();
        in_time(end, async {
            while !came.ends_with(end.as_bytes()) {
                came.push(self.0.read_u8().await.expect("more comes"));
            }
        })
        .await;
        String::from_utf8_lossy(&came).into_owned()
    }
}
