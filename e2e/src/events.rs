//! A stream of server-sent events, read as a browser reads it.

use serde_json::Value;

use crate::wait::in_time;

#[derive(Debug, Clone)]
pub struct Event {
    /// What it is called: phase, progress, log, gap.
    pub name: String,
    /// To be given as `Last-Event-ID`.
    pub id: String,
    pub data: Value,
}

impl Event {
    /// Its places in the streams of log lines and of changes of phase.
    pub fn places(&self) -> (&str, &str) {
        self.id.split_once('.').unwrap_or_else(|| panic!("no id: {self:#?}"))
    }
}

pub struct Events {
    response: reqwest::Response,
    /// Received, and not read yet: an event may come in pieces.
    received: Vec<u8>,
}

impl Events {
    /// Of an answer that was accepted.
    pub(crate) fn of(response: reqwest::Response) -> Self {
        let content = response.headers().get(reqwest::header::CONTENT_TYPE);
        let content = content.and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(content.starts_with("text/event-stream"), "{response:#?}");
        Self { response, received: Vec::new() }
    }

    /// The next event; none if the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.received.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.received.drain(..end + 2).collect();
                if let Some(event) = read(&String::from_utf8_lossy(&block)) {
                    return Some(event);
                }
            }
            let chunk = in_time("an event, or a heartbeat", self.response.chunk()).await;
            // A process that is killed ends its streams in the middle.
            self.received.extend(chunk.ok().flatten()?);
        }
    }

    /// All events up to one that is wanted, with it.
    pub async fn until(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
        in_time(what, async {
            let mut events = Vec::new();
            loop {
                let event = self.next().await;
                events.push(event.unwrap_or_else(|| panic!("{what}: the stream has ended")));
                if events.last().is_some_and(&wanted) {
                    return events;
                }
            }
        })
        .await
    }
}

/// Reads one block of lines; a comment is no event.
fn read(block: &str) -> Option<Event> {
    let mut event = Event { name: String::new(), id: String::new(), data: Value::Null };
    let mut data = String::new();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "id" => value.clone_into(&mut event.id),
            "data" => data.push_str(value),
            _ => {}
        }
    }
    if data.is_empty() {
        return None;
    }
    event.data = serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {block}"));
    Some(event)
}
