//! One queue owns one database: an order's id says when its run was created, not in which queue,
//! so a reset of one queue would delete the orders of another.
//!
//! The collection `owner` has one document, written by the first queue that starts here. It also
//! says when a process of that queue was last seen: the readiness probe writes that.

use futures_util::future::BoxFuture;
use mongodb::{
    bson::{Document, doc},
    options::WriteConcern,
};

use super::{
    call::within,
    client::Store,
    error::{DUPLICATE_KEY, Result, StoreError},
};

const OWNER: &str = "database";

impl Store {
    /// Makes sure, once, that this database is this queue's: takes it if nobody has it. Fails with
    /// [`StoreError::Settings`] if another queue has it.
    pub(crate) fn owned(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.owned.get_or_try_init(|| self.take()).await.map(drop) })
    }

    async fn take(&self) -> Result<()> {
        self.check_owner().await?;
        // A queue of a version without owners has its control document alone.
        let another = doc! {
            "_id": { "$type": "string", "$ne": &self.queue },
            "version": { "$exists": true },
            "intent": { "$exists": true },
        };
        let controls = self.control.clone_with_type::<Document>();
        if let Some(other) = within(controls.find_one(another)).await? {
            return Err(self.holds_another(other.get_str("_id").unwrap_or_default()));
        }
        self.write_seen(None).await
    }

    /// Writes that this queue was seen, with the write concern of control, and with that of
    /// orders.
    pub fn takes_writes(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.owned().await?;
            self.write_seen(None).await?;
            let orders = self.orders.write_concern();
            if orders != self.owner.write_concern() {
                self.write_seen(orders.cloned()).await?;
            }
            Ok(())
        })
    }

    async fn write_seen(&self, acknowledged: Option<WriteConcern>) -> Result<()> {
        let mine = doc! { "_id": OWNER, "queue": &self.queue };
        let seen = doc! { "$currentDate": { "seenAt": true } };
        let mut write = self.owner.update_one(mine, seen).upsert(true);
        if let Some(acknowledged) = acknowledged {
            write = write.write_concern(acknowledged);
        }
        match within(write).await {
            // Another process wrote it meanwhile, perhaps of another queue.
            Err(StoreError::Rejected(error)) if error.contains(&DUPLICATE_KEY.to_string()) => {
                self.check_owner().await
            }
            result => result.map(drop),
        }
    }

    async fn check_owner(&self) -> Result<()> {
        let owner = within(self.owner.find_one(doc! { "_id": OWNER })).await?;
        match owner.as_ref().and_then(|owner| owner.get_str("queue").ok()) {
            Some(other) if other != self.queue => Err(self.is_anothers(other)),
            _ => Ok(()),
        }
    }

    fn is_anothers(&self, other: &str) -> StoreError {
        let (database, queue) = (self.database.name(), &self.queue);
        StoreError::Settings(format!(
            "the database '{database}' belongs to the queue '{other}', and QUEUE_NAME is \
             '{queue}'. Name another database, or set QUEUE_NAME={other}"
        ))
    }

    fn holds_another(&self, other: &str) -> StoreError {
        let (database, queue) = (self.database.name(), &self.queue);
        StoreError::Settings(format!(
            "the database '{database}' holds the queue '{other}', and QUEUE_NAME is '{queue}': a \
             reset of one would delete the orders of the other. Name another database, or set \
             QUEUE_NAME={other}; if nobody uses '{other}' any more, delete its document in the \
             collection control"
        ))
    }
}
