//! The verbs that are one call and its answer.

use std::{io, time::Duration};

use tokio::time::sleep;

use crate::{
    answer::{Accepted, Cancelled},
    args::{Cancel, Generate},
    client::{Client, Result},
    failure::Failure,
    figure::{count, duration},
    follow, output, table,
};

/// How often `generate` is asked before it gives up.
const ATTEMPTS: u32 = 5;
/// No pause between them is longer, whatever the API asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Starts a run: its id goes to standard output, the rest to standard error.
pub async fn generate(client: &Client, args: &Generate) -> Result<()> {
    let accepted = ask_for_run(client, args).await?;
    output::line(&accepted.run_id)?;
    eprintln!("accepted: {} orders", count(accepted.quantity));
    if accepted.paused {
        eprintln!("the queue is paused: `pedidos resume` lets it begin");
    }
    if args.follow { follow::run(client, &accepted.run_id).await } else { Ok(()) }
}

/// Asks until there is an answer. The key makes it safe: if an earlier request
/// did arrive, its run is the answer.
async fn ask_for_run(client: &Client, args: &Generate) -> Result<Accepted> {
    let key = match &args.idempotency_key {
        Some(key) => key.clone(),
        None => format!("{:032x}", rand::random::<u128>()),
    };
    for attempt in 1..ATTEMPTS {
        match client.generate(&args.run, &key).await {
            Err(failure) if failure.is_out_of_reach() => {
                let pause = pause_after(attempt, &failure);
                eprintln!("{failure}; asking again in {}", duration(pause.as_secs_f64() * 1e3));
                sleep(pause).await;
            }
            answer => return answer,
        }
    }
    let answer = client.generate(&args.run, &key).await;
    if answer.as_ref().is_err_and(Failure::is_out_of_reach) {
        eprintln!("it may have been accepted; to ask for the same run: --idempotency-key {key}");
    }
    answer
}

/// What the API asked for, or 0.5 s, doubling.
fn pause_after(attempt: u32, failure: &Failure) -> Duration {
    let backoff = Duration::from_millis(500) * 2_u32.saturating_pow(attempt.saturating_sub(1));
    failure.retry_after().unwrap_or(backoff).min(LONGEST_PAUSE)
}

/// Shows the current run.
pub async fn status(client: &Client, json: bool) -> Result<()> {
    if json {
        return output::line(client.status_text().await?.trim_end());
    }
    output::line(&table::summary(&client.status().await?))
}

/// Cancels the current run. That there is none is no failure.
pub async fn cancel(client: &Client, options: &Cancel) -> Result<()> {
    output::line(&cancelled(&client.cancel(options).await?))
}

fn cancelled(answer: &Cancelled) -> String {
    if !answer.aborted {
        return answer.message.clone();
    }
    format!(
        "{}\n  removed pending: {}\n  purged: {}\n  logs reset: {}\n  waited: {}\n  still active: {}",
        answer.message,
        count(answer.removed_pending),
        answer.purged,
        answer.logs_reset,
        duration(answer.waited_for_stop_ms),
        count(answer.still_active)
    )
}

/// Deletes everything, once that is confirmed.
pub async fn reset(client: &Client, yes: bool) -> Result<()> {
    if !yes {
        confirm()?;
    }
    let answer = client.reset().await?;
    let (orders, runs) = (count(answer.removed_orders), count(answer.removed_runs));
    output::line(&format!("{}\n  orders removed: {orders}\n  runs removed: {runs}", answer.message))
}

fn confirm() -> Result<()> {
    if !output::can_ask() {
        return Err(Failure::Usage("reset deletes every order and run: say so with --yes".into()));
    }
    eprint!("Delete every order, every run and all queue state? [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Failed("nothing was reset".into())),
    }
}

/// Lets no new work be claimed.
pub async fn pause(client: &Client) -> Result<()> {
    let in_flight = client.pause().await?.in_flight;
    let still = in_flight.map(|leases| format!("; still in flight: {}", count(leases)));
    output::line(&format!("paused{}", still.unwrap_or_default()))
}

/// Lets work be claimed again.
pub async fn resume(client: &Client) -> Result<()> {
    client.resume().await?;
    output::line("resumed")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reqwest::StatusCode;

    use super::*;
    use crate::failure::Problem;

    #[test]
    fn the_pause_doubles_unless_the_api_names_one() {
        let failure = Failure::Unreachable(String::new());
        let pauses = [1, 2, 3, 4].map(|attempt| pause_after(attempt, &failure).as_millis());
        assert_eq!(pauses, [500, 1000, 2000, 4000]);
        let asked = |seconds| {
            let problem = Problem::read(StatusCode::SERVICE_UNAVAILABLE, Some(seconds), "{}");
            pause_after(1, &Failure::Answered(problem)).as_secs()
        };
        assert_eq!((asked("7"), asked("86400")), (7, 30));
    }

    #[test]
    fn a_cancel_tells_what_it_did() {
        let answer = serde_json::from_str(
            r#"{"aborted": true, "queuePaused": true, "removedPending": 12000, "purged": true,
                "logsReset": false, "waitedForStopMs": 1234, "stillActive": 0,
                "message": "run r is cancelled"}"#,
        );
        assert_eq!(
            cancelled(&answer.unwrap()),
            "run r is cancelled\n  removed pending: 12,000\n  purged: true\n  logs reset: false\
             \n  waited: 1.2s\n  still active: 0"
        );
    }

    #[test]
    fn nothing_to_cancel_is_said_in_the_apis_words() {
        let answer = serde_json::from_str(
            r#"{"aborted": false, "queuePaused": false, "message": "nothing to cancel"}"#,
        );
        assert_eq!(cancelled(&answer.unwrap()), "nothing to cancel");
    }
}
