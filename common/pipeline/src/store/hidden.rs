//! Processed orders that a person takes off the list.

use std::ops::Range;

use futures_util::future::BoxFuture;
use mongodb::bson::{DateTime, doc};
use pedidos_core::order::{OrderId, PROCESSADO, Priority};

use super::{
    bulk::Orders,
    call::within,
    client::Store,
    error::Result,
    filter::{listed, range},
};

/// Orders read and written at once.
const PAGE: i64 = 1_000;

impl Store {
    /// Hides `limit` processed orders at most, in order of id, `only` of one priority, that were
    /// processed at or before a time (ms since the epoch by MongoDB's clock). Answers how many this call hid.
    pub(crate) fn hide_processed<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
        only: Option<Priority>,
        before: i64,
        limit: u64,
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let mut hidden = 0;
            let mut rest = ids.clone();
            while hidden < limit {
                let mut filter = listed(&rest);
                if let Some(only) = only {
                    filter.insert("priority", only.as_str());
                }
                if before != i64::MAX {
                    filter.insert("processedAt", doc! { "$lte": DateTime::from_millis(before) });
                }
                let most = PAGE.min(i64::try_from(limit - hidden).unwrap_or(PAGE));
                let page = self.ids(filter, most, true).await?;
                let Some(last) = page.last() else { break };
                rest.start = last.alone().end;
                let still = doc! { "hidden": { "$ne": true } };
                let hide = doc! { "$set": { "hidden": true } };
                let written = self.update_orders(Orders::These(&page), &still, &hide).await?;
                // A write that is refused for one order has hidden some others, and does not tell
                // how many.
                hidden += match written.refused.len() {
                    0 => written.count,
                    refused => (page.len() - refused) as u64,
                };
            }
            Ok(hidden)
        })
    }

    pub(crate) fn count_hidden<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
    ) -> BoxFuture<'a, Result<i64>> {
        Box::pin(async move {
            let mut filter = range(ids);
            filter.insert("status", PROCESSADO);
            filter.insert("hidden", true);
            Ok(within(self.orders.count_documents(filter)).await? as i64)
        })
    }
}
