//! The arguments that say how a run goes: the options of a start, and of `pedidos limits`, `pedidos
//! change` and `pedidos fail`.

use clap::{Args, ValueEnum, value_parser};
use pedidos_core::control;
use serde::Serialize;

use super::id;

/// The options of a start, by name.
pub const RUN_OPTIONS: [&str; 4] =
    ["processor", "pause_after", "max_failed_percent", "on_vip_failure"];

/// What a start says of its run. The API has defaults for those that are not given.
#[derive(Debug, Clone, Default, Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunOptions {
    /// Who processes the orders: builtin, or the name that workers give their processor
    /// (PROCESSOR_NAME) [default: builtin for generated orders, default for an import]
    #[arg(long, value_name = "NAME", value_parser = processor)]
    pub processor: Option<String>,
    /// Pause the run once N of its orders have ended, to look at them. `pedidos resume` goes on
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub pause_after: Option<u32>,
    /// Stop the run as ERROR once more than P percent of its orders have failed (at least 100
    /// must have ended)
    #[arg(long, value_name = "P", value_parser = value_parser!(u32).range(..=100))]
    pub max_failed_percent: Option<u32>,
    /// What to do if a VIP order is a dead letter [default: continue for generated orders, hold for
    /// an import]
    #[arg(long, value_name = "WHAT")]
    pub on_vip_failure: Option<OnVipFailure>,
}

impl RunOptions {
    /// Is the run for workers with a processor of somebody's own? `default`: unless it is named.
    pub fn want_own_processor(&self, default: &str) -> bool {
        self.processor.as_deref().unwrap_or(default) != control::RunOptions::BUILTIN_NAME
    }

    /// The options that are given, as words of a command.
    pub fn words(&self) -> Vec<String> {
        let Self { processor, pause_after, max_failed_percent, on_vip_failure } = self;
        let options = [
            ("--processor", processor.clone()),
            ("--pause-after", pause_after.map(|n| n.to_string())),
            ("--max-failed-percent", max_failed_percent.map(|percent| percent.to_string())),
            ("--on-vip-failure", on_vip_failure.map(|what| what.as_str().to_owned())),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?]));
        given.flatten().collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnVipFailure {
    /// Process the NORMAL orders once every VIP order has ended, whether it failed or not
    Continue,
    /// Hold the NORMAL orders back as long as a VIP order is a dead letter
    Hold,
}

impl OnVipFailure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Hold => "hold",
        }
    }
}

/// A number, or none, which lifts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Setting(pub Option<u64>);

/// A limit that is not given stays as it is.
#[derive(Debug, Args, Serialize)]
pub struct NewLimits {
    /// How many orders all workers together may begin in a second, at most; none lifts the limit
    #[arg(long, value_name = "N|none", value_parser = at_least_one)]
    #[serde(rename = "ordersPerSecond", skip_serializing_if = "Option::is_none")]
    pub rate: Option<Setting>,
    /// How many orders may be in flight at once, at most; none lifts the limit
    #[arg(long, value_name = "N|none", value_parser = at_least_one)]
    #[serde(rename = "maxInFlight", skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<Setting>,
}

impl NewLimits {
    pub const fn is_none(&self) -> bool {
        self.rate.is_none() && self.in_flight.is_none()
    }
}

#[derive(Debug, Args)]
pub struct Change {
    /// The run, which must be active [default: the current run]
    #[arg(value_name = "RUN_ID", value_parser = id)]
    pub run_id: Option<String>,
    #[command(flatten)]
    pub new: NewFlow,
}

/// An option that is not given stays as it is.
#[derive(Debug, Args, Serialize)]
#[group(required = true, multiple = true)]
#[serde(rename_all = "camelCase")]
pub struct NewFlow {
    /// Pause the run once N of its orders have ended, to look at them; none: do not
    #[arg(long, value_name = "N|none", value_parser = at_least_one)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_after: Option<Setting>,
    /// Stop the run as ERROR once more than P percent of its orders have failed; none: do not. A run
    /// in ERROR goes on if it has no more than that
    #[arg(long, value_name = "P|none", value_parser = percent)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_failed_percent: Option<Setting>,
    /// What to do if a VIP order is a dead letter
    #[arg(long, value_name = "WHAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_vip_failure: Option<OnVipFailure>,
}

#[derive(Debug, Args)]
pub struct FailOrder {
    /// The order's id, which `pedidos status` shows if the order holds the run up
    #[arg(value_name = "ORDER_ID", value_parser = id)]
    pub id: String,
}

