//! The run that control names, and its end.

use std::{ops::Range, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{counting::Attempt, flow::RunOptions};
use crate::{
    import::seed_of,
    order::{Generator, OrderId},
    run::{Figures, Phase},
};

/// A run as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSpec {
    /// A random UUID.
    pub run_id: String,
    pub seed: i64,
    pub quantity: i64,
    /// When it was accepted, ms since the epoch by Redis' clock.
    pub created_ms: i64,
    /// The base of its range of ids, if that was taken before it was accepted: by its import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Source::is_generated")]
    pub source: Source,
    #[serde(default, skip_serializing_if = "RunOptions::is_default")]
    pub options: RunOptions,
    /// Given by the client: a call that repeats it gets the same run.
    pub idempotency_key: Option<String>,
    #[serde(rename = "final")]
    pub end: Option<End>,
    /// The figures of its first end, if dead letters were retried after it: its times stay.
    #[serde(default)]
    pub first: Option<Figures>,
    /// Retries of dead letters after its end, the latest last.
    #[serde(default)]
    pub retries: Vec<Retry>,
}

/// Where the orders of a run come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// Derived by the generator, and inserted chunk by chunk.
    #[default]
    Generated,
    /// Inserted by the import that has the run's id; a chunk reads them.
    Import,
}

impl Source {
    /// As Redis has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generated => "",
            Self::Import => "import",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
    fn is_generated(&self) -> bool {
        *self == Self::Generated
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Generated, Self::Import]
            .into_iter()
            .find(|source| source.as_str() == text)
            .ok_or_else(|| format!("unknown source '{text}'"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// When it was asked for, ms since the epoch by Redis' clock.
    pub at: i64,
    /// Orders that were put back.
    pub orders: i64,
    /// Of them.
    pub processed: i64,
    /// How long it took, ms; none while it is active.
    pub time_ms: Option<i64>,
}

impl RunSpec {
    const RETRIES_KEPT: usize = 100;

    /// A generated run that has not ended.
    #[must_use]
    pub const fn generated(run_id: String, seed: i64, quantity: i64, created_ms: i64) -> Self {
        Self {
            run_id,
            seed,
            quantity,
            created_ms,
            ids_ms: None,
            source: Source::Generated,
            options: RunOptions::BUILTIN,
            idempotency_key: None,
            end: None,
            first: None,
            retries: Vec::new(),
        }
    }

    /// The run of an import, whose ids have this base. It has not ended.
    #[must_use]
    pub fn imported(import_id: &str, ids_ms: i64, quantity: i64, created_ms: i64) -> Self {
        Self {
            ids_ms: Some(ids_ms),
            source: Source::Import,
            ..Self::generated(import_id.to_owned(), seed_of(import_id), quantity, created_ms)
        }
    }

    /// Opens an ended run again, for this many of its dead letters.
    pub fn take_up(&mut self, at: i64, orders: i64) {
        if let Some(end) = self.end.take() {
            self.first.get_or_insert(end.figures);
        }
        self.retries.push(Retry { at, orders, processed: 0, time_ms: None });
        let surplus = self.retries.len().saturating_sub(Self::RETRIES_KEPT);
        self.retries.drain(..surplus);
    }

    /// Does it use what programs of the first format do not know? They must not drain it (I16).
    #[must_use]
    pub fn needs_second_format(&self) -> bool {
        self.source == Source::Import || !self.options.is_default()
    }

    pub fn end_with(&mut self, mut end: End, at: i64) {
        if let Some(first) = &self.first {
            let processed = end.figures.vip_processed + end.figures.normal_processed;
            let before: i64 = first.vip_processed
                + first.normal_processed
                + self.retries.iter().map(|retry| retry.processed).sum::<i64>();
            if let Some(retry) = self.retries.last_mut().filter(|retry| retry.time_ms.is_none()) {
                retry.processed = (processed - before).max(0);
                retry.time_ms = Some((at - retry.at).max(0));
            }
            end.figures = end.figures.with_times_of(first);
        }
        self.end = Some(end);
    }

    /// The base of its range of ids, ms since the epoch. No other run or import has the same.
    #[must_use]
    pub fn ids_ms(&self) -> i64 {
        self.ids_ms.unwrap_or(self.created_ms)
    }

    /// Its ids; and, of a generated run, its orders.
    #[must_use]
    pub fn generator(&self) -> Generator {
        Generator::new(self.seed as u64, self.ids_ms() as u64)
    }

    /// The ids of its orders, in ranges that one call can read.
    pub fn pages(&self) -> impl Iterator<Item = Range<OrderId>> + use<> {
        self.generator().id_pages(u32::try_from(self.quantity).unwrap_or(u32::MAX))
    }

    #[must_use]
    pub fn ids(&self) -> Range<OrderId> {
        OrderId::of_ms(self.ids_ms() as u64)
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// DONE or ABORTED.
    pub phase: Phase,
    pub figures: Figures,
    /// Of the removed orders those that were pending when the run was cancelled.
    pub cancelled: i64,
    /// The stamp of the attempt that finished the cancel. A cancelled order that carries
    /// another stamp than that of the attempt which counted its page came too late: it is a
    /// stray, outside the counts.
    #[serde(default)]
    pub attempt: i64,
    /// Empty if one attempt counted all orders.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Its dead letters are no longer listed.
    pub purge: bool,
    /// Its cancelled orders are deleted an hour later.
    pub remove_pending: bool,
}

impl End {
    /// The stamp that a cancelled order of this index must carry to be counted.
    #[must_use]
    pub fn stamp_at(&self, index: u32) -> i64 {
        let mut attempts = self.attempts.iter().rev();
        let counted = attempts.find(|attempt| attempt.from <= i64::from(index));
        counted.map_or(self.attempt, |attempt| attempt.stamp)
    }
}
