//! The arguments of `pedidos runs`, `pedidos audit-log`, `pedidos logs` and `pedidos events`.

use clap::{Arg, Args, ValueEnum, value_parser};
use serde::Serialize;

use super::id;

#[derive(Debug, Args)]
pub struct Runs {
    /// Show this run alone
    #[arg(value_name = "RUN_ID", value_parser = id, conflicts_with_all = ["limit", "cursor"])]
    pub id: Option<String>,
    #[command(flatten)]
    pub listed: Listed,
}

/// Which part of a list to print.
#[derive(Debug, Args)]
pub struct Listed {
    /// How many to print at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Go on after an earlier list: its nextCursor (--json)
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

#[derive(Debug, Args)]
#[command(mut_args(fifty_lines))]
pub struct AuditLog {
    #[command(flatten)]
    pub filter: AuditFilter,
    #[command(flatten)]
    pub listed: Listed,
}

/// A line is short: more of them are shown than of other lists.
fn fifty_lines(arg: Arg) -> Arg {
    if arg.get_id() == "limit" { arg.default_value("50") } else { arg }
}

#[derive(Debug, Args, Serialize)]
pub struct AuditFilter {
    /// Only lines of this caller: the name of the key, or the subject of the token
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Only lines of this operation, by its operationId, for example cancel
    #[arg(long, value_name = "OPERATION")]
    pub operation: Option<String>,
    /// Only lines with this outcome
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<Outcome>,
    /// Only lines from this time on: 2027-01-31T12:00:00Z, or a day
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only lines from before this time
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Begun,
    Done,
    Refused,
    Failed,
}

#[derive(Debug, Args)]
pub struct Logs {
    /// How many of the newest lines to print [default: 500]
    #[arg(long, value_name = "N")]
    pub lines: Option<u32>,
    /// Print only the lines of this level: info, warn or error
    #[arg(long)]
    pub level: Option<String>,
    /// Then print new lines as they come, until interrupted; with --json, an answer on each line
    #[arg(long)]
    pub follow: bool,
}

#[derive(Debug, Args)]
pub struct Events {
    /// Print what came after this event too: its id (--json)
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
    /// Print only these kinds
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub only: Vec<EventKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EventKind {
    /// A change of phase
    Phase,
    /// The status, at most four times a second while it changes
    Progress,
    /// A log line
    Log,
}

impl EventKind {
    /// As the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Progress => "progress",
            Self::Log => "log",
        }
    }
}
