//! The arguments of `pedidos generate` and `pedidos cancel`.

use clap::Args;
use serde::Serialize;

use super::{flow::RunOptions, id};

#[derive(Debug, Args)]
pub struct Generate {
    #[command(flatten)]
    pub run: NewRun,
    /// Repeating a request with the same key starts no second run, and prints the id of the
    /// first. With another quantity, seed or processor it is refused [default: random]
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Follow the run until it ends
    #[arg(long)]
    pub follow: bool,
}

/// The parameters of a run. The API has defaults for those that are not given.
#[derive(Debug, Args, Serialize)]
pub struct NewRun {
    /// How many orders to generate [default: 1000000]
    #[arg(long, value_name = "N")]
    pub quantity: Option<u64>,
    /// Seed of the generator: the same seed gives the same tiers and prices [default: random]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    #[command(flatten)]
    #[serde(flatten)]
    pub options: RunOptions,
}

/// The parameters of a cancel. The API has defaults for those that are not given.
#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancel {
    /// Only this run: if another one is the current run, nothing is changed [default: the current
    /// run]
    #[arg(value_name = "RUN_ID", value_parser = id)]
    pub run_id: Option<String>,
    /// Remove the run's dead letters from the list of failed jobs [default: true]
    #[arg(
        long,
        value_name = "BOOL",
        require_equals = true,
        num_args = 0..=1,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub purge: Option<bool>,
    /// Hide the cancelled orders at once, and delete them an hour later [default: true]
    #[arg(
        long,
        value_name = "BOOL",
        require_equals = true,
        num_args = 0..=1,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub remove_pending: Option<bool>,
    /// Delete the log lines in Redis [default: false]
    #[arg(
        long,
        value_name = "BOOL",
        require_equals = true,
        num_args = 0..=1,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub reset_logs: Option<bool>,
    /// How long to wait for work in flight, in ms [default: 10000]
    #[arg(long, value_name = "N")]
    pub wait_timeout_ms: Option<u64>,
    /// How often the API checks whether it is done, in ms [default: 500]
    #[arg(long, value_name = "N")]
    pub poll_interval_ms: Option<u64>,
}
