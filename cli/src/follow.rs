//! Follows a run to its end. The run does not need us: whatever happens here,
//! it goes on.

use std::time::{Duration, Instant};

use pedidos_common::run::Phase;
use tokio::{
    signal::ctrl_c,
    time::{sleep, timeout},
};

use crate::{
    answer::{PastRun, Status},
    client::{Client, Result},
    failure::Failure,
    figure::{count, duration},
    output,
    progress::{Rates, View},
    table,
};

const POLL_EVERY: Duration = Duration::from_millis(500);
/// A poll is not worth waiting longer for; the next one may reach another replica.
const POLL_TIMEOUT: Duration = Duration::from_secs(5);
/// After this long without an answer a script should hear of it.
const PATIENCE: Duration = Duration::from_mins(10);
/// Polls in a row that do not show the run before it counts as gone: a Redis
/// that came back older is put right within two seconds.
const GONE_AFTER: u32 = 6;

/// What became of the run.
enum End {
    /// It shows its end.
    Seen(Box<Status>),
    /// Another run, or none, stands in its place.
    Gone,
}

/// Follows the run that is there now.
pub async fn current(client: &Client) -> Result<()> {
    match client.status().await?.run_id {
        Some(run_id) => run(client, &run_id).await,
        None => Err(Failure::Failed("there is no run to follow".into())),
    }
}

/// Follows this run, then prints its summary. Fails unless it ends DONE.
pub async fn run(client: &Client, run_id: &str) -> Result<()> {
    let mut view = View::new();
    let end = tokio::select! {
        end = watch(client, run_id, &mut view) => end,
        signal = ctrl_c() => {
            view.leave();
            signal?;
            return Err(Failure::Interrupted(format!(
                "\nrun {run_id} goes on:\n`pedidos follow` shows it again, `pedidos cancel` ends it"
            )));
        }
    };
    view.clear();
    match end? {
        End::Seen(status) => {
            output::line(&table::summary(&status))?;
            done_or_failed(status.phase, None)
        }
        End::Gone => gone(client, run_id).await,
    }
}

async fn watch(client: &Client, run_id: &str, view: &mut View) -> Result<End> {
    let (mut rates, mut answered, mut elsewhere) = (Rates::default(), Instant::now(), 0);
    loop {
        match poll(client).await {
            Ok(status) if status.run_id.as_deref() == Some(run_id) => {
                (answered, elsewhere) = (Instant::now(), 0);
                rates.add(answered, &status);
                view.show(&status, &rates);
                if status.phase.is_ended() || status.phase == Phase::Error {
                    return Ok(End::Seen(Box::new(status)));
                }
            }
            Ok(_) => {
                (answered, elsewhere) = (Instant::now(), elsewhere + 1);
                if elsewhere == GONE_AFTER {
                    return Ok(End::Gone);
                }
            }
            Err(failure) if failure.may_pass() && answered.elapsed() < PATIENCE => {
                view.trouble(&failure, answered.elapsed());
            }
            Err(failure) => return Err(failure),
        }
        sleep(POLL_EVERY).await;
    }
}

async fn poll(client: &Client) -> Result<Status> {
    let late = |_| Failure::Unreachable(format!("no answer within {POLL_TIMEOUT:?}"));
    timeout(POLL_TIMEOUT, client.status()).await.map_err(late)?
}

/// The history knows how a run ended whose place another has taken.
async fn gone(client: &Client, run_id: &str) -> Result<()> {
    match client.past_run(run_id).await {
        Ok(past) => {
            output::line(&in_short(run_id, &past))?;
            done_or_failed(past.phase, past.error.as_deref())
        }
        Err(Failure::Answered(problem)) if problem.status == 404 => {
            let text = format!("run {run_id} is gone: it was reset, or another took its place");
            Err(Failure::Failed(text))
        }
        Err(failure) => Err(failure),
    }
}

fn in_short(run_id: &str, past: &PastRun) -> String {
    format!(
        "run {run_id} · {}\n{} of {} orders processed in {}; another run has taken its place",
        past.phase,
        count(past.total_processed_vip + past.total_processed_normal),
        count(past.quantity),
        duration(past.wall_clock_ms)
    )
}

fn done_or_failed(phase: Phase, error: Option<&str>) -> Result<()> {
    match (phase, error) {
        (Phase::Done, _) => Ok(()),
        (phase, Some(error)) => Err(Failure::Failed(format!("the run is {phase}: {error}"))),
        (phase, None) => Err(Failure::Failed(format!("the run is {phase}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_run_that_is_done_is_a_success() {
        assert!(done_or_failed(Phase::Done, None).is_ok());
        for phase in [Phase::Aborted, Phase::Error] {
            assert_eq!(done_or_failed(phase, None).unwrap_err().exit_code(), 1);
        }
        let failure = done_or_failed(Phase::Error, Some("too many dead letters")).unwrap_err();
        assert_eq!(failure.to_string(), "the run is ERROR: too many dead letters");
    }

    #[test]
    fn a_run_known_from_the_history_is_told_in_short() {
        let past = PastRun {
            phase: Phase::Done,
            quantity: 50_000,
            total_processed_vip: 12_000,
            total_processed_normal: 38_000,
            wall_clock_ms: 4_200.0,
            error: None,
        };
        assert_eq!(
            in_short("r", &past),
            "run r · DONE\n50,000 of 50,000 orders processed in 4.2s; \
             another run has taken its place"
        );
    }
}
