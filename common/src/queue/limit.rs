//! How often a caller may call: one allowance, shared by all replicas of the API.

use std::{sync::LazyLock, time::Duration};

use fred::types::{Value, scripts::Script};

use super::{Queue, Result, unexpected};

static LIMIT: LazyLock<Script> = LazyLock::new(|| {
    Script::from_lua(concat!("#!lua flags=allow-oom\n", include_str!("limit.lua")))
});

/// So many calls in a minute.
pub const WINDOW: Duration = Duration::from_mins(1);

/// What is left of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The call may be made.
    pub taken: bool,
    /// Calls in a minute.
    pub calls: u32,
    /// Calls that may follow at once.
    pub left: u32,
    /// Until all of it is back.
    pub whole_in: Duration,
    /// Until there is one again.
    pub next_in: Duration,
}

impl Queue {
    /// Takes one call out of this caller's allowance of so many calls in a minute. The other
    /// answer: it is the first in a while that is too many.
    pub async fn limit(&self, kind: &str, caller: &str, calls: u32) -> Result<(Allowance, bool)> {
        let key = self.keys().limit(kind, caller);
        let told = format!("{key}:told");
        let (keys, args) = (&vec![key, told], &vec![i64::from(calls), WINDOW.as_millis() as i64]);
        let answer: Value = self
            .ask(|client| async move {
                LIMIT.evalsha_with_reload(&client, keys.clone(), args.clone()).await
            })
            .await?;
        let parts: Vec<u64> = answer.clone().convert()?;
        let [taken, left, whole, next, first] = parts[..] else {
            return Err(unexpected(&answer));
        };
        let allowance = Allowance {
            taken: taken == 1,
            calls,
            left: left as u32,
            whole_in: Duration::from_millis(whole),
            next_in: Duration::from_millis(next),
        };
        Ok((allowance, first == 1))
    }
}
