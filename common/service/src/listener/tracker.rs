//! Limits how long a client may take over a request's head and how long the head may be. It
//! follows one connection by the bytes that pass.
//!
//! A head must arrive within [`HEAD_TIMEOUT`] of its first byte (the first head of a
//! connection: of its accept, so the TLS handshake counts) and have at most [`MAX_HEAD`] bytes.
//! The client may be silent while it is answered, and for [`IDLE_TIMEOUT`] after that.

#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::Instant;

use super::{
    close::CloseReason,
    head::{Framing, HeaderLine},
};

pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of method, address and all headers.
pub const MAX_HEAD: usize = 32 * 1_024;
/// Between requests, and in a body.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How HTTP/2 begins. It is refused: it would need limits of its own.
const HTTP2: &[u8] = b"PRI * HTTP/2.0";

/// Where in a request the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// In a request's head, or before it.
    Head,
    /// In a body, with the bytes that are left.
    Body(u64),
    /// In the line with a chunk's size: what is read of it (none: it makes no sense), and whether
    /// its digits go on.
    Size(Option<u64>, bool),
    /// In a chunk, with the bytes that are left, and the line's end after it.
    Chunk(u64),
    /// In the lines after the last chunk. True: this one is empty so far, but for CR.
    Trailer(bool),
    /// Not known: the framing makes no sense, and nothing is counted any more.
    Unclear,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about what came")]
pub struct RequestTracker {
    at: Position,
    /// A request has arrived, and its answer has not begun.
    unanswered: bool,
    /// When the head that has begun must be complete.
    head_until: Instant,
    /// When the next head must have begun.
    idle_until: Instant,
    /// Bytes of the head so far.
    length: usize,
    /// So far the head begins like HTTP/2.
    http2: bool,
    /// Its first line is complete.
    lines: bool,
    /// The current line is empty so far, but for CR.
    blank: bool,
    line: HeaderLine,
    framing: Framing,
    /// The head began while an answer was due, or one was sent since.
    answering: bool,
}

impl RequestTracker {
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let until = now + HEAD_TIMEOUT;
        Self {
            at: Position::Head,
            unanswered: false,
            head_until: until,
            idle_until: until,
            length: 0,
            http2: true,
            lines: false,
            blank: false,
            line: HeaderLine::default(),
            framing: Framing::Length(0),
            answering: false,
        }
    }

    /// Each head has these limits, also one that arrives before the previous request is answered.
    ///
    /// # Errors
    /// The head exceeds a limit.
    pub fn received(&mut self, bytes: &[u8], now: Instant) -> Result<(), CloseReason> {
        for byte in bytes {
            match self.at {
                Position::Head => self.in_head(*byte, now)?,
                Position::Body(left) => self.at = body(left - 1),
                Position::Size(size, in_digits) => self.in_size(*byte, size, in_digits),
                Position::Chunk(0) if *byte == b'\n' => self.at = Position::Size(Some(0), true),
                Position::Chunk(left) => self.at = Position::Chunk(left.saturating_sub(1)),
                Position::Trailer(true) if *byte == b'\n' => self.at = Position::Head,
                Position::Trailer(blank) => {
                    self.at = Position::Trailer(*byte == b'\n' || blank && *byte == b'\r');
                }
                Position::Unclear => return Ok(()),
            }
        }
        Ok(())
    }

    fn in_head(&mut self, byte: u8, now: Instant) -> Result<(), CloseReason> {
        if self.length == 0 {
            // Empty lines before a request are not part of it.
            if matches!(byte, b'\r' | b'\n') {
                return Ok(());
            }
            let first = self.head_until == self.idle_until;
            self.head_until = if first { self.head_until } else { now + HEAD_TIMEOUT };
            (self.http2, self.lines, self.blank) = (true, false, false);
            (self.line, self.framing) = (HeaderLine::default(), Framing::Length(0));
            self.answering = self.unanswered;
        }
        self.http2 &= HTTP2.get(self.length).is_none_or(|expected| *expected == byte);
        self.length += 1;
        match byte {
            b'\n' if self.blank && self.http2 => return Err(CloseReason::Http2),
            b'\n' if self.blank => {
                self.head_ends(now);
                return Ok(());
            }
            b'\n' => {
                (self.blank, self.lines) = (true, true);
                match (self.line.framing(), self.framing) {
                    (None, _) => {}
                    (Some(framing), Framing::Length(0)) => self.framing = framing,
                    (Some(framing), before) if framing == before => {}
                    _ => self.framing = Framing::Unclear,
                }
                self.line = HeaderLine::default();
            }
            b'\r' => {}
            byte => {
                self.blank = false;
                self.line.add(byte);
            }
        }
        if self.length > MAX_HEAD {
            return Err(if self.lines { CloseReason::LongHead } else { CloseReason::LongAddress });
        }
        Ok(())
    }

    fn head_ends(&mut self, now: Instant) {
        (self.unanswered, self.length, self.idle_until) = (true, 0, now + IDLE_TIMEOUT);
        self.at = match self.framing {
            Framing::Length(length) => body(length),
            Framing::Chunked => Position::Size(Some(0), true),
            Framing::Unclear => Position::Unclear,
        };
    }

    fn in_size(&mut self, byte: u8, size: Option<u64>, in_digits: bool) {
        let digit = char::from(byte).to_digit(16).filter(|_| in_digits);
        self.at = match (byte, digit, size) {
            (_, Some(digit), Some(size)) => Position::Size(
                size.checked_mul(16).and_then(|size| size.checked_add(digit.into())),
                true,
            ),
            (b'\n', _, Some(0)) => Position::Trailer(true),
            (b'\n', _, Some(size)) => Position::Chunk(size),
            (b'\n', _, None) => Position::Unclear,
            // What follows the digits is an extension, or CR.
            _ => Position::Size(size, false),
        };
    }

    pub fn sent(&mut self, bytes: &[u8], now: Instant) {
        // "100 Continue" answers nothing.
        if !bytes.is_empty() && !bytes.starts_with(b"HTTP/1.1 100 ") {
            (self.unanswered, self.answering) = (false, true);
            self.idle_until = now + IDLE_TIMEOUT;
        }
    }

    /// When the client must have sent something.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.at {
            Position::Head if self.length > 0 => Some(self.head_until),
            _ if self.unanswered => None,
            _ => Some(self.idle_until),
        }
    }

    /// Has every request that has begun arrived completely?
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self.at, Position::Head) && self.length == 0
    }

    /// Is there no request to be answered?
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(self.at, Position::Head) && !self.unanswered
    }

    /// May this head have begun in the middle of an answer? Then a problem cannot be answered.
    #[must_use]
    pub const fn is_answering(&self) -> bool {
        self.length > 0 && self.answering
    }

    /// The deadline has passed.
    #[must_use]
    pub const fn late(&self) -> CloseReason {
        // A client that sent nothing is answered nothing.
        if matches!(self.at, Position::Head) && self.length > 0 {
            CloseReason::Late
        } else {
            CloseReason::Idle
        }
    }

    #[must_use]
    pub const fn evicted(&self) -> CloseReason {
        if self.length > 0 { CloseReason::Evicted } else { CloseReason::Idle }
    }
}

const fn body(left: u64) -> Position {
    if left == 0 { Position::Head } else { Position::Body(left) }
}
