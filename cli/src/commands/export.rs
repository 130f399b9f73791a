//! `pedidos export`: the orders of a run, with what became of them. Asks for the rest if an answer
//! breaks off.

use std::{
    cell::RefCell,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use pedidos_core::text::count;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::import::quoted;
use crate::{
    args::{Export, ExportFormat},
    client::Client,
    copy::Copy,
    failure::{Failure, Result},
    figure::duration,
    interrupt, output,
    upload::Patience,
    whole_lines::WholeLines,
};

/// An answer that stands still for so long is broken off.
const STILL: Duration = Duration::from_mins(1);

/// Where the orders go.
enum Target {
    Standard(Copy),
    File(File, PathBuf),
}

/// How far the export is.
#[derive(Debug, Clone, Default)]
struct Reached {
    orders: u64,
    /// The last order that is written.
    last: Option<String>,
}

/// With --json the orders are an array; of those in a file, the document says how many they are.
pub async fn run(client: &Client, args: &Export) -> Result<()> {
    if output::is_json() && args.output.is_none() && args.options.format == ExportFormat::Csv {
        let text = "--format csv and --json contradict each other, unless --output names a file";
        return Err(Failure::Usage(text.to_owned()));
    }
    let run_id = match &args.run_id {
        Some(run_id) => run_id.clone(),
        None => current(client).await?,
    };
    let target = Target::open(args.output.as_deref(), args.after.is_some())?;
    let reached = RefCell::new(Reached { last: args.after.clone(), ..Reached::default() });
    let go_on = || how_to_go_on(args, &run_id, &reached.borrow());
    let written = whole(client, args, &run_id, target, &reached);
    match interrupt::or(written, || format!("interrupted; {}", go_on())).await {
        Ok(()) => {
            let orders = reached.borrow().orders;
            output::note(&format!("{} orders of run {run_id}", count(orders)));
            match &args.output {
                Some(file) if output::is_json() => {
                    let file = file.to_string_lossy();
                    let document = json!({ "runId": run_id, "orders": orders, "file": file });
                    output::json(&document.to_string())
                }
                _ => Ok(()),
            }
        }
        // The reader has what it wants.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(failure) => {
            if reached.borrow().orders > 0 && !matches!(failure, Failure::Interrupted(_)) {
                output::note(&go_on());
            }
            Err(failure)
        }
    }
}

async fn current(client: &Client) -> Result<String> {
    let none = "there is no run to export; start one with `pedidos generate` or `pedidos import`";
    client.status().await?.read()?.run_id.ok_or_else(|| Failure::Failed(none.into()))
}

/// Asks until all orders are written.
async fn whole(
    client: &Client,
    args: &Export,
    run_id: &str,
    mut target: Target,
    reached: &RefCell<Reached>,
) -> Result<()> {
    let mut patience = Patience::new(Instant::now());
    loop {
        let before = reached.borrow().orders;
        let failure = match answer(client, args, run_id, &mut target, reached).await {
            Ok(()) => return target.finish(),
            Err(failure) => failure,
        };
        if reached.borrow().orders > before {
            patience.advance(Instant::now());
        }
        let Some(pause) = patience.after(&failure, Instant::now()) else { return Err(failure) };
        let wait = duration(pause.as_millis() as u64);
        output::note(&format!("{failure}; asking for the rest in {wait}"));
        sleep(pause).await;
    }
}

/// Writes what is whole of one answer. Fails if that is not all.
async fn answer(
    client: &Client,
    args: &Export,
    run_id: &str,
    target: &mut Target,
    reached: &RefCell<Reached>,
) -> Result<()> {
    let late = |_| Failure::Unreachable(format!("no answer within {STILL:?}"));
    let after = reached.borrow().last.clone();
    let ask = client.export(run_id, &args.options, after.as_deref());
    let mut answer = timeout(STILL, ask).await.map_err(late)??;
    let mut lines = WholeLines::new(args.options.format == ExportFormat::Csv);
    while let Some(piece) = timeout(STILL, client.piece(&mut answer)).await.map_err(late)?? {
        let Some(whole) = lines.add(piece.as_ref()) else { continue };
        target.add(&whole.bytes)?;
        let mut reached = reached.borrow_mut();
        reached.orders += whole.orders;
        reached.last = Some(whole.last);
    }
    target.add(&lines.end()?)
}

/// What a person can do with what is written so far.
fn how_to_go_on(args: &Export, run_id: &str, reached: &Reached) -> String {
    let Some(last) = &reached.last else { return "no order is written".to_owned() };
    let mut words = vec!["pedidos".to_owned(), "export".to_owned(), run_id.to_owned()];
    words.extend(args.options.words());
    words.extend(["--after".to_owned(), last.clone()]);
    if let Some(file) = &args.output {
        words.extend(["--output".to_owned(), quoted(&file.to_string_lossy())]);
    }
    let orders = count(reached.orders);
    format!("{orders} orders are written; for the rest: {}", words.join(" "))
}

impl Target {
    fn open(file: Option<&Path>, goes_on: bool) -> Result<Self> {
        let Some(path) = file else { return Ok(Self::Standard(Copy::new())) };
        let mut options = OpenOptions::new();
        if goes_on {
            options.append(true);
        } else {
            options.write(true).create_new(true);
        }
        match options.open(path) {
            Ok(file) => Ok(Self::File(file, path.to_owned())),
            Err(error) => Err(Failure::Usage(format!("cannot write {}: {error}", path.display()))),
        }
    }

    fn add(&mut self, lines: &[u8]) -> Result<()> {
        match self {
            Self::Standard(copy) => copy.add(lines),
            Self::File(file, path) => file.write_all(lines).map_err(|error| failed(path, &error)),
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Standard(copy) => copy.finish(),
            Self::File(..) => Ok(()),
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;
    use crate::args::{Call, Cli, Command};

    #[test]
    fn the_command_for_the_rest_has_the_same_filter_and_file() {
        let line = "pedidos export --status falhou --format csv --output a'b.csv";
        let Command::Call(Call::Export(args)) =
            Cli::try_parse_from(line.split_whitespace()).unwrap().command
        else {
            unreachable!()
        };
        let none = how_to_go_on(&args, "r", &Reached::default());
        assert_eq!(none, "no order is written");
        let reached = Reached { orders: 1_500, last: Some("01-a".to_owned()) };
        assert_eq!(
            how_to_go_on(&args, "r", &reached),
            "1,500 orders are written; for the rest: pedidos export r --status falhou --format csv \
             --after 01-a --output 'a'\\''b.csv'"
        );
    }
}
