//! `pedidos-worker verify`: checks the run that has ended, and prints the report. `pedidos audit`
//! executes it: the check needs the drivers of both stores, which the command line does without.

use std::{
    env,
    ffi::OsStr,
    fmt::Write as _,
    future::poll_fn,
    io::{self, Write as _},
    process::ExitCode,
    task::Poll,
};

use clap::{Arg, ArgAction, ArgMatches, Command};
use pedidos_core::{
    redact::redacted,
    signals::is_ignored,
    text::{count, printable},
};
use pedidos_pipeline::{
    queue::{Queue, QueueError},
    store::{Store, StoreError},
    verify::{Report, VerifyError, verify_run},
};
use pedidos_service::{
    config::{self, refuse, with_flags},
    output,
    settings::Settings,
};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

const NAME: &str = "verify";
const JSON: &str = "json";

const ABOUT: &str = "\
Check the run that has ended: every order against the generator, and the ledger, the fence and \
the queue against the orders. Reads MongoDB and Redis, not the API, and changes nothing. Takes \
the settings of API and worker, from flags, the environment and .env.";

const EXIT_CODES: &str = "\
Exit codes:
  0    every check holds
  1    a check does not hold, or the run cannot be checked
  2    bad usage
  4    a store cannot be reached
  130  interrupted (Ctrl-C, SIGTERM, SIGHUP)";

/// Why the check is no success. The exit codes are those of `pedidos`.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Flags or settings.
    #[error("{}", .0.join("; "))]
    Usage(Vec<String>),
    #[error("{broken} of {all} checks do not hold")]
    Broken { broken: usize, all: usize },
    #[error(transparent)]
    Unchecked(#[from] VerifyError),
    #[error("interrupted before the check was complete; run it again")]
    Interrupted,
    #[error("cannot write the report: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Unchecked(
                VerifyError::Queue(QueueError::Unavailable(_))
                | VerifyError::Store(StoreError::Unavailable(_)),
            ) => 4,
            Self::Broken { .. } | Self::Unchecked(_) | Self::Output(_) => 1,
            Self::Usage(_) => 2,
            Self::Interrupted => 130,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::Usage(_) => "Bad usage",
            Self::Broken { .. } => "Not as it should be",
            Self::Unchecked(_) => "Not checked",
            Self::Interrupted => "Interrupted",
            Self::Output(_) => "Output failed",
        }
    }

    /// As problem+json (RFC 9457), as `pedidos` has it.
    fn problem(&self) -> Value {
        let detail = printable(&redacted(&self.to_string()));
        json!({
            "type": "about:blank", "title": self.title(), "detail": detail,
            "exitCode": self.exit_code(),
        })
    }

    fn report(&self, is_json: bool) {
        match self {
            // The reader of a pipe that has enough is no error.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            _ if is_json => output::write_error(&self.problem().to_string()),
            Self::Usage(mistakes) => config::report(mistakes),
            Self::Interrupted => output::write_error(&self.to_string()),
            _ => {
                output::write_error(&printable(&format!("error: {}", redacted(&self.to_string()))));
            }
        }
    }
}

/// Is this what the first argument asks for?
pub fn is_requested() -> bool {
    env::args_os().nth(1).as_deref() == Some(OsStr::new(NAME))
}

