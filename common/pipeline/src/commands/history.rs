//! Reads the history, with the state of an active run as it is now.

use pedidos_core::control::Control;

use super::{
    controller::Controller,
    error::{CommandError, Result},
};
use crate::{
    queue::{QueueError, Snapshot},
    store::RunDocument,
};

impl Controller {
    /// A page of the history, the newest first; `after`: the last run of the page before. None if
    /// there is no such run.
    pub async fn runs(&self, limit: u32, after: Option<&str>) -> Result<Option<Vec<RunDocument>>> {
        let Some(mut runs) = self.store.runs(limit, after).await? else { return Ok(None) };
        for run in &mut runs {
            self.bring_up_to_date(run).await?;
        }
        Ok(Some(runs))
    }

    pub async fn run(&self, run_id: &str) -> Result<Option<RunDocument>> {
        let Some(mut run) = self.store.run(run_id).await? else { return Ok(None) };
        self.bring_up_to_date(&mut run).await?;
        Ok(Some(run))
    }

    /// The history has the last change of phase; Redis has what came after it.
    async fn bring_up_to_date(&self, run: &mut RunDocument) -> Result<()> {
        if run.phase.is_ended() {
            return Ok(());
        }
        match self.sync().await {
            Ok((control, snapshot)) => {
                if let Some(now) = as_it_stands(&control, &snapshot)
                    && now.run_id == run.run_id
                {
                    *run = now;
                }
                Ok(())
            }
            // Then as it was written last.
            Err(CommandError::Queue(QueueError::Unavailable(_))) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes the state of an active run into the history.
    pub async fn note_progress(&self, control: &Control, snapshot: &Snapshot) -> Result<()> {
        if let Some(run) = as_it_stands(control, snapshot) {
            self.store.note_run(&run).await?;
        }
        Ok(())
    }
}

fn as_it_stands(control: &Control, snapshot: &Snapshot) -> Option<RunDocument> {
    let (spec, run) = (control.active()?, snapshot.run.as_ref()?);
    let same = spec.run_id == run.run_id && control.version == snapshot.version;
    let error = run.error.clone();
    let (phase, figures, now) = (run.phase, &run.figures, snapshot.clock());
    same.then(|| RunDocument::new(spec, control.version, phase, figures, error, now))
}
