//! `pedidos key`: the file of keys of an API.

use std::io;

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use pedidos_common::{
    access::{self, Keys, Lapsed, now_ms},
    telemetry::iso,
};

use crate::{args::KeyVerb, client::Result, failure::Failure, figure::NONE, output};

/// Makes, lists or revokes.
pub fn run(verb: &KeyVerb) -> Result<()> {
    match verb {
        KeyVerb::New(new) => {
            let file = &new.file.path;
            let key = access::add(file, &new.name, new.role, new.expires).map_err(failure)?;
            // The only line on standard output, so that it can be piped to where it belongs.
            output::line(&key)?;
            let until = new.expires.map_or_else(String::new, |at| format!(", until {}", iso(at)));
            eprintln!(
                "{} may {} with it{until}; its hash is in {}, and it will not be shown again",
                new.name,
                match new.role {
                    access::Role::Viewer => "look",
                    access::Role::Operator => "look, start and steer runs",
                    access::Role::Admin => "do everything",
                },
                file.display()
            );
            Ok(())
        }
        KeyVerb::List { file } => {
            let keys = access::list(&file.path).map_err(failure)?;
            output::line(&table(&keys, now_ms()).to_string())?;
            if keys.mistakes.is_empty() {
                return Ok(());
            }
            let (file, mistakes) = (file.path.display(), keys.mistakes.join("\n  "));
            Err(Failure::Failed(format!("{file} has lines of no use:\n  {mistakes}")))
        }
        KeyVerb::Revoke { file, name } => {
            access::revoke(&file.path, name).map_err(failure)?;
            output::line(&format!("{name} is revoked"))
        }
    }
}

fn failure(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}

fn table(keys: &Keys, now: i64) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED.with_rounded_corners())
        .set_header(["name", "role", "created", "expires", "counts"]);
    for key in &keys.keys {
        let created = if key.created == 0 { NONE.to_owned() } else { iso(key.created) };
        let expires = key.expires.map_or_else(|| "never".to_owned(), iso);
        let counts = match key.counts_at(now) {
            Ok(()) => "yes",
            Err(Lapsed::Revoked) => "no: revoked",
            Err(Lapsed::Expired) => "no: expired",
        };
        table.add_row([&key.name, key.role.as_str(), &created, &expires, counts]);
    }
    table
}
