//! The orders of a run as a file, written while they are read.

use std::io;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use pedidos_core::list::ExportFormat;
use pedidos_pipeline::{
    receipt::{Receipt, ReceiptError},
    store::StoredOrder,
};
use poem::Body;

use crate::{http::long_answer::Permit, views};

/// `is_rest`: the file goes on after an order, and has no header line. An error before the first lines
/// is answered as an error; a later one breaks the answer off, so that nobody takes it for whole.
///
/// # Errors
/// The first lines cannot be read.
pub async fn body(
    mut receipt: Receipt,
    format: ExportFormat,
    is_rest: bool,
    permit: Permit,
) -> Result<Body, ReceiptError> {
    let mut begin = if is_rest { String::new() } else { format.header() };
    let Some(first) = receipt.next().await? else { return Ok(Body::from(begin)) };
    begin.push_str(&written(first, format));
    let rest = stream::unfold(Some((receipt, permit)), move |reading| async move {
        let (mut receipt, permit) = reading?;
        match receipt.next().await {
            Ok(orders) => {
                let text = written(orders?, format);
                Some((Ok(Bytes::from(text)), Some((receipt, permit))))
            }
            Err(error) => {
                tracing::warn!(%error, "a download of orders broke off");
                Some((Err(io::Error::other(error)), None))
            }
        }
    });
    let begin = stream::once(async move { Ok(Bytes::from(begin)) });
    Ok(Body::from_bytes_stream(begin.chain(rest)))
}

fn written(orders: Vec<StoredOrder>, format: ExportFormat) -> String {
    let mut text = String::new();
    for order in orders {
        views::exports::line(order).write(format, &mut text);
    }
    text
}