/// The name of a processor, as the API takes it: a mistake is found before a list is uploaded.
fn processor(text: &str) -> Result<String, String> {
    let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
        return Ok(text.to_owned());
    }
    Err("the name of a processor has 1 to 64 letters, digits, '.', '_' and '-'".to_owned())
}

fn at_least_one(text: &str) -> Result<Setting, String> {
    setting(text, 1, u64::MAX).ok_or_else(|| "write a whole number from 1, or none".to_owned())
}

fn percent(text: &str) -> Result<Setting, String> {
    setting(text, 0, 100).ok_or_else(|| "write a whole number from 0 to 100, or none".to_owned())
}

fn setting(text: &str, least: u64, most: u64) -> Option<Setting> {
    if text == "none" {
        return Some(Setting(None));
    }
    let number = text.parse().ok().filter(|number| (least..=most).contains(number))?;
    Some(Setting(Some(number)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;
    use serde_json::{Value, json, to_value};

    use super::*;
    use crate::args::{Call, Cli, Command, ImportsAction};

    fn call(line: &str) -> Result<Call, clap::Error> {
        match Cli::try_parse_from(line.split_whitespace())?.command {
            Command::Call(call) => Ok(call),
            _ => unreachable!(),
        }
    }

    const OPTIONS: &str =
        "--processor refunds --pause-after 10 --max-failed-percent 5 --on-vip-failure hold";

    #[test]
    fn every_start_takes_the_options_of_a_run() {
        let Call::Generate(generate) = call(&format!("pedidos generate {OPTIONS}")).unwrap() else {
            unreachable!()
        };
        let line = format!("pedidos import a.csv --start {OPTIONS}");
        let Call::Import(import) = call(&line).unwrap() else { unreachable!() };
        let line = format!("pedidos imports start 0199-ab {OPTIONS}");
        let Call::Imports(imports) = call(&line).unwrap() else { unreachable!() };
        let Some(ImportsAction::Start(start)) = imports.action else { unreachable!() };
        for options in [generate.run.options, import.options, start.options.run] {
            assert_eq!(options.words().join(" "), OPTIONS);
        }
        let none = RunOptions::default();
        assert!(none.words().is_empty());
        assert_eq!(["builtin", "default"].map(|it| none.want_own_processor(it)), [false, true]);
    }

    #[test]
    fn limits_are_shown_set_and_lifted() {
        let body = |line: &str| -> Value {
            let Call::Limits(limits) = call(line).unwrap() else { unreachable!() };
            assert_eq!(limits.is_none(), line == "pedidos limits");
            to_value(&limits).unwrap()
        };
        assert_eq!(body("pedidos limits"), json!({}));
        assert_eq!(body("pedidos limits --rate 500"), json!({ "ordersPerSecond": 500 }));
        assert_eq!(
            body("pedidos limits --rate none --in-flight 20"),
            json!({ "ordersPerSecond": null, "maxInFlight": 20 })
        );
    }

    #[test]
    fn a_change_says_only_what_changes() {
        let body = |line: &str| -> (Option<String>, Value) {
            let Call::Change(change) = call(line).unwrap() else { unreachable!() };
            (change.run_id, to_value(&change.new).unwrap())
        };
        assert_eq!(
            body("pedidos change --pause-after none"),
            (None, json!({ "pauseAfter": null }))
        );
        assert_eq!(
            body("pedidos change 0199-ab --max-failed-percent 0 --on-vip-failure continue"),
            (
                Some("0199-ab".to_owned()),
                json!({ "maxFailedPercent": 0, "onVipFailure": "continue" })
            )
        );
    }

    #[test]
    fn what_makes_no_sense_is_bad_usage() {
        for line in [
            "pedidos generate --processor a/b",
            "pedidos generate --pause-after 0",
            "pedidos generate --max-failed-percent 101",
            "pedidos generate --on-vip-failure stop",
            "pedidos import a.csv --processor builtin",
            "pedidos import a.csv --dry-run --pause-after 5",
            "pedidos imports discard 1 --processor builtin",
            "pedidos limits --rate 0",
            "pedidos limits --in-flight many",
            "pedidos change",
            "pedidos change --json",
            "pedidos change ../x --pause-after 1",
            "pedidos change --max-failed-percent 200",
            "pedidos change --on-vip-failure none",
            "pedidos fail",
            "pedidos fail ../reset",
        ] {
            assert_eq!(call(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
