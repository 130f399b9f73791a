//! Sends a list until it is whole. A list that broke off is sent again from its start: the API skips
//! what it has.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use pedidos_api_types::imports::Import;
use pedidos_core::backoff::Backoff;
use tokio::time::{sleep, timeout};

use crate::{
    args::NewImport,
    client::{Answer, Client},
    failure::{Failure, Result},
    list::{Sent, Source},
    upload_view::{Seen, UploadView},
};

const DRAW_EVERY: Duration = Duration::from_millis(250);
const POLL_EVERY: Duration = Duration::from_secs(1);
const POLL_TIMEOUT: Duration = Duration::from_secs(5);
/// An upload that stands still for so long counts as broken off.
const STILL: Duration = Duration::from_mins(2);
/// Gives up after so long without progress.
const GIVE_UP_AFTER: Duration = Duration::from_mins(10);
/// What the API answers to an upload when another one goes on.
const SUPERSEDED: &str = "Another upload goes on";

/// How far the list came: what of it is stored, and what of it was sent.
#[derive(Debug, Default, Clone, Copy)]
struct Reach {
    lines: u64,
    bytes: u64,
}

/// Decides how long to go on.
#[derive(Debug)]
pub struct Patience {
    backoff: Backoff,
    best: Reach,
    moved: Instant,
    /// An attempt ended without an answer. Its request may still be read.
    was_lost: bool,
}

impl Patience {
    pub fn new(now: Instant) -> Self {
        Self { backoff: Backoff::default(), best: Reach::default(), moved: now, was_lost: false }
    }

    /// There was progress.
    pub fn advance(&mut self, now: Instant) {
        self.moved = now;
        self.backoff.reset();
    }

    fn saw(&mut self, reach: Reach, now: Instant) {
        if reach.lines > self.best.lines || reach.bytes > self.best.bytes {
            self.best.lines = self.best.lines.max(reach.lines);
            self.best.bytes = self.best.bytes.max(reach.bytes);
            self.advance(now);
        }
    }

    /// How long to wait before the next attempt. None: there is no use in another one.
    pub fn after(&mut self, failure: &Failure, now: Instant) -> Option<Duration> {
        let passes = match failure.answered() {
            // The request that was lost came back to life; it ends when it is read to its end.
            Some((409, SUPERSEDED)) => self.was_lost,
            Some((408, _)) => true,
            _ => failure.is_transient(),
        };
        self.was_lost |= failure.is_unreachable();
        let still = now.saturating_duration_since(self.moved);
        let pause = failure.pause(self.backoff.after_failure());
        (passes && still < GIVE_UP_AFTER).then_some(pause)
    }
}

/// Repeats a call while there is use in it. The call must be safe to repeat.
pub async fn until_answered<T>(call: impl AsyncFn() -> Result<T>) -> Result<T> {
    let view = UploadView::silent();
    let mut patience = Patience::new(Instant::now());
    loop {
        let failure = match call().await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let Some(pause) = patience.after(&failure, Instant::now()) else { return Err(failure) };
        view.trouble(&failure, pause, "trying again");
        sleep(pause).await;
    }
}

/// Where a list goes.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    Import(&'a str),
    /// It is counted, and nothing is stored.
    DryRun(&'a NewImport),
}

/// Sends the list until it is whole. Answers the import, as the API does.
pub async fn whole(
    client: &Client,
    target: Target<'_>,
    list: &Source,
    view: &UploadView,
) -> Result<Answer<Import>> {
    let mut patience = Patience::new(Instant::now());
    loop {
        let failure = match attempt(client, target, list, view, &mut patience).await {
            Ok(import) => return Ok(import),
            Err(failure) => failure,
        };
        let Some(pause) = patience.after(&failure, Instant::now()) else { return Err(failure) };
        view.trouble(&failure, pause, "sending the list again");
        sleep(pause).await;
    }
}

async fn attempt(
    client: &Client,
    target: Target<'_>,
    list: &Source,
    view: &UploadView,
    patience: &mut Patience,
) -> Result<Answer<Import>> {
    let (body, sent) = list.body();
    let call = async {
        match target {
            Target::Import(id) => client.upload(id, list, body).await,
            Target::DryRun(new) => client.dry_run(new, list, body).await,
        }
    };
    let seen = RefCell::new(Seen::default());
    let answer = tokio::select! {
        biased;
        answer = call => answer,
        failure = watch(list, &sent, &seen, view, patience) => Err(failure),
        never = poll(client, target, &seen) => never,
    };
    match sent.failed() {
        Some(why) => Err(Failure::Failed(format!("cannot read the list: {why}"))),
        None => answer,
    }
}

