//! The control document.

use futures_util::future::BoxFuture;
use mongodb::{
    bson::{Document, doc, serialize_to_document},
    error::{ErrorKind, WriteFailure},
};
use pedidos_core::control::Control;

use super::{
    call::{CALL_TIMEOUT, in_time, within},
    client::Store,
    error::{DUPLICATE_KEY, Result, StoreError, corrupt},
};

impl Store {
    /// Control as a majority has it. Written, if there is none yet. Fails with
    /// [`StoreError::Settings`] if the database is another queue's.
    pub fn control(&self) -> BoxFuture<'_, Result<Control>> {
        Box::pin(async move {
            self.owned().await?;
            loop {
                if let Some(control) = self.control_if_any().await? {
                    return Ok(control);
                }
                self.insert_control(&Control::new(&self.queue)).await?;
            }
        })
    }

    /// As [`Self::control`], but writes nothing.
    pub fn control_if_any(&self) -> BoxFuture<'_, Result<Option<Control>>> {
        Box::pin(async move { within(self.control.find_one(doc! { "_id": &self.queue })).await })
    }

    async fn insert_control(&self, control: &Control) -> Result<()> {
        match in_time(CALL_TIMEOUT, self.control.insert_one(control)).await {
            Some(Err(error)) if is_duplicate(&error) => Ok(()),
            Some(result) => Ok(result.map(drop)?),
            None => Err(StoreError::Unavailable("no answer".to_owned())),
        }
    }

    /// Compare-and-set: writes `control` if its predecessor is still there. Answers false if
    /// another process was faster. After [`StoreError::Unavailable`] it may have been written or
    /// not.
    pub(crate) fn set_control<'a>(&'a self, control: &'a Control) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let predecessor = doc! { "_id": &self.queue, "version": control.version - 1 };
            let mut document = serialize_to_document(control).map_err(corrupt)?;
            if let Ok(intent) = document.get_document_mut("intent") {
                intent.insert("kind", control.stored_kind());
            }
            let stored = self.control.clone_with_type::<Document>();
            let result = within(stored.replace_one(predecessor, document)).await?;
            Ok(result.matched_count == 1)
        })
    }
}

fn is_duplicate(error: &mongodb::error::Error) -> bool {
    matches!(
        error.kind.as_ref(),
        ErrorKind::Write(WriteFailure::WriteError(write)) if write.code == DUPLICATE_KEY
    )
}
