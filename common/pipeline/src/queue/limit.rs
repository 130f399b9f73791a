//! `limit` takes one call out of a caller's allowance, which all replicas of the API share. It
//! shares nothing with the queue's state.
//!
//! - Keys: the allowance of the caller; that the caller was told that nothing is left.
//! - Arguments: calls in a window; the window in ms.
//! - Answers 1 if the call may be made; the calls left; ms until all are back; ms until the
//!   next; 1 if this is the first call in a window that is refused.
//! - Guarantees: no more calls in a window than allowed, whichever replica is asked (I8).

use std::{sync::LazyLock, time::Duration};

use fred::types::{Value, scripts::Script};
use futures_util::future::BoxFuture;

use super::{answer::Answer, client::Queue, error::Result};

static LIMIT: LazyLock<Script> = LazyLock::new(|| {
    Script::from_lua(concat!("#!lua flags=allow-oom\n", include_str!("limit.lua")))
});

/// Allowances are calls in a minute.
pub const WINDOW: Duration = Duration::from_mins(1);

/// What is left of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The call may be made.
    pub taken: bool,
    /// Calls in a minute.
    pub calls: u32,
    /// Calls that may follow now.
    pub left: u32,
    /// Until the whole allowance is back.
    pub whole_in: Duration,
    /// Until the next call may be made.
    pub next_in: Duration,
}

impl Queue {
    /// Takes one call out of the allowance of a caller. The second answer is true for the first
    /// call in a window that is refused.
    pub fn limit<'a>(
        &'a self,
        kind: &'a str,
        caller: &'a str,
        calls: u32,
    ) -> BoxFuture<'a, Result<(Allowance, bool)>> {
        Box::pin(async move {
            let key = self.keys().limit(kind, caller);
            let told = format!("{key}:told");
            let (keys, args) =
                (&vec![key, told], &vec![i64::from(calls), WINDOW.as_millis() as i64]);
            let answer: Value = self
                .ask(|client| async move {
                    LIMIT.evalsha_with_reload(&client, keys.clone(), args.clone()).await
                })
                .await?;
            let mut answer = Answer::read(&answer)?;
            let allowance = Allowance {
                taken: answer.count()? == 1,
                calls,
                left: answer.count()? as u32,
                whole_in: Duration::from_millis(answer.count()?),
                next_in: Duration::from_millis(answer.count()?),
            };
            let first_refused = answer.count()? == 1;
            Ok((allowance, first_refused))
        })
    }
}
