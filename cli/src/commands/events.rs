//! `pedidos events`: the stream of events, which goes on wherever it was cut.

use std::time::Duration;

use pedidos_core::text::one_line;
use serde_json::{Value, value::RawValue};
use tokio::time::{sleep, timeout};

use crate::{
    args::{self, EventKind},
    client::Client,
    failure::{Failure, Result},
    figure::{NONE, clock},
    interrupt, output,
    sse::{Event, Parser},
};

/// The API sends a comment every 15 seconds: a stream that is silent for so long is broken.
const SILENT: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_secs(1);

pub async fn run(client: &Client, args: &args::Events) -> Result<()> {
    // An interrupt is the only end that a user can want here: there is nothing to say.
    interrupt::or(follow(client, args), String::new).await
}

async fn follow(client: &Client, args: &args::Events) -> Result<()> {
    let (mut last, mut in_trouble) = (args.after.clone(), false);
    loop {
        let before = last.clone();
        let failure = match stream(client, args, &mut last).await {
            // A replica ends its streams when it stops.
            Ok(()) => Failure::Unreachable("the stream of events has ended".to_owned()),
            Err(failure) => failure,
        };
        if !failure.is_transient() {
            return Err(failure);
        }
        in_trouble &= before == last;
        if !in_trouble {
            output::note(&format!("{failure}; still trying"));
        }
        in_trouble = true;
        sleep(failure.pause(PAUSE)).await;
    }
}

async fn stream(client: &Client, args: &args::Events, last: &mut Option<String>) -> Result<()> {
    let late = |_| Failure::Unreachable(format!("no event within {SILENT:?}"));
    let mut answer = timeout(SILENT, client.events(last.as_deref())).await.map_err(late)??;
    let mut parser = Parser::default();
    while let Some(piece) = timeout(SILENT, client.piece(&mut answer)).await.map_err(late)?? {
        for event in parser.add(piece.as_ref())? {
            if is_wanted(&event, &args.only) {
                print(&event)?;
            }
            if !event.id.is_empty() {
                *last = Some(event.id);
            }
        }
    }
    Ok(())
}

/// A gap is always told.
fn is_wanted(event: &Event, only: &[EventKind]) -> bool {
    only.is_empty() || event.name == "gap" || only.iter().any(|kind| kind.as_str() == event.name)
}

/// With --json, each event is a document on a line of its own.
fn print(event: &Event) -> Result<()> {
    let wrong = |error| Failure::Failed(format!("cannot read an event: {error}; is it the API?"));
    if output::is_json() {
        let data: &RawValue = serde_json::from_str(&event.data).map_err(wrong)?;
        let [id, name] = [&event.id, &event.name].map(|text| Value::from(text.as_str()));
        return output::json(&format!("{{\"id\":{id},\"event\":{name},\"data\":{data}}}"));
    }
    output::line(&text(&event.name, &serde_json::from_str(&event.data).map_err(wrong)?))
}

fn text(name: &str, data: &Value) -> String {
    let of = |place: &str| data.pointer(place).and_then(Value::as_str).map(one_line);
    match name {
        "phase" => {
            let [at, phase, run] = ["/at", "/phase", "/runId"].map(of);
            let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
            format!("{} {} run {}", clock(at.as_deref()), or_none(phase), or_none(run))
        }
        "progress" => {
            let number = |place: &str| data.pointer(place).cloned().unwrap_or_default();
            let [percent, done, target] =
                ["/eta/progressPercent", "/progress/processedTotal", "/progress/target"]
                    .map(number);
            let phase = of("/phase").unwrap_or_default();
            format!("{phase} {percent} % · {done} of {target} orders processed")
        }
        "log" => of("/line").unwrap_or_default(),
        "gap" => format!(
            "events after {} are no longer there: some are missing here",
            of("/after").unwrap_or_default()
        ),
        name => format!("{} {data}", one_line(name)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_event_is_one_line() {
        for (name, data, expected) in [
            (
                "phase",
                json!({ "phase": "DONE", "runId": "r", "at": "2026-03-01T12:00:20.456Z" }),
                "12:00:20.456 DONE run r",
            ),
            (
                "phase",
                json!({ "phase": "IDLE", "runId": null, "at": "2026-03-01T12:00:20.456Z" }),
                "12:00:20.456 IDLE run -",
            ),
            (
                "progress",
                json!({
                    "phase": "GENERATING", "eta": { "progressPercent": 12.5 },
                    "progress": { "processedTotal": 5, "target": 40 }
                }),
                "GENERATING 12.5 % · 5 of 40 orders processed",
            ),
            ("log", json!({ "level": "INFO", "line": "a\nb" }), "a\u{fffd}b"),
            (
                "gap",
                json!({ "after": "1-0.1-0" }),
                "events after 1-0.1-0 are no longer there: some are missing here",
            ),
            ("new", json!({ "a": 1 }), "new {\"a\":1}"),
        ] {
            assert_eq!(text(name, &data), expected);
        }
    }

    #[test]
    fn what_is_not_wanted_is_left_out_but_for_a_gap() {
        let named = |name: &str| Event { name: name.to_owned(), ..Event::default() };
        let only = [EventKind::Phase];
        let wanted = ["phase", "log", "progress", "gap"].map(|name| is_wanted(&named(name), &only));
        assert_eq!(wanted, [true, false, false, true]);
        assert!(is_wanted(&named("log"), &[]));
    }
}
