//! `pedidos generate`

use std::time::Duration;

use pedidos_api_types::commands::GenerateAnswer;
use pedidos_core::{control::RunOptions, text::count};
use tokio::time::sleep;

use super::{follow, show};
use crate::{
    args::Generate,
    client::{Answer, Client},
    failure::{Failure, Result},
    figure::duration,
    output,
};

/// How often the API is asked before the command gives up.
const ATTEMPTS: u32 = 5;
/// The longest pause between two attempts, whatever the API asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub async fn run(client: &Client, args: &Generate) -> Result<()> {
    let accepted = show::accepted(&request(client, args).await?, args.follow)?;
    output::note(&format!("accepted: {} orders", count(accepted.quantity)));
    if accepted.paused {
        output::note("the queue is paused; the run begins after `pedidos resume`");
    }
    let own = args.run.options.want_own_processor(RunOptions::BUILTIN_NAME);
    follow::if_wanted(client, &accepted.run_id, args.follow, own).await
}

/// Asks until there is an answer. The idempotency key makes that safe: if the API accepted an
/// earlier request, it answers with the same run.
async fn request(client: &Client, args: &Generate) -> Result<Answer<GenerateAnswer>> {
    let key = match &args.idempotency_key {
        Some(key) => key.clone(),
        None => format!("{:032x}", rand::random::<u128>()),
    };
    for attempt in 1..ATTEMPTS {
        match client.generate(&args.run, &key).await {
            Err(failure) if failure.is_unreachable() || failure.is_rate_limited() => {
                let pause = pause_after(attempt, &failure);
                let wait = duration(pause.as_millis() as u64);
                output::note(&format!("{failure}; trying again in {wait}"));
                sleep(pause).await;
            }
            answer => return answer,
        }
    }
    let answer = client.generate(&args.run, &key).await;
    if answer.as_ref().is_err_and(Failure::is_unreachable) {
        output::note(&format!(
            "the API may have accepted the run; to ask for the same run again, add \
             --idempotency-key {key}"
        ));
    }
    answer
}

/// What the API asked for, or half a second, doubling with each attempt.
fn pause_after(attempt: u32, failure: &Failure) -> Duration {
    let backoff = Duration::from_millis(500) * 2_u32.saturating_pow(attempt.saturating_sub(1));
    failure.retry_after().unwrap_or(backoff).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::failure::ErrorAnswer;

    #[test]
    fn the_pause_doubles_unless_the_api_names_one() {
        let failure = Failure::Unreachable(String::new());
        let pauses = [1, 2, 3, 4].map(|attempt| pause_after(attempt, &failure).as_millis());
        assert_eq!(pauses, [500, 1000, 2000, 4000]);
        let asked = |seconds| {
            let problem = ErrorAnswer::read(StatusCode::SERVICE_UNAVAILABLE, Some(seconds), "{}");
            pause_after(1, &Failure::Answered(Box::new(problem))).as_secs()
        };
        assert_eq!((asked("7"), asked("86400")), (7, 30));
    }
}
