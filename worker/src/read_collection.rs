//! `pedidos-worker read-collection`: writes the documents of a collection as lines of JSON. `pedidos
//! import --mongo` executes it: the command line has no driver.

use std::{env, ffi::OsStr, io, process::ExitCode};

use clap::{Arg, Command};
use pedidos_core::{redact::redacted, text::printable};
use pedidos_pipeline::collection::{CollectionError, CollectionSource};
use pedidos_service::{config::refuse, output};

const NAME: &str = "read-collection";
/// Not a flag: other people of the machine can read the flags of a process.
const URI: &str = "SOURCE_MONGO_URI";

const ABOUT: &str = "\
Write the documents of a MongoDB collection to standard output, as lines of JSON in order of _id: the \
matching ids are read first, then the documents. SOURCE_MONGO_URI says where; pedidos import --mongo \
sets it.";

/// Is this what the first argument asks for?
pub fn is_requested() -> bool {
    env::args_os().nth(1).as_deref() == Some(OsStr::new(NAME))
}

/// Writes the list, and answers the exit code of the process.
pub async fn main() -> ExitCode {
    let flags = command().try_get_matches_from(env::args_os().skip(1));
    let flags = flags.unwrap_or_else(|error| refuse(&error));
    let text = |name: &str| flags.get_one::<String>(name).cloned();
    let named = text("collection").unwrap_or_default();
    let Some((database, collection)) = named.split_once('.') else {
        output::write_error("error: --collection is DATABASE.COLLECTION, such as shop.orders");
        return ExitCode::from(2);
    };
    let Ok(uri) = env::var(URI) else {
        output::write_error(&format!("error: {URI} is not set: it says where the collection is"));
        return ExitCode::from(2);
    };
    let source = CollectionSource {
        uri: uri.into(),
        database: database.to_owned(),
        collection: collection.to_owned(),
        filter: text("filter"),
    };
    let mut out = io::BufWriter::new(io::stdout());
    let ended = source.write(&mut out).await;
    match ended {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            output::write_error(&printable(&format!("error: {}", redacted(&error.to_string()))));
            ExitCode::from(match error {
                CollectionError::Filter(_) => 2,
                CollectionError::Store(_) => 4,
                CollectionError::Output(_) => 1,
            })
        }
    }
}

fn command() -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new(NAME)
        .bin_name(format!("pedidos-worker {NAME}"))
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"))
        .arg(option("collection", "DB.NAME", "The database and the collection").required(true))
        .arg(option("filter", "JSON", "Which documents, as extended JSON; default: all"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_a_collection_and_a_filter() {
        command().debug_assert();
        assert!(command().try_get_matches_from([NAME, "--collection", "a.b"]).is_ok());
        assert!(command().try_get_matches_from([NAME]).is_err());
    }
}
