//! How long a client may take over a request, and how much it may say before it is read:
//! what is known of one connection by the bytes that pass, and nothing else.
//!
//! A request's head must be here within [`HEAD_WITHIN`] of its first byte (of the
//! connection's beginning, for the first one: a TLS handshake is in that) and have no
//! more than [`HEAD_MOST`] bytes. While it is answered, the client may be silent; after
//! that, for [`IDLE`].

use std::time::Duration;

use tokio::time::Instant;

/// A head may take so long.
pub const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// A head may have so many bytes: method, address and all headers.
pub const HEAD_MOST: usize = 32 * 1_024;
/// A connection may be silent for so long between requests, or in an answer.
pub const IDLE: Duration = Duration::from_secs(75);

/// How HTTP/2 begins. It is not spoken here: its bounds would be others.
const HTTP2: &[u8] = b"PRI * HTTP/2.0";

/// Why a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing was asked for a while: nothing is wrong.
    Idle,
    /// The head takes too long.
    Late,
    /// The head is too long, and all of it is the address.
    LongAddress,
    /// The head is too long.
    LongHead,
    /// It is HTTP/2.
    Http2,
}

impl End {
    /// What the client is told: status, title, detail.
    #[must_use]
    pub const fn said(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::Idle => None,
            Self::Late => Some((
                "408 Request Timeout",
                "Request too slow",
                "a request's head must be sent within 10 seconds",
            )),
            Self::LongAddress => Some((
                "414 URI Too Long",
                "URI too long",
                "address and headers together may have 32 KiB, and the address alone is longer",
            )),
            Self::LongHead => Some((
                "431 Request Header Fields Too Large",
                "Request head too large",
                "address and headers together may have 32 KiB",
            )),
            Self::Http2 => Some((
                "505 HTTP Version Not Supported",
                "Not HTTP/1.1",
                "this server speaks HTTP/1.1 alone",
            )),
        }
    }
}

/// Where a connection is.
#[derive(Debug)]
enum At {
    /// In a request's head.
    Head,
    /// A request is here; its answer is not.
    Asked,
    /// In an answer, or after it.
    Answered,
}

/// What is known of one connection.
#[derive(Debug)]
pub struct Pace {
    at: At,
    /// Of [`At::Head`] and [`At::Answered`].
    deadline: Instant,
    /// Bytes of the head so far.
    length: usize,
    /// Its first bytes, as far as they are those of HTTP/2.
    http2: bool,
    /// Its first line has ended.
    lines: bool,
    /// Its last line was ended, and nothing but CR has come since.
    blank: bool,
}

impl Pace {
    /// A connection begins.
    #[must_use]
    pub fn begin(now: Instant) -> Self {
        let (length, http2, lines, blank) = (0, true, false, false);
        Self { at: At::Head, deadline: now + HEAD_WITHIN, length, http2, lines, blank }
    }

    /// These bytes came.
    pub fn came(&mut self, bytes: &[u8], now: Instant) -> Result<(), End> {
        if matches!(self.at, At::Answered) && !bytes.is_empty() {
            *self = Self::begin(now);
        }
        if !matches!(self.at, At::Head) {
            return Ok(());
        }
        for byte in bytes {
            // Empty lines before a request are none of it.
            let nothing_yet = self.length == 0 && matches!(byte, b'\r' | b'\n');
            if nothing_yet {
                continue;
            }
            self.http2 &= HTTP2.get(self.length).is_none_or(|expected| expected == byte);
            self.length += 1;
            match byte {
                b'\n' if self.blank && self.http2 => return Err(End::Http2),
                b'\n' if self.blank => {
                    self.at = At::Asked;
                    return Ok(());
                }
                b'\n' => (self.blank, self.lines) = (true, true),
                b'\r' => {}
                _ => self.blank = false,
            }
            if self.length > HEAD_MOST {
                return Err(if self.lines { End::LongHead } else { End::LongAddress });
            }
        }
        Ok(())
    }

