//! What can go wrong, and the exit code for it.

use std::{fmt::Write as _, io, time::Duration};

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The longest pause before a call is repeated, whatever the API asks for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

pub type Result<T> = std::result::Result<T, Failure>;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line, a setting or a file of the user is wrong.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Answered(Box<ErrorAnswer>),
    /// Neither the API nor a proxy before it answered.
    #[error("{0}")]
    Unreachable(String),
    #[error("{0}")]
    Failed(String),
    /// A signal asked to stop; the text says what continues without this process.
    #[error("{0}")]
    Interrupted(String),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Output(_) => 1,
            Self::Usage(_) => 2,
            Self::Answered(problem) => match problem.status {
                400..500 => 3,
                502..=504 => 4,
                _ => 1,
            },
            Self::Unreachable(_) => 4,
            Self::Interrupted(_) => 130,
        }
    }

    /// As problem+json (RFC 9457), with the `exitCode`. That of the API is as it came.
    pub fn problem(&self) -> Map<String, Value> {
        let mut problem = match self {
            Self::Answered(answer) => answer.problem(),
            _ => members([("type", json!("about:blank")), ("title", json!(self.title()))]),
        };
        let detail = self.to_string();
        if !detail.is_empty() {
            problem.entry("detail").or_insert(json!(detail));
        }
        problem.insert("exitCode".to_owned(), json!(self.exit_code()));
        problem
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::Usage(_) => "Bad usage",
            Self::Answered(_) => "Answered",
            Self::Unreachable(_) => "Not reached",
            Self::Failed(_) => "Failed",
            Self::Interrupted(_) => "Interrupted",
            Self::Output(_) => "Output failed",
        }
    }

    /// Could the API not be reached, or could it not reach its stores?
    pub fn is_unreachable(&self) -> bool {
        self.exit_code() == 4
    }

    /// May the same call succeed later? True for an error of the API, too: a run does not end
    /// with it.
    pub fn is_transient(&self) -> bool {
        let own = matches!(self, Self::Answered(problem) if problem.status >= 500);
        own || self.is_unreachable() || self.is_rate_limited()
    }

    pub fn is_rate_limited(&self) -> bool {
        matches!(self, Self::Answered(problem) if problem.status == 429)
    }

    /// The status and the title of an error answer.
    pub fn answered(&self) -> Option<(u16, &str)> {
        match self {
            Self::Answered(problem) => Some((problem.status, &problem.title)),
            _ => None,
        }
    }

    /// Adds what the user can do if the API asked for a key.
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        if let Self::Answered(problem) = &mut self
            && problem.status == 401
        {
            problem.hint = hint;
        }
        self
    }

    /// How long the API asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// How long to wait before the next of a series of calls: what the API asked for, for an
    /// earlier call would be refused again; or else the usual pause.
    pub fn pause(&self, usual: Duration) -> Duration {
        self.retry_after().unwrap_or(usual).clamp(usual, LONGEST_PAUSE)
    }
}

/// An error answer of the API (RFC 9457).
#[derive(Debug, Default, PartialEq, Eq, Deserialize, thiserror::Error)]
#[serde(default)]
#[error("{}", self.text())]
pub struct ErrorAnswer {
    /// The status of the answer, not the one in its body.
    #[serde(skip)]
    pub status: u16,
    /// `Retry-After`, if it is in seconds.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
    #[serde(skip)]
    hint: Option<String>,
    /// The body, if it is an object.
    #[serde(skip)]
    body: Map<String, Value>,
    title: String,
    detail: Option<String>,
    errors: Option<Vec<Value>>,
}

impl ErrorAnswer {
    /// Reads an error answer. One of a proxy is rarely problem+json: then the text is the status
    /// and the first line of the body.
    pub fn read(status: StatusCode, retry_after: Option<&str>, body: &str) -> Self {
        let mut problem = serde_json::from_str(body).unwrap_or_else(|_| Self {
            detail: body.lines().find(|line| !line.trim().is_empty()).map(shortened),
            ..Self::default()
        });
        if problem.title.is_empty() {
            status.canonical_reason().unwrap_or("Unknown error").clone_into(&mut problem.title);
        }
        problem.body = serde_json::from_str(body).unwrap_or_default();
        problem.status = status.as_u16();
        problem.retry_after =
            retry_after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        problem
    }

    fn problem(&self) -> Map<String, Value> {
        let mut problem = self.body.clone();
        let own = members([
            ("type", json!("about:blank")),
            ("title", json!(self.title)),
            ("status", json!(self.status)),
        ]);
        for (name, value) in own {
            problem.entry(name).or_insert(value);
        }
        if let Some(hint) = &self.hint {
            problem.insert("hint".to_owned(), json!(hint));
        }
        problem
    }

    fn text(&self) -> String {
        let mut text = format!("{} ({})", self.title, self.status);
        let errors: Vec<_> = self.errors.iter().flatten().map(one_error).collect();
        // The detail of invalid parameters is the errors in one line.
        let says_more =
            |detail: &&String| errors.is_empty() || !errors.iter().all(|e| detail.contains(e));
        if let Some(detail) = self.detail.as_ref().filter(says_more) {
            let _ = write!(text, ": {detail}");
        }
        for error in errors {
            let _ = write!(text, "\n  - {error}");
        }
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\n{hint}");
        }
        text
    }
}

fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn shortened(line: &str) -> String {
    line.trim().chars().take(200).collect()
}

