//! The arguments of `pedidos import`, `pedidos imports` and `pedidos rejects`.

use clap::{Arg, Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::{
    flow::{RUN_OPTIONS, RunOptions},
    history::Listed,
    id,
};
use crate::list::{FormatFlags, Rename};

pub const IMPORT: &str = "\
Import a list of your own orders: NDJSON or CSV with a header line, perhaps as gzip. Prints the id of \
the import, uploads the list, and says what was accepted and rejected.

If the connection breaks, or the API or a store is away, the list is sent again until it is whole. \
Gives up after 10 minutes without progress. What is stored stays: `pedidos import FILE --import ID` \
goes on.

With --start, the orders are for workers that have the processor `default`, unless --processor names \
another, or `builtin`. docs/importing.md has the formats and every reject code.";

#[derive(Debug, Args)]
#[command(mut_args(with_start))]
pub struct Import {
    /// The list: a file named .csv, .ndjson or .jsonl, perhaps with .gz behind it; - is standard
    /// input, which is copied to a temporary file first (in TMPDIR), because it may have to be sent
    /// twice
    #[arg(value_name = "FILE", required_unless_present = "mongo", conflicts_with = "mongo")]
    pub file: Option<String>,
    /// Import the documents of a MongoDB collection, as lines of JSON that --map renames. Executes
    /// pedidos-worker, which has the driver, and copies them to a temporary file first
    #[arg(long, value_name = "URI", requires = "collection")]
    pub mongo: Option<String>,
    /// With --mongo: the database and the collection, such as shop.orders
    #[arg(long, value_name = "DB.NAME", requires = "mongo")]
    pub collection: Option<String>,
    /// With --mongo: which documents, as extended JSON
    #[arg(long, value_name = "JSON", requires = "mongo")]
    pub filter: Option<String>,
    #[command(flatten)]
    pub format: FormatFlags,
    /// Take a field of an order from a field of another name: cliente=customer.name,valor=total. In
    /// NDJSON, dots lead into objects; in CSV, the name is that of a column
    #[arg(long, value_name = "FIELD=NAME", value_delimiter = ',')]
    pub map: Vec<Rename>,
    #[command(flatten)]
    pub new: NewImport,
    /// Go on with this import, instead of creating one
    #[arg(
        long = "import",
        value_name = "ID",
        value_parser = id,
        conflicts_with_all = ["name", "default_priority", "dry_run"]
    )]
    pub resumed: Option<String>,
    /// Count orders and rejects, and store nothing
    #[arg(long, group = "then")]
    pub dry_run: bool,
    /// Start the run once the list is whole
    #[arg(long, group = "then")]
    pub start: bool,
    /// With --start or --dry-run: what to do if lines are rejected [default: stop]
    #[arg(long, value_name = "WHAT", requires = "then")]
    pub on_rejects: Option<OnRejects>,
    /// With --start: follow the run until it ends
    #[arg(long, requires = "start")]
    pub follow: bool,
    #[command(flatten, next_help_heading = "With --start")]
    pub options: RunOptions,
}

/// The parameters of an import.
#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewImport {
    /// A name for people
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The priority of lines that have neither priority nor tier. Without it, they are rejected
    #[arg(long, value_name = "P")]
    pub default_priority: Option<DefaultPriority>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DefaultPriority {
    #[value(name = "VIP")]
    Vip,
    #[value(name = "NORMAL")]
    Normal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnRejects {
    /// Do not start the import
    Stop,
    /// Start it without them
    Skip,
}

impl OnRejects {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Skip => "skip",
        }
    }
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Imports {
    /// Show this import alone
    #[arg(value_name = "ID", value_parser = id, conflicts_with_all = ["state", "limit", "cursor"])]
    pub id: Option<String>,
    #[command(flatten)]
    pub filter: ImportFilter,
    #[command(flatten)]
    pub listed: Listed,
    #[command(subcommand)]
    pub action: Option<ImportsAction>,
}

