//! What can go wrong, how it is told, and the exit code that it has.

use std::{fmt::Write as _, io, time::Duration};

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

/// The exit codes, as `--help` tells them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    the operation failed, or the run ended other than DONE
  2    bad usage
  3    refused by the API
  4    API or store out of reach
  130  interrupted while following; the run goes on";

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The API answered with an error.
    #[error("{0}")]
    Answered(Problem),
    /// No answer from the API or from a store.
    #[error("{0}")]
    Unreachable(String),
    /// It was tried, and failed.
    #[error("{0}")]
    Failed(String),
    /// Ctrl-C; what goes on without us.
    #[error("{0}")]
    Interrupted(String),
    /// Standard output cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// The exit code of the process.
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

    /// Did nobody answer who could? Then asking again may help.
    pub fn is_out_of_reach(&self) -> bool {
        self.exit_code() == 4
    }

    /// May the API answer again by itself? Its own failures count, for a run
    /// does not end with them.
    pub fn may_pass(&self) -> bool {
        let own = matches!(self, Self::Answered(problem) if problem.status >= 500);
        own || self.is_out_of_reach()
    }

    /// How long the API asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// Tells it on standard error.
    pub fn report(&self) {
        match self {
            // The reader of a pipe that has enough is no error.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Self::Interrupted(what) => eprintln!("{what}"),
            _ => eprintln!("error: {self}"),
        }
    }
}

/// An error of the API, in its own words (RFC 9457).
#[derive(Debug, Default, PartialEq, Eq, Deserialize, thiserror::Error)]
#[serde(default)]
#[error("{}", self.text())]
pub struct Problem {
    /// The HTTP status; the one of the answer wins over the body's.
    #[serde(skip)]
    pub status: u16,
    /// `Retry-After`, if it was given in seconds.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
    title: String,
    detail: Option<String>,
    errors: Option<Vec<Value>>,
}

impl Problem {
    /// Reads an error answer. What comes from a proxy on the way is rarely
    /// problem+json: then the status speaks, with the first line of the body.
    pub fn read(status: StatusCode, retry_after: Option<&str>, body: &str) -> Self {
        let mut problem = serde_json::from_str(body).unwrap_or_else(|_| Self {
            detail: body.lines().find(|line| !line.trim().is_empty()).map(shortened),
            ..Self::default()
        });
        if problem.title.is_empty() {
            status.canonical_reason().unwrap_or("Unknown error").clone_into(&mut problem.title);
        }
        problem.status = status.as_u16();
        problem.retry_after =
            retry_after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        problem
    }

    fn text(&self) -> String {
        let mut text = format!("{} ({})", self.title, self.status);
        let errors: Vec<_> = self.errors.iter().flatten().map(one_error).collect();
        // Some details are no more than the errors in one line.
        let says_more =
            |detail: &&String| errors.is_empty() || !errors.iter().all(|e| detail.contains(e));
        if let Some(detail) = self.detail.as_ref().filter(says_more) {
            let _ = write!(text, ": {detail}");
        }
        for error in errors {
            let _ = write!(text, "\n  - {error}");
        }
        text
    }
}

fn shortened(line: &str) -> String {
    line.trim().chars().take(200).collect()
}

/// One of `errors`: RFC 9457 leaves their form open, but names `detail` and
/// `pointer` in its example.
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

    fn problem(status: StatusCode, body: &str) -> Problem {
        Problem::read(status, None, body)
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
    fn retry_after_is_taken_in_seconds_only() {
        let wait =
            |text| Problem::read(StatusCode::SERVICE_UNAVAILABLE, Some(text), "{}").retry_after;
        assert_eq!(wait("5"), Some(Duration::from_secs(5)));
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }

    #[test]
    fn exit_codes_tell_refused_from_failed_from_out_of_reach() {
        let answered = |status| Failure::Answered(problem(status, "{}"));
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
    fn only_what_may_pass_is_waited_out() {
        let passes = |status| Failure::Answered(problem(status, "{}")).may_pass();
        assert!(passes(StatusCode::SERVICE_UNAVAILABLE));
        assert!(passes(StatusCode::INTERNAL_SERVER_ERROR));
        assert!(!passes(StatusCode::NOT_FOUND));
        assert!(!Failure::Failed("an answer that makes no sense".into()).may_pass());
    }
}
