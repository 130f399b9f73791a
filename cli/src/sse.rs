//! Server-sent events, as the HTML standard has them, read piece by piece.

use crate::failure::{Failure, Result};

/// The most bytes of one event.
const MOST: usize = 16 * 1024 * 1024;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: String,
}

#[derive(Debug, Default)]
pub struct Parser {
    /// The start of a line.
    line: Vec<u8>,
    /// The event that is not yet whole.
    event: Event,
}

impl Parser {
    /// Answers the events that this piece completes.
    pub fn add(&mut self, piece: &[u8]) -> Result<Vec<Event>> {
        let mut whole = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&self.line).into_owned();
                self.line.clear();
                whole.extend(self.end_line(line.trim_end_matches(['\n', '\r'])));
            }
            if self.line.len() + self.event.data.len() > MOST {
                let text = format!("an event has more than {MOST} bytes; is it the API?");
                return Err(Failure::Failed(text));
            }
        }
        Ok(whole)
    }

    /// An empty line ends an event. One without data is none.
    fn end_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return (!event.data.is_empty()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut self.event.id),
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // A comment, or what is not known.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn event(id: &str, name: &str, data: &str) -> Event {
        Event { id: id.to_owned(), name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_are_read_wherever_the_stream_is_cut() {
        let stream = "id: 1-0.2-0\nevent: phase\ndata: {\"a\":\ndata: 1}\n\n: keep-alive\n\n\
                      event:log\r\ndata:x: y\r\n\r\nunknown\ndata: last\n\nid: 5\n\ndata: not whole";
        let expected = [
            event("1-0.2-0", "phase", "{\"a\":\n1}"),
            event("", "log", "x: y"),
            event("", "", "last"),
        ];
        for size in 1..stream.len() {
            let mut parser = Parser::default();
            let pieces = stream.as_bytes().chunks(size);
            let events: Vec<_> = pieces.flat_map(|piece| parser.add(piece).unwrap()).collect();
            assert_eq!(events, expected, "{size} bytes at a time");
        }
    }

    #[test]
    fn an_event_without_an_end_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; MOST / 2 + 1];
        assert!(parser.add(&piece).is_ok());
        assert_eq!(parser.add(&piece).unwrap_err().exit_code(), 1);
    }
}