#[derive(Debug, Args, Serialize)]
pub struct ImportFilter {
    /// Only imports in this state: open, sealed, started, discarded or deleted
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum ImportsAction {
    /// Start an import: it becomes a run, which has its id
    Start(StartImport),
    /// Discard an import that is not started: its orders are deleted
    Discard {
        #[arg(value_name = "ID", value_parser = id)]
        id: String,
    },
}

#[derive(Debug, Args)]
pub struct StartImport {
    #[arg(value_name = "ID", value_parser = id)]
    pub id: String,
    #[command(flatten)]
    pub options: StartOptions,
    /// Follow the run until it ends
    #[arg(long)]
    pub follow: bool,
}

/// The parameters of a start. The API has defaults for those that are not given.
#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartOptions {
    /// What to do if lines are rejected [default: stop]
    #[arg(long, value_name = "WHAT")]
    pub on_rejects: Option<OnRejects>,
    /// How many lines the import must have: if it has another number, it is not started
    #[arg(long, value_name = "N")]
    pub lines: Option<u64>,
    #[command(flatten)]
    #[serde(flatten)]
    pub run: RunOptions,
}

#[derive(Debug, Args)]
pub struct Rejects {
    #[arg(value_name = "ID", value_parser = id)]
    pub id: String,
    /// Write CSV with a header line, instead of NDJSON
    #[arg(long)]
    pub csv: bool,
}

/// The options of a run say something of the run that --start begins.
fn with_start(arg: Arg) -> Arg {
    if !RUN_OPTIONS.contains(&arg.get_id().as_str()) {
        return arg;
    }
    // What conflicts with a dry run is not missed there.
    arg.requires("start").conflicts_with("dry_run")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use crate::args::{Call, Cli, Command, ImportsAction, OnRejects};

    fn call(line: &str) -> Result<Call, clap::Error> {
        match Cli::try_parse_from(line.split_whitespace())?.command {
            Command::Call(call) => Ok(call),
            _ => unreachable!(),
        }
    }

    #[test]
    fn an_import_is_read_with_its_renames() {
        let line = "pedidos import - --csv --map cliente=customer.name,valor=total --start \
                    --on-rejects skip --follow";
        let Call::Import(import) = call(line).unwrap() else { unreachable!() };
        assert_eq!((import.file.as_deref(), import.map.len()), (Some("-"), 2));
        assert_eq!(import.on_rejects, Some(OnRejects::Skip));
    }

    #[test]
    fn an_id_stands_where_a_verb_may_stand() {
        let Call::Imports(imports) = call("pedidos imports 0199-ab --json").unwrap() else {
            unreachable!()
        };
        assert_eq!(imports.id.as_deref(), Some("0199-ab"));
        let line = "pedidos imports start 0199-ab --on-rejects skip --lines 5";
        let Call::Imports(imports) = call(line).unwrap() else { unreachable!() };
        let Some(ImportsAction::Start(start)) = imports.action else { unreachable!() };
        assert_eq!((start.id.as_str(), start.options.lines), ("0199-ab", Some(5)));
    }

    #[test]
    fn what_makes_no_sense_is_bad_usage() {
        for line in [
            "pedidos import",
            "pedidos import a.csv --map client=name",
            "pedidos import a.csv --csv --ndjson",
            "pedidos import a.csv --follow",
            "pedidos import a.csv --on-rejects skip",
            "pedidos import a.csv --start --dry-run",
            "pedidos import a.csv --dry-run --import 1",
            "pedidos import a.csv --import 1 --name a",
            "pedidos import a.csv --default-priority high",
            "pedidos imports ../runs",
            "pedidos imports 1 --state open",
            "pedidos imports discard",
            "pedidos rejects",
        ] {
            assert_eq!(call(line).unwrap_err().exit_code(), 2, "{line}");
        }
        let error = call("pedidos import a.csv --map client=name").unwrap_err().to_string();
        assert!(error.contains("cliente, valor, tier"), "{error}");
    }
}
