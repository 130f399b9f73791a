//! `jobs` reads a page of what the queue holds in one state.
//!
//! - Arguments: `waiting`, `delayed` or `active`; the first and the last index of the page.
//! - Answers how many there are; then kind, since, first and end index, and ids of each part of
//!   the page. VIP orders come first; active ones by how long they are leased, a chunk that is
//!   being generated counting as one.
//! - Guarantees: it changes nothing.

use std::{ops::Range, sync::LazyLock};

use fred::types::scripts::Script;
use futures_util::future::BoxFuture;
use pedidos_core::order::{OrderId, Priority};

use super::{answer::Answer, client::Queue, error::Result, script::script};

pub(super) static JOBS: LazyLock<Script> =
    LazyLock::new(|| script("no-writes", include_str!("jobs.lua")));

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jobs {
    /// A chunk that is being generated; since when, ms since the epoch.
    Chunk(Range<u32>, i64),
    /// Orders of a priority; leased since when, ms since the epoch, 0 if they are not.
    Orders(Priority, Vec<OrderId>, i64),
}

/// States that Redis keeps a list of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Orders that wait; VIP first.
    Waiting,
    /// Orders that wait for a retry; VIP first.
    Delayed,
    /// Work under a lease, the oldest first.
    Active,
}

impl Jobs {
    fn read(answer: &mut Answer<'_>) -> Result<Self> {
        let (kind, since) = (answer.text()?, answer.int()?);
        let (first, end) = (answer.int()?, answer.int()?);
        let ids = answer.ids()?;
        let index = |index: i64| u32::try_from(index).unwrap_or(0);
        match kind.as_str() {
            "generate" => Ok(Self::Chunk(index(first)..index(end), since)),
            "vip" => Ok(Self::Orders(Priority::Vip, ids, since)),
            "normal" => Ok(Self::Orders(Priority::Normal, ids, since)),
            _ => Err(answer.unexpected()),
        }
    }
}

impl Queue {
    /// From `first` to `last`, both included. Answers how many there are, and the page.
    pub fn jobs(
        &self,
        state: Listed,
        first: u64,
        last: u64,
    ) -> BoxFuture<'_, Result<(u64, Vec<Jobs>)>> {
        Box::pin(async move {
            let state = match state {
                Listed::Waiting => "waiting",
                Listed::Delayed => "delayed",
                Listed::Active => "active",
            };
            let args = vec![state.into(), (first as i64).into(), (last as i64).into()];
            let answer = self.call(&JOBS, args).await?;
            let mut answer = Answer::read(&answer)?;
            let (total, mut jobs) = (answer.count()?, Vec::new());
            while !answer.is_at_its_end() {
                jobs.push(Jobs::read(&mut answer)?);
            }
            Ok((total, jobs))
        })
    }
}