    /// These bytes were sent.
    pub fn sent(&mut self, bytes: &[u8], now: Instant) {
        // "100 Continue" answers nothing.
        if !bytes.is_empty() && !bytes.starts_with(b"HTTP/1.1 100 ") {
            self.at = At::Answered;
            self.deadline = now + IDLE;
        }
    }

    /// Until when something has to come.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        if matches!(self.at, At::Asked) { None } else { Some(self.deadline) }
    }

    /// Nothing came until then.
    #[must_use]
    pub const fn late(&self) -> End {
        // One that never said anything is not told anything either.
        if matches!(self.at, At::Head) && self.length > 0 { End::Late } else { End::Idle }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    fn after(pieces: &[&[u8]]) -> (Pace, Result<(), End>) {
        let now = Instant::now();
        let mut pace = Pace::begin(now);
        let mut said = Ok(());
        for piece in pieces {
            said = said.and_then(|()| pace.came(piece, now));
        }
        (pace, said)
    }

    #[test]
    fn a_head_has_a_deadline_and_an_answer_in_the_making_has_none() {
        let (pace, _) = after(&[&ASKED[..ASKED.len() - 1]]);
        assert!(pace.deadline().is_some());
        assert_eq!(pace.late(), End::Late);
        for asked in [ASKED, b"\r\n\r\nGET / HTTP/1.1\n\n", b"POST / HTTP/1.1\r\n\r\n{}"] {
            let (pace, said) = after(&[asked]);
            assert_eq!((pace.deadline(), said), (None, Ok(())));
        }
        assert_eq!(after(&[]).0.late(), End::Idle);
        assert_eq!(after(&[b"\r\n\r\n"]).0.late(), End::Idle);
    }

    #[test]
    fn an_answer_begins_the_wait_for_the_next_request() {
        let (mut pace, _) = after(&[ASKED]);
        let now = Instant::now();
        pace.sent(b"HTTP/1.1 100 Continue\r\n\r\n", now);
        assert_eq!(pace.deadline(), None);
        pace.sent(b"HTTP/1.1 200 OK\r\n", now);
        assert_eq!(pace.deadline(), Some(now + IDLE));
        assert_eq!(pace.late(), End::Idle);
        assert_eq!(pace.came(b"G", now), Ok(()));
        assert_eq!(pace.deadline(), Some(now + HEAD_WITHIN));
        assert_eq!(pace.late(), End::Late);
    }

    #[test]
    fn a_head_is_bounded_and_a_body_is_not_its_matter() {
        let address = vec![b'a'; HEAD_MOST + 1];
        assert_eq!(after(&[&address]).1, Err(End::LongAddress));
        assert_eq!(after(&[b"GET / HTTP/1.1\r\nx: ", &address]).1, Err(End::LongHead));
        assert_eq!(after(&[ASKED, &address]).1, Ok(()));
        assert_eq!(after(&[HTTP2, b"\r\n\r\nSM\r\n\r\n"]).1, Err(End::Http2));
    }

    proptest! {
        #[test]
        fn how_a_head_is_cut_to_pieces_does_not_matter(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'P'), any::<u8>()], 0..200),
            cuts in proptest::collection::vec(0..200usize, 0..5),
        ) {
            let (whole, said) = after(&[&bytes]);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            let (pieced, also_said) = after(&pieces);
            prop_assert_eq!(said, also_said);
            prop_assert_eq!(whole.deadline().is_some(), pieced.deadline().is_some());
            // As whoever reads the request sees it: it ends with an empty line.
            let text: Vec<_> = bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
            let begun = text.iter().position(|byte| *byte != b'\n').unwrap_or(text.len());
            let ended = text[begun..].windows(2).any(|two| two == b"\n\n");
            if said.is_ok() && bytes.iter().all(|byte| *byte != b'\r') {
                prop_assert_eq!(whole.deadline().is_none(), ended);
            }
        }
    }
}
