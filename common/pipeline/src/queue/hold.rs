//! `hold` takes or keeps the lease of the end of a run that is being cancelled, and notes how
//! far the cancel is.
//!
//! - Arguments: the token; the version of control that the caller has seen; the caller; the
//!   lease time in ms; then, if there is something to note: the attempt, the index of the first
//!   order that is not counted, the counts in front of it (JSON), the orders that are marked.
//! - Answers `held` and the number of other leases; `taken` if another has the lease; `over` if
//!   there is no cancel to be carried out; `behind` if this Redis knows less of control than
//!   the caller.
//! - Guarantees: one process carries out a cancel, for as long as it is alive; another continues
//!   for a dead one (I5).

use std::{collections::HashMap, sync::LazyLock};

use fred::types::scripts::Script;
use futures_util::future::BoxFuture;
use pedidos_core::run::Counts;

use super::{
    answer::Answer,
    client::Queue,
    error::{QueueError, Result},
    script::script,
    token::Token,
};

pub(super) static HOLD: LazyLock<Script> =
    LazyLock::new(|| script("allow-oom", include_str!("hold.lua")));

/// How far a cancel is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CancelProgress {
    /// The stamp of the attempt that noted it.
    pub attempt: i64,
    /// The index of the first order that is not counted.
    pub from: i64,
    /// Orders in front of that one, VIP and NORMAL.
    pub before: [Counts; 2],
    /// Orders that are marked.
    pub marked: u64,
    /// Orders that were open when it began.
    pub of: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The caller has the lease.
    Held {
        /// Other leases, of whatever kind.
        others: u64,
    },
    /// Another process has it.
    Taken,
    /// No cancel is being carried out.
    Over,
    /// This Redis has an older version of control than the caller has seen: compare first.
    Behind,
}

impl Queue {
    /// `noted`: how far the cancel is.
    pub(crate) fn hold<'a>(
        &'a self,
        token: &'a Token,
        by: &'a str,
        noted: Option<&'a CancelProgress>,
    ) -> BoxFuture<'a, Result<Hold>> {
        Box::pin(async move {
            let mut args =
                vec![token.as_str().into(), self.seen_version().into(), by.into(), self.lease_ms()];
            if let Some(noted) = noted {
                let before = serde_json::to_string(&noted.before)
                    .map_err(|error| QueueError::Answer(error.to_string()))?;
                let marked = i64::try_from(noted.marked).unwrap_or(i64::MAX);
                args.extend([noted.attempt.into(), noted.from.into(), before.into()]);
                args.push(marked.into());
            }
            let answer = self.call(&HOLD, args).await?;
            let mut answer = Answer::read(&answer)?;
            match answer.text()?.as_str() {
                "held" => Ok(Hold::Held { others: answer.count()? }),
                "taken" => Ok(Hold::Taken),
                "over" => Ok(Hold::Over),
                "behind" => Ok(Hold::Behind),
                _ => Err(answer.unexpected()),
            }
        })
    }
}

impl CancelProgress {
    /// As the run's hash has it.
    pub(super) fn read(hash: &HashMap<String, String>) -> Result<Self> {
        let number = |field: &str| hash.get(field).and_then(|n| n.parse().ok()).unwrap_or(0i64);
        let before = match hash.get("cancelBefore") {
            Some(json) => serde_json::from_str(json)
                .map_err(|error| QueueError::Answer(format!("cancelBefore: {error}")))?,
            None => Default::default(),
        };
        let size = |field: &str| u64::try_from(number(field)).unwrap_or(0);
        let marked = size("cancelMarked");
        Ok(Self {
            attempt: number("cancelAttempt"),
            from: number("cancelFrom"),
            before,
            marked,
            // A late chunk may have added some.
            of: size("cancelOf").max(marked),
        })
    }
}