/// Checks the run, and answers the exit code of the process.
pub async fn main() -> ExitCode {
    let is_json = env::args_os().any(|argument| argument.to_str() == Some("--json"));
    let ended = match command().try_get_matches_from(env::args_os().skip(1)) {
        Ok(flags) => checked(&flags).await,
        Err(error) if is_json && error.use_stderr() => {
            let text = error.render().to_string();
            Err(Failure::Usage(vec![text.trim_start_matches("error: ").trim_end().to_owned()]))
        }
        Err(error) => refuse(&error),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report(is_json);
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn checked(flags: &ArgMatches) -> Result<(), Failure> {
    let settings = Settings::of_flags(flags).map_err(Failure::Usage)?;
    tokio::select! {
        ended = check(&settings, flags.get_flag(JSON)) => ended,
        signal = interrupted() => signal.map_err(Failure::from).and(Err(Failure::Interrupted)),
    }
}

fn command() -> Command {
    let command = Command::new(NAME).bin_name(format!("pedidos-worker {NAME}"));
    let json = Arg::new(JSON).long(JSON).action(ArgAction::SetTrue);
    let json = json.help("Print the report as one JSON document, and errors as problem+json");
    let command = command.about(ABOUT).after_help(EXIT_CODES).version(env!("CARGO_PKG_VERSION"));
    with_flags(command.arg(json))
}

/// Prints what was found; fails unless every check holds.
async fn check(settings: &Settings, is_json: bool) -> Result<(), Failure> {
    let report = read(settings).await?;
    let said = if is_json { document(&report).to_string() } else { printable(&text(&report)) };
    let mut out = io::stdout().lock();
    writeln!(out, "{said}")?;
    out.flush()?;
    if report.holds() {
        return Ok(());
    }
    let broken = report.checks.iter().filter(|check| !check.ok).count();
    Err(Failure::Broken { broken, all: report.checks.len() })
}

async fn read(settings: &Settings) -> Result<Report, VerifyError> {
    let store = Store::connect(&settings.mongo, &settings.queue.name).await?;
    let queue = Queue::connect(&settings.redis, &settings.queue)?;
    let report = verify_run(&store, &queue).await;
    queue.close().await;
    store.close().await;
    report
}

fn text(report: &Report) -> String {
    let mut text = format!("audit of run {} · {} orders", report.run_id, count(report.quantity));
    for check in &report.checks {
        let mark = if check.ok { '✓' } else { '✗' };
        let _ = write!(text, "\n{mark} {}: {}", check.name, check.figure);
    }
    text
}

fn document(report: &Report) -> Value {
    let checks = report
        .checks
        .iter()
        .map(|check| json!({ "name": check.name, "figure": check.figure, "ok": check.ok }));
    json!({
        "runId": report.run_id,
        "quantity": report.quantity,
        "holds": report.holds(),
        "checks": checks.collect::<Vec<_>>(),
    })
}

/// Waits for a signal to end. In a container the first process has no default for them: without
/// a handler it would not end.
async fn interrupted() -> io::Result<()> {
    let mut signals = Vec::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        if !is_ignored(kind.as_raw_value()) {
            signals.push(signal(kind)?);
        }
    }
    poll_fn(|context| {
        if signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use pedidos_pipeline::verify::Check;

    use super::*;

    #[test]
    fn each_check_is_marked_and_has_its_figure() {
        let check = |name, figure: &str, ok| Check { name, figure: figure.to_owned(), ok };
        let report = Report {
            run_id: "r".into(),
            quantity: 50_000,
            checks: vec![check("fence violations", "0", true), check("pendente", "3", false)],
        };
        assert_eq!(
            text(&report),
            "audit of run r · 50,000 orders\n✓ fence violations: 0\n✗ pendente: 3"
        );
        assert_eq!(
            document(&report),
            json!({
                "runId": "r", "quantity": 50_000, "holds": false, "checks": [
                    { "name": "fence violations", "figure": "0", "ok": true },
                    { "name": "pendente", "figure": "3", "ok": false }
                ]
            })
        );
    }

    #[test]
    fn an_unreachable_store_has_another_exit_code_than_a_run_that_cannot_be_checked() {
        let code = |error: VerifyError| Failure::from(error).exit_code();
        assert_eq!(code(StoreError::Unavailable("x".into()).into()), 4);
        assert_eq!(code(QueueError::Unavailable("x".into()).into()), 4);
        assert_eq!(code(QueueError::Refused("x".into()).into()), 1);
        assert_eq!(code(VerifyError::NoRun), 1);
        let problem = Failure::Broken { broken: 1, all: 9 }.problem();
        assert_eq!(problem["exitCode"], 1);
        assert_eq!(problem["detail"], "1 of 9 checks do not hold");
    }

    #[test]
    fn it_takes_every_setting_as_a_flag() {
        command().debug_assert();
        let line = ["verify", "--queue-name", "q", "--mongo-uri", "mongodb://h/d"];
        assert!(command().try_get_matches_from(line).is_ok());
    }
}
