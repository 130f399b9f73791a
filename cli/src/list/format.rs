//! How a list is written: what the flags say, or else its name.

use clap::Args;

use crate::failure::{Failure, Result};

#[derive(Debug, Clone, Copy, Args)]
pub struct FormatFlags {
    /// The list is CSV, whatever its name is
    #[arg(long, conflicts_with = "ndjson")]
    pub csv: bool,
    /// The list is NDJSON, whatever its name is
    #[arg(long)]
    pub ndjson: bool,
    /// The list is compressed with gzip, whatever its name is
    #[arg(long)]
    pub gzip: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    pub is_csv: bool,
    pub gzip: bool,
}

impl Format {
    pub fn of(file: &str, flags: FormatFlags) -> Result<Self> {
        let lower = file.to_lowercase();
        let (stem, gzip) = match lower.strip_suffix(".gz") {
            Some(stem) => (stem, true),
            None => (lower.as_str(), flags.gzip),
        };
        let is_csv = match stem.rsplit_once('.') {
            _ if flags.csv || flags.ndjson => flags.csv,
            Some((_, "csv")) => true,
            Some((_, "ndjson" | "jsonl")) => false,
            _ => return Err(Failure::Usage(unknown(file))),
        };
        Ok(Self { is_csv, gzip })
    }

    pub const fn content_type(self) -> &'static str {
        if self.is_csv { "text/csv" } else { "application/x-ndjson" }
    }
}

fn unknown(file: &str) -> String {
    let what = match file {
        "-" => "standard input has no name that tells its format".to_owned(),
        file => format!("the name {file} does not tell the format of the list"),
    };
    format!("{what}: add --csv or --ndjson, and --gzip if it is compressed")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NONE: FormatFlags = FormatFlags { csv: false, ndjson: false, gzip: false };

    #[test]
    fn the_name_tells_the_format() {
        for (file, is_csv, gzip) in [
            ("orders.csv", true, false),
            ("orders.CSV.gz", true, true),
            ("a.csv/orders.ndjson", false, false),
            ("orders.jsonl.gz", false, true),
        ] {
            assert_eq!(Format::of(file, NONE).unwrap(), Format { is_csv, gzip }, "{file}");
        }
    }

    #[test]
    fn the_flags_win_over_the_name() {
        let csv = FormatFlags { csv: true, ..NONE };
        assert!(Format::of("orders.ndjson", csv).unwrap().is_csv);
        let ndjson = FormatFlags { ndjson: true, gzip: true, ..NONE };
        assert_eq!(Format::of("-", ndjson).unwrap(), Format { is_csv: false, gzip: true });
    }

    #[test]
    fn a_name_that_tells_nothing_is_bad_usage() {
        for file in ["-", "orders", "orders.txt", "orders.gz", "csv"] {
            let failure = Format::of(file, NONE).unwrap_err();
            assert_eq!(failure.exit_code(), 2, "{file}");
            assert!(failure.to_string().contains("--csv or --ndjson"), "{failure}");
        }
    }
}
