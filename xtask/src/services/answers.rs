//! A real ping: ready is when a server answers, for each program's log has words of its own.

use std::{
    io::{BufRead, BufReader, Read, Result, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use super::Server;

const LIMIT: Duration = Duration::from_secs(5);

/// `{ping: 1, $db: "admin"}` as OP_MSG.
const MONGO_PING: &[u8] = b"\x33\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\
    \x1e\0\0\0\x10ping\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";

pub(super) fn answers(server: Server, port: u16) -> bool {
    let ping = match server {
        Server::Redis => ping_redis,
        Server::Mongo => ping_mongo,
    };
    connect(port).and_then(ping).unwrap_or(false)
}

fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

fn ping_redis(mut stream: TcpStream) -> Result<bool> {
    stream.write_all(b"PING\r\n")?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply)?;
    Ok(reply.starts_with("+PONG"))
}

/// The first field of the answer is `ok`.
fn ping_mongo(mut stream: TcpStream) -> Result<bool> {
    stream.write_all(MONGO_PING)?;
    let mut reply = [0; 38];
    stream.read_exact(&mut reply)?;
    Ok(reply.windows(2).any(|two| two == b"ok"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ping_is_as_long_as_it_says() {
        assert_eq!(MONGO_PING.len(), 0x33);
        assert_eq!(MONGO_PING[21..].len(), 0x1e);
    }
}