/// One of `errors`. RFC 9457 does not fix their members; its example has `detail` and `pointer`.
fn one_error(error: &Value) -> String {
    let of = |names: &[&str]| names.iter().find_map(|name| error.get(name)?.as_str());
    let place = of(&["name", "parameter", "field", "pointer"]);
    let words = of(&["detail", "message", "reason"]);
    match (error.as_str(), place, words) {
        (Some(text), ..) => text.to_owned(),
        (None, Some(place), Some(words)) if !words.contains(place) => format!("{place}: {words}"),
        (None, _, Some(words)) => words.to_owned(),
        (None, ..) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: StatusCode, body: &str) -> ErrorAnswer {
        ErrorAnswer::read(status, None, body)
    }

    #[test]
    fn a_problem_is_told_with_title_detail_and_every_error() {
        let body = r#"{"type": "about:blank", "title": "Bad request", "status": 400,
            "detail": "2 parameters are wrong", "errors": [
                {"parameter": "quantity", "detail": "'0' is not 1..1500000"},
                {"detail": "seed: 'x' is not a whole number", "pointer": "seed"},
                "and a plain one"
            ], "added": {}}"#;
        assert_eq!(
            problem(StatusCode::BAD_REQUEST, body).to_string(),
            "Bad request (400): 2 parameters are wrong\
             \n  - quantity: '0' is not 1..1500000\
             \n  - seed: 'x' is not a whole number\
             \n  - and a plain one"
        );
    }

    #[test]
    fn a_detail_that_repeats_the_errors_is_left_out() {
        let body = r#"{"type": "about:blank", "title": "Invalid parameters", "status": 400,
            "detail": "quantity: '0' is too small; seed: 'x' is no number", "errors": [
                {"name": "quantity", "detail": "'0' is too small"},
                {"name": "seed", "detail": "'x' is no number"}
            ]}"#;
        assert_eq!(
            problem(StatusCode::BAD_REQUEST, body).to_string(),
            "Invalid parameters (400)\n  - quantity: '0' is too small\n  - seed: 'x' is no number"
        );
    }

    #[test]
    fn an_error_that_is_no_problem_json_is_told_by_its_status() {
        let proxy = problem(StatusCode::BAD_GATEWAY, "\n<html>nginx</html>\n<p>");
        assert_eq!(proxy.to_string(), "Bad Gateway (502): <html>nginx</html>");
        assert_eq!(problem(StatusCode::NOT_FOUND, "").to_string(), "Not Found (404)");
    }

    #[test]
    fn an_error_of_the_api_is_handed_on_as_it_came() {
        let body = r#"{"type": "about:blank", "title": "Another run is active", "status": 409,
            "detail": "run r is active", "runId": "r", "added": {"is": "kept"}}"#;
        let failure = Failure::Answered(Box::new(problem(StatusCode::CONFLICT, body)));
        assert_eq!(
            Value::Object(failure.problem()),
            json!({
                "type": "about:blank", "title": "Another run is active", "status": 409,
                "detail": "run r is active", "runId": "r", "added": {"is": "kept"}, "exitCode": 3
            })
        );
        let failure =
            Failure::Answered(Box::new(problem(StatusCode::BAD_GATEWAY, "<html>nginx</html>")));
        assert_eq!(
            Value::Object(failure.problem()),
            json!({
                "type": "about:blank", "title": "Bad Gateway", "status": 502,
                "detail": "Bad Gateway (502): <html>nginx</html>", "exitCode": 4
            })
        );
    }

    #[test]
    fn an_own_error_is_a_problem_without_a_status() {
        assert_eq!(
            Value::Object(Failure::Usage("no such verb".into()).problem()),
            json!({
                "type": "about:blank", "title": "Bad usage", "detail": "no such verb", "exitCode": 2
            })
        );
    }

    #[test]
    fn retry_after_is_taken_in_seconds_only() {
        let wait =
            |text| ErrorAnswer::read(StatusCode::SERVICE_UNAVAILABLE, Some(text), "{}").retry_after;
        assert_eq!(wait("5"), Some(Duration::from_secs(5)));
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }

    #[test]
    fn the_pause_is_what_the_api_asks_for() {
        let asked = |seconds| {
            let problem = ErrorAnswer::read(StatusCode::TOO_MANY_REQUESTS, seconds, "{}");
            Failure::Answered(Box::new(problem)).pause(Duration::from_millis(500)).as_millis()
        };
        assert_eq!(
            [Some("7"), Some("0"), Some("86400"), None].map(asked),
            [7_000, 500, 60_000, 500]
        );
    }

    #[test]
    fn exit_codes_differ_for_refused_failed_and_unreachable() {
        let answered = |status| Failure::Answered(Box::new(problem(status, "{}")));
        let codes = [
            (answered(StatusCode::CONFLICT), 3),
            (answered(StatusCode::BAD_REQUEST), 3),
            (answered(StatusCode::INTERNAL_SERVER_ERROR), 1),
            (answered(StatusCode::FOUND), 1),
            (answered(StatusCode::BAD_GATEWAY), 4),
            (answered(StatusCode::SERVICE_UNAVAILABLE), 4),
            (Failure::Unreachable(String::new()), 4),
            (Failure::Failed(String::new()), 1),
            (Failure::Usage(String::new()), 2),
            (Failure::Interrupted(String::new()), 130),
            (Failure::Output(io::ErrorKind::BrokenPipe.into()), 1),
        ];
        for (failure, code) in codes {
            assert_eq!(failure.exit_code(), code, "{failure:?}");
        }
    }

    #[test]
    fn only_what_is_transient_is_waited_out() {
        let passes = |status| Failure::Answered(Box::new(problem(status, "{}"))).is_transient();
        assert!(passes(StatusCode::SERVICE_UNAVAILABLE));
        assert!(passes(StatusCode::INTERNAL_SERVER_ERROR));
        assert!(passes(StatusCode::TOO_MANY_REQUESTS));
        assert!(!passes(StatusCode::NOT_FOUND));
        assert!(!Failure::Failed("an answer that makes no sense".into()).is_transient());
    }
}
