//! What a receiver answers: in many ways well, and in more ways badly.

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use time::{OffsetDateTime, macros::format_description};

use super::call::{Call, Sent, Verdict};

/// An answer, or what there is instead of one.
#[derive(Clone)]
pub enum Reply {
    /// A status, headers, and a body.
    Http(u16, Vec<(&'static str, String)>, String),
    /// The same as this, so much later.
    Late(Duration, Box<Self>),
    /// Nothing, until [`super::Receiver::let_go`]: then what is to be answered by then.
    Hang,
    /// The first half of what would be good, and then the connection ends.
    Half,
    /// Bytes that are no HTTP.
    Garbage,
    /// Good JSON, and 100 MiB of it.
    Huge,
    /// The connection ends before any answer.
    Close,
}

/// How a receiver says when it wants to be called again.
#[derive(Debug, Clone, Copy)]
pub enum RetryAfter {
    Seconds(u64),
    /// The same as a date of HTTP.
    Date(u64),
}

impl RetryAfter {
    fn text(self) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date(seconds) => {
                let form = format_description!(
                    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
                );
                // A date has whole seconds: the next one, so that it is not too early.
                let at = SystemTime::now() + Duration::from_secs(seconds + 1);
                OffsetDateTime::from(at).format(form).expect("it is a date")
            }
        }
    }
}

impl Reply {
    /// 200 and this.
    pub fn json(body: &Value) -> Self {
        Self::Http(200, vec![("content-type", "application/json".to_owned())], body.to_string())
    }

    pub const fn status(status: u16) -> Self {
        Self::Http(status, Vec::new(), String::new())
    }

    /// A status with `Retry-After`.
    pub fn later(status: u16, after: RetryAfter) -> Self {
        Self::Http(status, vec![("retry-after", after.text())], String::new())
    }

    /// A redirect to this address.
    pub fn redirect(to: &str) -> Self {
        Self::Http(307, vec![("location", to.to_owned())], String::new())
    }

    /// A good status, and no JSON.
    pub fn not_json() -> Self {
        let html = vec![("content-type", "text/html".to_owned())];
        Self::Http(200, html, "<html>It works!</html>".to_owned())
    }

    /// Every order is done.
    pub fn ok(call: &Call) -> Self {
        Self::each(call, |_| Verdict::OK)
    }

    /// This for every order.
    pub fn all(call: &Call, verdict: &Verdict) -> Self {
        Self::each(call, |_| verdict.clone())
    }

    /// `results`: a verdict for each order.
    pub fn each(call: &Call, verdict: impl Fn(&Sent) -> Verdict) -> Self {
        let results = call.orders.iter().filter_map(|order| result(&order.id, &verdict(order)));
        Self::json(&json!({ "results": results.collect::<Vec<_>>() }))
    }

    /// `batchItemFailures`: those that are to be called again.
    pub fn failures(call: &Call, again: impl Fn(&Sent) -> bool) -> Self {
        let again = call.orders.iter().filter(|order| again(order));
        let again: Vec<_> = again.map(|order| json!({ "itemIdentifier": order.id })).collect();
        Self::json(&json!({ "batchItemFailures": again }))
    }

    /// As [`Self::ok`], and for an order that was not asked about.
    pub fn foreign(call: &Call) -> Self {
        let ids = call.orders.iter().map(|order| order.id.as_str());
        let ids = ids.chain(["01a20641-6fe7-7000-8000-1011b5a21848"]);
        let results: Vec<_> = ids.filter_map(|id| result(id, &Verdict::OK)).collect();
        Self::json(&json!({ "results": results }))
    }

    /// As [`Self::ok`], and every order twice.
    pub fn twice(call: &Call) -> Self {
        let once: Vec<_> =
            call.orders.iter().filter_map(|order| result(&order.id, &Verdict::OK)).collect();
        let results = [once.clone(), once].concat();
        Self::json(&json!({ "results": results }))
    }

    /// This status for more than one order, and good for one.
    pub fn singles_only(call: &Call, status: u16) -> Self {
        if call.orders.len() > 1 { Self::status(status) } else { Self::ok(call) }
    }

    /// What it says of the orders of a call.
    pub(super) fn verdicts(&self, call: &Call) -> HashMap<String, Verdict> {
        let Self::Http(status, _, body) = self else { return HashMap::new() };
        let all = |verdict: Verdict| {
            call.orders.iter().map(move |order| (order.id.clone(), verdict.clone()))
        };
        if *status == 204 {
            return all(Verdict::OK).collect();
        }
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let listed = |list: &str| body[list].as_array().cloned();
        if !(200..300).contains(status) {
            HashMap::new()
        } else if let Some(again) = listed("batchItemFailures") {
            let again = again.into_iter().filter_map(|item| {
                Some((item["itemIdentifier"].as_str()?.to_owned(), Verdict::Retry(None)))
            });
            all(Verdict::OK).chain(again).collect()
        } else {
            let results = listed("results").unwrap_or_default();
            results
                .iter()
                .filter_map(|it| Some((it["id"].as_str()?.to_owned(), read(it)?)))
                .collect()
        }
    }
}

/// An entry of `results`.
fn result(id: &str, verdict: &Verdict) -> Option<Value> {
    Some(match verdict {
        Verdict::Ok(note) if note.is_empty() => json!({ "id": id, "status": "ok" }),
        Verdict::Ok(note) => json!({ "id": id, "status": "ok", "note": note }),
        Verdict::Retry(None) => json!({ "id": id, "status": "retry", "error": "not now" }),
        Verdict::Retry(Some(after)) => {
            json!({ "id": id, "status": "retry", "error": "not now", "retryAfterMs": after })
        }
        Verdict::Fail(error) => json!({ "id": id, "status": "fail", "error": error }),
        Verdict::LeftOut => return None,
    })
}

fn read(result: &Value) -> Option<Verdict> {
    let text = |field: &str| result[field].as_str().unwrap_or_default().to_owned();
    Some(match result["status"].as_str()? {
        "ok" => Verdict::Ok(text("note")),
        "retry" => Verdict::Retry(result["retryAfterMs"].as_u64()),
        _ => Verdict::Fail(text("error")),
    })
}

/// Without a long body.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(status, headers, body) => {
                write!(f, "{status} {headers:?} and {} bytes", body.len())
            }
            Self::Late(by, reply) => write!(f, "{reply:?} after {by:?}"),
            Self::Hang => f.write_str("nothing"),
            Self::Half => f.write_str("half an answer"),
            Self::Garbage => f.write_str("no HTTP"),
            Self::Huge => f.write_str("100 MiB"),
            Self::Close => f.write_str("an end of the connection"),
        }
    }
}
