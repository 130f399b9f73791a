//! Puts dead letters of an ended run back without a replay.
//!
//! A Redis that shows the end has counted every order, and no lease is open, so its dead letters
//! are those of MongoDB, and can be queued as they are. While a run is active, a letter may be in
//! MongoDB and still be leased. A Redis of another version may have seen a part of the retry: it
//! replays the run.

use pedidos_core::{
    control::{Control, Intent, PutBack, RunSpec},
    order::Priority,
};

use super::{controller::Controller, error::Result};
use crate::queue::Patch;

impl Controller {
    /// What the last retry put back, for a Redis of the version before. None if there was another
    /// change since, or if some of these orders have changed.
    pub(super) async fn patch(&self, control: &Control) -> Result<Option<Patch>> {
        let (Some(run), Some(put_back), Intent::Run) =
            (&control.run, &control.put_back, &control.intent)
        else {
            return Ok(None);
        };
        if control.orders_version != put_back.base + 1 {
            return Ok(None);
        }
        let ids = run.ids();
        self.store.settle_letters(&ids, &control.letters).await?;
        let mut patch =
            Patch { base: put_back.base, late_vip: put_back.late_vip, ..Patch::default() };
        for ((priority, put), most) in
            Priority::ALL.into_iter().zip(&mut patch.ids).zip(put_back.orders)
        {
            *put = self.store.letters_put_back(&ids, priority, &put_back.mark, most).await?;
            if put.len() as i64 != most {
                return Ok(None);
            }
        }
        Ok(Some(patch))
    }

    /// The marked letters of an ended run. `base`: the version of control that says that the run
    /// has ended.
    pub(super) async fn to_put_back(
        &self,
        run: &RunSpec,
        mark: &str,
        base: i64,
    ) -> Result<PutBack> {
        let ids = run.ids();
        Ok(PutBack {
            mark: mark.to_owned(),
            orders: self.store.count_letters(&ids, mark).await?,
            late_vip: self.store.count_first_late(&ids, mark).await?,
            base,
        })
    }
}
