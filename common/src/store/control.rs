//! The control document.

use mongodb::{bson::doc, error::ErrorKind, error::WriteFailure};

use super::{DUPLICATE_KEY, Result, Store, within};
use crate::control::Control;

impl Store {
    /// Control as a majority has it. Made, if this is the first to ask.
    pub async fn control(&self) -> Result<Control> {
        let id = doc! { "_id": &self.queue };
        loop {
            if let Some(control) = within(self.control.find_one(id.clone())).await? {
                return Ok(control);
            }
            self.insert_control(&Control::new(&self.queue)).await?;
        }
    }

    async fn insert_control(&self, control: &Control) -> Result<()> {
        let inserted = tokio::time::timeout(super::CALL_TIMEOUT, self.control.insert_one(control));
        match inserted.await {
            Ok(Err(error)) if is_duplicate(&error) => Ok(()),
            Ok(result) => Ok(result.map(drop)?),
            Err(_) => Err(super::StoreError::Unavailable("no answer".to_owned())),
        }
    }

    /// Compare-and-set: writes `control` if its predecessor is still there.
    /// Answers false if another was faster.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`]: it may have been written or not.
    pub async fn set_control(&self, control: &Control) -> Result<bool> {
        let predecessor = doc! { "_id": &self.queue, "version": control.version - 1 };
        let result = within(self.control.replace_one(predecessor, control)).await?;
        Ok(result.matched_count == 1)
    }
}

fn is_duplicate(error: &mongodb::error::Error) -> bool {
    matches!(
        error.kind.as_ref(),
        ErrorKind::Write(WriteFailure::WriteError(write)) if write.code == DUPLICATE_KEY
    )
}
