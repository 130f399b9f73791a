//! The rejects of an import as a file, read block by block.

use std::io;

use bytes::Bytes;
use futures_util::stream;
use pedidos_api_types::imports::{Reject, RejectFormat};
use pedidos_core::list::spreadsheet;
use pedidos_pipeline::store::{ImportDocument, Store};
use poem::Body;

/// In the order of the lines.
#[must_use]
pub fn stream(store: Store, import: ImportDocument, format: RejectFormat) -> Body {
    let header = match format {
        RejectFormat::Ndjson => String::new(),
        RejectFormat::Csv => "line,field,code,message,original\r\n".to_owned(),
    };
    let pieces = stream::unfold((0, Some(header)), move |(line, header)| {
        let (store, import) = (store.clone(), import.clone());
        async move {
            if let Some(header) = header {
                return Some((Ok(Bytes::from(header)), (line, None)));
            }
            let blocks = store.blocks_from(&import.import_id, line, import.lines, 1).await;
            let block = match blocks {
                Ok(blocks) => blocks.into_iter().next()?,
                Err(error) => {
                    tracing::warn!(%error, import = %import.import_id, "a download of rejects broke off");
                    return Some((Err(io::Error::other(error)), (import.lines, None)));
                }
            };
            let next = block.line + block.lines;
            let text: String =
                block.rejects.into_iter().map(|reject| written(reject.into(), format)).collect();
            Some((Ok(Bytes::from(text)), (next, None)))
        }
    });
    Body::from_bytes_stream(pieces)
}

fn written(reject: Reject, format: RejectFormat) -> String {
    match format {
        RejectFormat::Ndjson => {
            let mut line = serde_json::to_string(&reject).unwrap_or_default();
            line.push('\n');
            line
        }
        RejectFormat::Csv => {
            let field = reject.field.unwrap_or_default();
            let cells = [&field, &reject.code, &reject.message, &reject.original];
            format!("{},{}\r\n", reject.line, cells.map(|cell| quoted(cell)).join(","))
        }
    }
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", spreadsheet::guard(cell).replace('"', "\"\""))
}
