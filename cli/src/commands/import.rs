//! `pedidos import`: creates an import, sends the list until it is whole, perhaps starts it.

use pedidos_api_types::imports::Import;
use pedidos_core::{control::RunOptions, text::count};

use super::{follow, imports, show};
use crate::{
    args::{self, OnRejects, StartOptions},
    client::Client,
    failure::{Failure, Result},
    import_table::summary,
    interrupt,
    list::{Format, Mapping, Source},
    output,
    upload::{self, Target},
    upload_view::UploadView,
    worker,
};

/// Only the id goes to standard output, so that scripts can read it; with `--json`, only the import,
/// or if its run is followed, the status at the end.
pub async fn run(client: &Client, args: &args::Import) -> Result<()> {
    let list = list(args).await?;
    if args.dry_run {
        return dry_run(client, args, &list).await;
    }
    let id = match &args.resumed {
        Some(id) => id.clone(),
        None => create(client, args).await?,
    };
    let go_on = format!("to go on: {}", command(args, &id));
    if !output::is_json() {
        output::line(&id)?;
    }
    output::note(&format!("import {id}; if it is broken off, {go_on}"));
    let import = send(client, args, &id, &list, &go_on).await?;
    if args.start {
        start(client, args, &id, &import).await
    } else {
        if import.accepted > 0 {
            output::note(&later(args, &id, &import));
        }
        Ok(())
    }
}

async fn list(args: &args::Import) -> Result<Source> {
    let mapping = Mapping::new(args.map.clone())?;
    if let (Some(uri), Some(collection)) = (&args.mongo, &args.collection) {
        let mut reader = worker::command("read the collection")?;
        reader.arg("read-collection").arg("--collection").arg(collection);
        reader.args(args.filter.iter().flat_map(|filter| ["--filter", filter]));
        return Source::written_by(reader.env("SOURCE_MONGO_URI", uri), mapping).await;
    }
    let file = args.file.as_deref().unwrap_or_default();
    Source::open(file, Format::of(file, args.format)?, mapping).await
}

/// The key makes a repetition safe: it is answered with the same import.
async fn create(client: &Client, args: &args::Import) -> Result<String> {
    let key = format!("{:032x}", rand::random::<u128>());
    let create = async || client.create_import(&args.new, &key).await;
    let import = upload::until_answered(create).await?.read()?;
    import.import_id.ok_or_else(|| Failure::Failed("the API answered no id".to_owned()))
}

async fn send(
    client: &Client,
    args: &args::Import,
    id: &str,
    list: &Source,
    go_on: &str,
) -> Result<Import> {
    let view = UploadView::new();
    let says = || format!("what is stored of import {id} stays; {go_on}");
    let sent = upload::whole(client, Target::Import(id), list, &view);
    let answer = interrupt::or(sent, says).await;
    view.end();
    match answer {
        Ok(answer) => {
            let import = answer.read()?;
            if output::is_json() && !args.follow {
                output::json(answer.json()?)?;
            }
            output::note(&summary(&import));
            Ok(import)
        }
        Err(failure) => {
            explain(client, id, &failure, go_on).await;
            Err(failure)
        }
    }
}

/// Says what is left of an upload that failed, and what can be done.
async fn explain(client: &Client, id: &str, failure: &Failure, go_on: &str) {
    if is_refused(failure) {
        let import = client.import(id).await.and_then(|import| import.read());
        let import = import.ok().filter(|import| import.lines > 0);
        if let Some(import) = &import {
            output::note(&summary(import));
        }
        let stays = import.map_or("nothing is stored of", |_| "what is stored stays in");
        output::note(&format!("{stays} import {id}; to delete it: pedidos imports discard {id}"));
    } else if failure.answered().is_none_or(|(status, _)| status != 404)
        && !matches!(failure, Failure::Interrupted(_))
    {
        output::note(&format!("what is stored of import {id} stays; {go_on}"));
    }
}

/// Would the same list be refused again?
fn is_refused(failure: &Failure) -> bool {
    failure.answered().is_some_and(|(status, _)| matches!(status, 400 | 409 | 413 | 415 | 422))
}

async fn start(client: &Client, args: &args::Import, id: &str, import: &Import) -> Result<()> {
    let run = args.options.clone();
    let options = StartOptions { on_rejects: args.on_rejects, lines: Some(import.lines), run };
    let accepted = match imports::accepted(client, id, &options).await {
        Ok(accepted) => accepted.read()?,
        Err(failure) => {
            let later = later(args, id, import);
            output::note(&format!("the import is whole, and not started; {later}"));
            return Err(failure);
        }
    };
    output::note(&accepted.message);
    let own = args.options.want_own_processor(RunOptions::DEFAULT_NAME);
    follow::if_wanted(client, &accepted.run_id, args.follow, own).await
}

fn later(args: &args::Import, id: &str, import: &Import) -> String {
    let mut words = ["pedidos", "imports", "start", id].map(str::to_owned).to_vec();
    words.extend(args.options.words());
    let command = words.join(" ");
    if import.rejected == 0 {
        return format!("to start it: {command}");
    }
    format!("to start it without its rejects: {command} --on-rejects skip")
}

