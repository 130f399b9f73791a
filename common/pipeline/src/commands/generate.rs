//! Generate: accepts a run.

use pedidos_core::control::{Control, RunOptions, RunSpec};

use super::{
    controller::Controller,
    error::{CommandError, Result},
};

#[derive(Debug, Clone)]
pub struct Generate {
    /// 1..=MAX_ORDERS; the caller has checked.
    pub quantity: u32,
    /// None: a random one.
    pub seed: Option<u64>,
    /// A call that repeats it gets the same run.
    pub idempotency_key: Option<String>,
    pub options: RunOptions,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub run_id: String,
    pub quantity: i64,
    /// A pause holds the run back.
    pub paused: bool,
    /// The key was used before: this is that run.
    pub repeated: bool,
    /// The run that it replaces and the number of its dead letters, if it has any.
    pub left: Option<(String, u64)>,
}

impl Controller {
    pub async fn generate(&self, wanted: &Generate) -> Result<Accepted> {
        let run_id = uuid::Uuid::new_v4().to_string();
        loop {
            let (control, snapshot) = self.sync().await?;
            if let Some(key) = &wanted.idempotency_key
                && let Some(accepted) = self.accepted_before(&control, key).await?
            {
                return Ok(accepted);
            }
            if let Some(run) = control.active() {
                return Err(CommandError::Active { run_id: run.run_id.clone() });
            }
            // The figures of the run that this replaces must be in the history first.
            self.store.ensure_run(&control).await?;
            let created_ms = control.next_time(snapshot.now_ms);
            let mut next = control.next();
            // Below 2^53, so that every JSON reader reads it exactly.
            let seed = wanted.seed.unwrap_or_else(|| rand::random::<u64>() >> 11) as i64;
            let quantity = i64::from(wanted.quantity);
            next.begin(RunSpec {
                idempotency_key: wanted.idempotency_key.clone(),
                options: wanted.options.clone(),
                ..RunSpec::generated(run_id.clone(), seed, quantity, created_ms)
            });
            if self.set(&mut next).await? {
                self.raise_redis(&next).await;
                return Ok(Accepted {
                    run_id,
                    quantity,
                    paused: next.paused.is_some(),
                    repeated: false,
                    left: letters_of(&control),
                });
            }
        }
    }

    async fn accepted_before(&self, control: &Control, key: &str) -> Result<Option<Accepted>> {
        let current =
            control.run.as_ref().filter(|run| run.idempotency_key.as_deref() == Some(key));
        let (run_id, quantity) = match current {
            Some(run) => (run.run_id.clone(), run.quantity),
            None => match self.store.run_of_key(key).await? {
                Some(run) => (run.run_id, run.quantity),
                None => return Ok(None),
            },
        };
        let paused = control.paused.is_some();
        Ok(Some(Accepted { run_id, quantity, paused, repeated: true, left: None }))
    }
}

/// The current run and the number of its listed dead letters, if there are any.
fn letters_of(control: &Control) -> Option<(String, u64)> {
    let run = control.run.as_ref()?;
    let end = run.end.as_ref().filter(|end| !end.purge)?;
    let dead = u64::try_from(end.figures.vip_dead + end.figures.normal_dead).unwrap_or(0);
    (dead > 0).then(|| (run.run_id.clone(), dead))
}
