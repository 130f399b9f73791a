//! The arguments of `pedidos jobs`, `pedidos retry-failed` and `pedidos clean`.

use clap::{Args, ValueEnum, value_parser};
use serde::{Serialize, Serializer};

use super::{id, receipts::OrderPriority};

#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Jobs {
    /// The states, one or more
    #[arg(value_name = "STATE", default_value = "waiting")]
    #[serde(rename = "types", serialize_with = "joined")]
    pub states: Vec<JobState>,
    /// The first job of each state, counted from 0 [default: 0]
    #[arg(long, value_name = "N")]
    pub start: Option<u32>,
    /// The last job of each state [default: 50]
    #[arg(long, value_name = "N")]
    pub end: Option<u32>,
    /// With the state failed alone: the run whose dead letters to list [default: the current run]
    #[arg(long = "run", value_name = "RUN_ID", value_parser = id)]
    pub run_id: Option<String>,
    /// Do not read the orders: show ids, states and errors
    #[arg(long)]
    #[serde(rename = "includeData", serialize_with = "negated")]
    pub no_data: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JobState {
    /// In the queue
    Waiting,
    /// Leased by a worker
    Active,
    /// Waiting for a retry
    Delayed,
    /// Processed
    Completed,
    /// Dead letters
    Failed,
}

impl JobState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Delayed => "delayed",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

fn joined<S: Serializer>(states: &[JobState], serializer: S) -> Result<S::Ok, S::Error> {
    let names: Vec<_> = states.iter().map(|state| state.as_str()).collect();
    serializer.serialize_str(&names.join(","))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn negated<S: Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(!flag)
}

/// Which orders are meant.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LetterFilter {
    /// Only orders of this priority
    #[arg(long, value_name = "P")]
    pub priority: Option<OrderPriority>,
    /// Only dead letters whose error has this text in it, to the letter
    #[arg(long, value_name = "TEXT")]
    pub error_contains: Option<String>,
}

#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryFailed {
    #[command(flatten)]
    #[serde(flatten)]
    pub filter: LetterFilter,
    /// How many dead letters to retry at most [default: all]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Retry this order alone
    #[arg(long, value_name = "ORDER_ID", value_parser = id)]
    pub id: Option<String>,
    /// The ended run whose dead letters to retry; it becomes the current run again [default: the
    /// current run]
    #[arg(long = "run", value_name = "RUN_ID", value_parser = id)]
    pub run_id: Option<String>,
}

#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Clean {
    /// The state of the jobs
    #[arg(value_name = "STATE")]
    pub state: CleanState,
    #[command(flatten)]
    #[serde(flatten)]
    pub filter: LetterFilter,
    /// Only jobs that have been in this state for so long, in ms [default: 0]
    #[arg(long, value_name = "MS")]
    pub grace: Option<u64>,
    /// How many jobs to remove at most [default: all]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// With the state failed: the ended run whose dead letters to remove; it becomes the current run
    /// again [default: the current run]
    #[arg(long = "run", value_name = "RUN_ID", value_parser = id)]
    pub run_id: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    #[serde(skip)]
    pub yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CleanState {
    /// Orders in the queue
    Wait,
    /// Orders that a worker holds: first its leases are ended
    Active,
    /// Orders that wait for a retry
    Delayed,
    /// Processed orders: they are hidden from the list, and stay processed
    Completed,
    /// Dead letters
    Failed,
}

impl CleanState {
    /// The jobs, in words.
    pub const fn jobs(self) -> &'static str {
        match self {
            Self::Wait => "waiting orders",
            Self::Active => "orders in flight",
            Self::Delayed => "orders that wait for a retry",
            Self::Completed => "processed orders from the list",
            Self::Failed => "dead letters",
        }
    }
}

impl LetterFilter {
    /// The filter, in words; empty: all are meant.
    pub fn words(&self) -> String {
        let priority = self.priority.and_then(|it| it.to_possible_value());
        let priority = priority.map(|it| format!(" of priority {}", it.get_name()));
        let error =
            self.error_contains.as_ref().map(|text| format!(" with '{text}' in their error"));
        [priority, error].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;
    use crate::args::{Call, Cli, Command};

    fn call(line: &[&str]) -> Call {
        let words = ["pedidos"].iter().chain(line);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Call(call) => call,
            _ => unreachable!(),
        }
    }

    #[test]
    fn a_filter_is_said_in_words() {
        let Call::Clean(clean) =
            call(&["clean", "failed", "--priority", "VIP", "--error-contains", "card"])
        else {
            unreachable!()
        };
        let said = format!("{}{}", clean.state.jobs(), clean.filter.words());
        assert_eq!(said, "dead letters of priority VIP with 'card' in their error");
        assert_eq!(LetterFilter::default().words(), "");
    }
}