async fn dry_run(client: &Client, args: &args::Import, list: &Source) -> Result<()> {
    let view = UploadView::new();
    let sent = upload::whole(client, Target::DryRun(&args.new), list, &view);
    let answer = interrupt::or(sent, || "interrupted; nothing is stored".to_owned()).await;
    view.end();
    let answer = answer?;
    show::answer(&answer, summary)?;
    let import = answer.read()?;
    if import.rejected > 0 && args.on_rejects != Some(OnRejects::Skip) {
        let rejected = count(import.rejected);
        return Err(Failure::Failed(format!("{rejected} lines would be rejected")));
    }
    Ok(())
}

/// The command that goes on with this import.
fn command(args: &args::Import, id: &str) -> String {
    let mut words = vec!["pedidos".to_owned(), "import".to_owned()];
    words.extend(args.file.as_deref().map(quoted));
    if let Some(collection) = &args.collection {
        // The address may have a password.
        words.extend(["--mongo URI --collection".to_owned(), quoted(collection)]);
    }
    if let Some(filter) = &args.filter {
        words.extend(["--filter".to_owned(), quoted(filter)]);
    }
    let flags = [
        (args.format.csv, "--csv"),
        (args.format.ndjson, "--ndjson"),
        (args.format.gzip, "--gzip"),
    ];
    let of = |flags: &[(bool, &str)]| -> Vec<String> {
        flags.iter().filter(|(given, _)| *given).map(|(_, flag)| (*flag).to_owned()).collect()
    };
    words.extend(of(&flags));
    if !args.map.is_empty() {
        let renames = args.map.iter().map(|it| format!("{}={}", it.target, it.source));
        words.extend(["--map".to_owned(), quoted(&renames.collect::<Vec<_>>().join(","))]);
    }
    words.extend(["--import".to_owned(), id.to_owned()]);
    words.extend(of(&[(args.start, "--start")]));
    if let Some(on_rejects) = args.on_rejects {
        words.extend(["--on-rejects".to_owned(), on_rejects.as_str().to_owned()]);
    }
    words.extend(args.options.words());
    words.extend(of(&[(args.follow, "--follow"), (output::is_json(), "--json")]));
    words.join(" ")
}

/// A word as a shell reads it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;
    use reqwest::StatusCode;

    use super::*;
    use crate::{
        args::{Call, Cli, Command},
        failure::ErrorAnswer,
    };

    fn import(words: &[&str]) -> args::Import {
        let words = ["pedidos", "import"].iter().chain(words);
        let Command::Call(Call::Import(import)) = Cli::try_parse_from(words).unwrap().command
        else {
            unreachable!()
        };
        *import
    }

    #[test]
    fn the_command_that_goes_on_sends_the_same_list() {
        let plain = import(&["orders.csv", "--name", "march", "--default-priority", "VIP"]);
        assert_eq!(command(&plain, "1"), "pedidos import orders.csv --import 1");
        let full = [
            "it's.txt",
            "--ndjson",
            "--gzip",
            "--map",
            "cliente=customer name,valor=total",
            "--start",
            "--on-rejects",
            "skip",
            "--processor",
            "refunds",
            "--pause-after",
            "10",
            "--max-failed-percent",
            "5",
            "--on-vip-failure",
            "continue",
            "--follow",
        ];
        assert_eq!(
            command(&import(&full), "1"),
            "pedidos import 'it'\\''s.txt' --ndjson --gzip \
             --map 'cliente=customer name,valor=total' --import 1 --start --on-rejects skip \
             --processor refunds --pause-after 10 --max-failed-percent 5 --on-vip-failure continue \
             --follow"
        );
    }

    #[test]
    fn the_command_that_starts_it_later_has_the_same_options() {
        let whole = serde_json::from_value(serde_json::json!({
            "importId": "1", "name": null, "state": "open", "lines": 3, "accepted": 2,
            "rejected": 1, "vip": 1, "normal": 1, "bytes": 1, "firstRejects": [],
            "createdAt": "2026-03-01T12:00:20.456Z", "sealedAt": null, "expiresAt": null,
            "runId": null
        }))
        .unwrap();
        let args = import(&["orders.csv", "--start", "--processor", "builtin"]);
        assert_eq!(
            later(&args, "1", &whole),
            "to start it without its rejects: pedidos imports start 1 --processor builtin \
             --on-rejects skip"
        );
    }

    #[test]
    fn what_would_be_refused_again_is_told_from_what_can_go_on() {
        let answered = |status| {
            let status = StatusCode::from_u16(status).unwrap();
            Failure::Answered(Box::new(ErrorAnswer::read(status, None, "{}")))
        };
        for status in [400, 409, 413, 415, 422] {
            assert!(is_refused(&answered(status)), "{status}");
        }
        for failure in [answered(401), answered(503), Failure::Unreachable(String::new())] {
            assert!(!is_refused(&failure), "{failure:?}");
        }
    }
}