/// Shows how far the upload is. Ends if it stands still.
async fn watch(
    list: &Source,
    sent: &Sent,
    seen: &RefCell<Seen>,
    view: &UploadView,
    patience: &mut Patience,
) -> Failure {
    let (mut before, mut moved) = ((0, 0), Instant::now());
    loop {
        sleep(DRAW_EVERY).await;
        let now = Instant::now();
        let counts = seen.borrow().clone();
        let reach = (sent.bytes(), counts.lines);
        if reach != before {
            (before, moved) = (reach, now);
        }
        patience.saw(Reach { bytes: reach.0, lines: reach.1 }, now);
        view.show(reach.0, list.size(), &counts);
        if now.saturating_duration_since(moved) >= STILL {
            let text = format!("the upload stands still for {STILL:?}");
            return Failure::Unreachable(text);
        }
    }
}

/// Asks what is stored so far. What it cannot learn, it leaves as it was.
async fn poll(client: &Client, target: Target<'_>, seen: &RefCell<Seen>) -> Result<Answer<Import>> {
    loop {
        sleep(POLL_EVERY).await;
        let Target::Import(id) = target else { continue };
        if let Ok(Ok(import)) = timeout(POLL_TIMEOUT, client.import(id)).await
            && let Ok(import) = import.read()
        {
            let mut seen = seen.borrow_mut();
            (seen.lines, seen.rejected) = (import.lines, import.rejected);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reqwest::StatusCode;

    use super::*;
    use crate::failure::ErrorAnswer;

    fn answered(status: u16, retry_after: Option<&str>, body: &str) -> Failure {
        let status = StatusCode::from_u16(status).unwrap();
        Failure::Answered(Box::new(ErrorAnswer::read(status, retry_after, body)))
    }

    fn goes_on(status: u16) -> bool {
        let now = Instant::now();
        Patience::new(now).after(&answered(status, None, "{}"), now).is_some()
    }

    #[test]
    fn what_passes_is_waited_out_and_what_the_list_is_refused_for_is_not() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(goes_on(status), "{status}");
        }
        for status in [400, 401, 403, 404, 409, 413, 415, 422] {
            assert!(!goes_on(status), "{status}");
        }
        let now = Instant::now();
        let lost = Failure::Unreachable("refused".into());
        assert!(Patience::new(now).after(&lost, now).is_some());
        let unread = Failure::Failed("cannot read the list".into());
        assert!(Patience::new(now).after(&unread, now).is_none());
    }

    #[test]
    fn another_upload_is_waited_out_only_if_it_may_be_the_own_one() {
        let now = Instant::now();
        let other = answered(409, None, "{\"title\": \"Another upload goes on\"}");
        let changed = answered(409, None, "{\"title\": \"Another list\"}");
        let mut patience = Patience::new(now);
        assert!(patience.after(&other, now).is_none());
        assert!(patience.after(&Failure::Unreachable(String::new()), now).is_some());
        assert!(patience.after(&other, now).is_some());
        assert!(patience.after(&changed, now).is_none());
    }

    #[test]
    fn the_api_says_how_long_to_wait() {
        let now = Instant::now();
        let pause =
            |after| Patience::new(now).after(&answered(429, Some(after), "{}"), now).unwrap();
        assert_eq!(pause("7").as_secs(), 7);
        assert_eq!(pause("86400").as_secs(), 60);
        assert!(pause("0").as_millis() >= 25);
    }

    #[test]
    fn without_progress_it_gives_up() {
        let start = Instant::now();
        let lost = Failure::Unreachable(String::new());
        let mut patience = Patience::new(start);
        let at = |minutes| start + Duration::from_mins(minutes);
        assert!(patience.after(&lost, at(9)).is_some());
        patience.saw(Reach { lines: 5_000, bytes: 90_000 }, at(9));
        assert!(patience.after(&lost, at(18)).is_some());
        // The same lines again are no progress; one more is.
        patience.saw(Reach { lines: 5_000, bytes: 80_000 }, at(18));
        assert!(patience.after(&lost, at(19)).is_none());
        patience.saw(Reach { lines: 5_001, bytes: 0 }, at(18));
        assert!(patience.after(&lost, at(19)).is_some());
    }
}
