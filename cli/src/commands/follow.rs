//! `pedidos follow`. The run does not depend on it: whatever happens here, the run continues.

use std::time::{Duration, Instant};

use pedidos_api_types::{imports::ImportState, runs::Run, status::Status};
use pedidos_core::{
    run::Phase,
    text::{count, one_line},
};
use tokio::time::{sleep, timeout};

use super::show;
use crate::{
    client::{Answer, Client},
    failure::{Failure, Result},
    figure::duration,
    holds, interrupt, output,
    progress::{Rates, View},
    table,
};

const POLL_EVERY: Duration = Duration::from_millis(500);
/// After this long the next poll is sent, which may reach another replica.
const POLL_TIMEOUT: Duration = Duration::from_secs(5);
/// After this long without an answer the command fails, so that a script notices.
const GIVE_UP_AFTER: Duration = Duration::from_mins(10);
/// How many polls in a row must not show the run before it counts as gone: after a Redis lost
/// its newest data, the API may show an older run for up to two seconds.
const GONE_AFTER: u32 = 6;

enum End {
    /// With the status that shows it.
    Seen(Phase, Answer<Status>),
    /// The API shows another run, or none.
    Gone,
}

/// Follows the current run.
pub async fn current(client: &Client) -> Result<()> {
    match client.status().await?.read()?.run_id {
        Some(run_id) => run(client, &run_id).await,
        None => Err(Failure::Failed(
            "there is no run to follow; start one with `pedidos generate`".into(),
        )),
    }
}

/// Follows this run, or else says if it waits for a worker with its processor. `own`: it has one of
/// somebody's own.
pub async fn if_wanted(client: &Client, run_id: &str, wanted: bool, own: bool) -> Result<()> {
    if wanted {
        return run(client, run_id).await;
    }
    // Without an answer there is nothing to say.
    if own
        && let Ok((status, _)) = poll(client).await
        && status.run_id.as_deref() == Some(run_id)
        && holds::lacks_worker(&status)
    {
        let name = one_line(&status.processor.name);
        output::note(&format!("no worker has the processor {name}: the run waits for one"));
    }
    Ok(())
}

/// Follows this run, then prints its summary. Fails unless the run ends as DONE.
pub async fn run(client: &Client, run_id: &str) -> Result<()> {
    let mut view = View::new();
    let says = || {
        format!(
            "run {run_id} continues:\n`pedidos follow` shows it again, `pedidos cancel {run_id}` cancels it"
        )
    };
    let end = interrupt::or(watch_until_begun(client, run_id, &mut view), says).await;
    view.end();
    match end? {
        End::Seen(phase, status) => {
            show::answer(&status, table::summary)?;
            done_or_failed(phase, None)
        }
        End::Gone => gone(client, run_id).await,
    }
}

/// An import that was started while another run was active waits for its end, and has no run yet.
async fn watch_until_begun(client: &Client, run_id: &str, view: &mut View) -> Result<End> {
    loop {
        match watch(client, run_id, view).await? {
            End::Gone if waits(client, run_id).await => {}
            end => return Ok(end),
        }
    }
}

async fn waits(client: &Client, run_id: &str) -> bool {
    let import = client.import(run_id).await.and_then(|import| import.read());
    import.is_ok_and(|import| import.state == ImportState::Started)
        && matches!(client.run(run_id).await, Err(Failure::Answered(it)) if it.status == 404)
}

async fn watch(client: &Client, run_id: &str, view: &mut View) -> Result<End> {
    let (mut rates, mut answered, mut elsewhere) = (Rates::default(), Instant::now(), 0);
    loop {
        let mut pause = POLL_EVERY;
        match poll(client).await {
            Ok((status, answer)) if status.run_id.as_deref() == Some(run_id) => {
                (answered, elsewhere) = (Instant::now(), 0);
                rates.add(answered, &status);
                view.show(&status, &rates);
                let phase = Phase::from(status.phase);
                if phase.is_ended() || phase == Phase::Error {
                    return Ok(End::Seen(phase, answer));
                }
            }
            Ok(_) => {
                (answered, elsewhere) = (Instant::now(), elsewhere + 1);
                if elsewhere == GONE_AFTER {
                    return Ok(End::Gone);
                }
            }
            Err(failure) if failure.is_transient() && answered.elapsed() < GIVE_UP_AFTER => {
                pause = failure.pause(POLL_EVERY);
                view.trouble(&failure, answered.elapsed());
            }
            Err(failure) => return Err(failure),
        }
        sleep(pause).await;
    }
}

async fn poll(client: &Client) -> Result<(Status, Answer<Status>)> {
    let late = |_| Failure::Unreachable(format!("no answer within {POLL_TIMEOUT:?}"));
    let answer = timeout(POLL_TIMEOUT, client.status()).await.map_err(late)??;
    Ok((answer.read()?, answer))
}

/// The history has how the run ended, if another run has replaced it.
async fn gone(client: &Client, run_id: &str) -> Result<()> {
    match client.run(run_id).await {
        Ok(answer) => {
            show::answer(&answer, |past| in_short(run_id, past))?;
            let past = answer.read()?;
            done_or_failed(past.phase.into(), past.error.as_deref())
        }
        Err(Failure::Answered(problem)) if problem.status == 404 => {
            let text = format!("run {run_id} no longer exists: a reset deleted it");
            Err(Failure::Failed(text))
        }
        Err(failure) => Err(failure),
    }
}

fn in_short(run_id: &str, past: &Run) -> String {
    format!(
        "run {run_id} · {}\n{} of {} orders processed in {}; another run has replaced it",
        Phase::from(past.phase),
        count((past.total_processed_vip + past.total_processed_normal) as u64),
        count(past.quantity),
        duration(past.wall_clock_ms.max(0) as u64)
    )
}

fn done_or_failed(phase: Phase, error: Option<&str>) -> Result<()> {
    match (phase, error) {
        (Phase::Done, _) => Ok(()),
        (phase, Some(error)) => Err(Failure::Failed(format!("the run ended as {phase}: {error}"))),
        (phase, None) => Err(Failure::Failed(format!("the run ended as {phase}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::samples;

    #[test]
    fn only_a_run_that_is_done_is_a_success() {
        assert!(done_or_failed(Phase::Done, None).is_ok());
        for phase in [Phase::Aborted, Phase::Error] {
            assert_eq!(done_or_failed(phase, None).unwrap_err().exit_code(), 1);
        }
        let failure = done_or_failed(Phase::Error, Some("too many dead letters")).unwrap_err();
        assert_eq!(failure.to_string(), "the run ended as ERROR: too many dead letters");
    }

    #[test]
    fn a_run_known_from_the_history_is_told_in_short() {
        let past = serde_json::from_str(samples::RUN).unwrap();
        assert_eq!(
            in_short("r", &past),
            "run r · DONE\n50,000 of 50,000 orders processed in 4.2s; \
             another run has replaced it"
        );
    }
}
