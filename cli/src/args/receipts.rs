//! The arguments of what tells what became of orders, and ends it: `pedidos export`, `pedidos order`,
//! `pedidos delete-run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::id;

pub const EXPORT: &str = "\
Write the orders of a run, with what became of them: to standard output, or to a new file. What a list \
knows comes back as it came, so what failed can be mended and imported again; columns that begin with \
pedidos_ say what became of the order, and an import ignores them.

Only whole lines are written. If the connection breaks, or the API or a store is away, the command asks \
for the rest until it has it, and gives up after 10 minutes without progress; then it says how to go on.";

#[derive(Debug, Args)]
pub struct Export {
    /// The run, or the import that it is of [default: the current run]
    #[arg(value_name = "RUN_ID", value_parser = id)]
    pub run_id: Option<String>,
    #[command(flatten)]
    pub options: ExportOptions,
    /// Go on behind the order with this id, which is the last one that was written. With --output, the
    /// rest is added to the file
    #[arg(long, value_name = "ORDER_ID", value_parser = id)]
    pub after: Option<String>,
    /// Write to this file, which must not be there yet, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct DeleteRun {
    #[arg(value_name = "RUN_ID", value_parser = id)]
    pub run_id: String,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct ShowOrder {
    /// The order's id: `pedidos_id` of an export, or of the list of jobs
    #[arg(value_name = "ORDER_ID", value_parser = id)]
    pub id: String,
}

/// The API has defaults for those that are not given.
#[derive(Debug, Clone, Args, Serialize)]
pub struct ExportOptions {
    /// Only orders with this status
    #[arg(long, value_name = "STATUS")]
    pub status: Option<OrderStatus>,
    /// Only orders of this priority
    #[arg(long, value_name = "P")]
    pub priority: Option<OrderPriority>,
    /// How the orders are written
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    pub format: ExportFormat,
    /// With --format csv: what stands between the cells [default: comma]
    #[arg(long, value_name = "DELIMITER")]
    pub delimiter: Option<Delimiter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// Not processed yet
    Pendente,
    /// Processed
    Processado,
    /// Failed: a dead letter
    Falhou,
    /// Removed by a person
    Removido,
    /// Cancelled with its run
    Cancelado,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OrderPriority {
    #[value(name = "VIP")]
    Vip,
    #[value(name = "NORMAL")]
    Normal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// A JSON object a line
    Ndjson,
    /// CSV with a header line
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Delimiter {
    /// ,
    Comma,
    /// ; with a decimal comma, for a spreadsheet in Brazil
    Semicolon,
}

impl ExportOptions {
    /// The options as words of a command.
    pub fn words(&self) -> Vec<String> {
        let Self { status, priority, format, delimiter } = self;
        let options = [
            ("--status", status.and_then(|it| it.to_possible_value())),
            ("--priority", priority.and_then(|it| it.to_possible_value())),
            ("--format", format.to_possible_value()),
            ("--delimiter", delimiter.and_then(|it| it.to_possible_value())),
        ];
        let given = options
            .into_iter()
            .filter_map(|(name, value)| Some([name.to_owned(), value?.get_name().to_owned()]));
        given.flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use crate::args::{Call, Cli, Command};

    fn call(line: &str) -> Result<Call, clap::Error> {
        match Cli::try_parse_from(line.split_whitespace())?.command {
            Command::Call(call) => Ok(call),
            _ => unreachable!(),
        }
    }

    #[test]
    fn an_export_has_a_filter_and_a_format() {
        let line = "pedidos export 0199-ab --status falhou --priority VIP --format csv \
                    --delimiter semicolon --after 01-2 --output failed.csv";
        let Call::Export(export) = call(line).unwrap() else { unreachable!() };
        assert_eq!(
            (export.run_id.as_deref(), export.after.as_deref()),
            (Some("0199-ab"), Some("01-2"))
        );
        assert_eq!(
            serde_json::to_value(&export.options).unwrap(),
            serde_json::json!({
                "status": "falhou", "priority": "VIP", "format": "csv", "delimiter": "semicolon",
            })
        );
        assert_eq!(
            export.options.words().join(" "),
            "--status falhou --priority VIP --format csv --delimiter semicolon"
        );
        let Call::Export(export) = call("pedidos export").unwrap() else { unreachable!() };
        assert_eq!(export.options.words().join(" "), "--format ndjson");
    }

    #[test]
    fn what_makes_no_sense_is_bad_usage() {
        for line in [
            "pedidos export ../reset",
            "pedidos export 1 --status done",
            "pedidos export 1 --priority vip",
            "pedidos export 1 --format xlsx",
            "pedidos export 1 --after ../x",
            "pedidos order",
            "pedidos order ../reset",
            "pedidos delete-run",
            "pedidos delete-run ../reset",
        ] {
            assert_eq!(call(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
