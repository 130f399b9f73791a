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
    /// A call that repeats it gets the same run, if it asks for the same.
    pub idempotency_key: Option<String>,
    pub options: RunOptions,
}

impl Generate {
    /// What the run of its key has that this call does not ask for. None: the call asks for that run.
    /// What a person may change during a run is not compared, nor a seed that was left to us.
    fn differs_from(&self, quantity: i64, seed: i64, options: &RunOptions) -> Option<String> {
        let mut has = Vec::new();
        if quantity != i64::from(self.quantity) {
            has.push(format!("quantity {quantity}, not {}", self.quantity));
        }
        if let Some(asked) = self.seed.filter(|asked| *asked as i64 != seed) {
            has.push(format!("seed {seed}, not {asked}"));
        }
        let [processor, asked] = [options, &self.options].map(RunOptions::processor_name);
        if processor != asked {
            has.push(format!("processor {processor}, not {asked}"));
        }
        (!has.is_empty()).then(|| has.join("; "))
    }
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
    /// Fails with [`CommandError::Active`] if another run is active, and with
    /// [`CommandError::KeyUsed`] if the key belongs to a run that is not the one asked for.
    pub async fn generate(&self, wanted: &Generate) -> Result<Accepted> {
        let run_id = uuid::Uuid::new_v4().to_string();
        loop {
            let (control, snapshot) = self.sync().await?;
            if let Some(key) = &wanted.idempotency_key
                && let Some(accepted) = self.accepted_before(&control, key, wanted).await?
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

    /// Control is read first: a run that is replaced meanwhile is in the history by then.
    async fn accepted_before(
        &self,
        control: &Control,
        key: &str,
        wanted: &Generate,
    ) -> Result<Option<Accepted>> {
        let current =
            control.run.as_ref().filter(|run| run.idempotency_key.as_deref() == Some(key));
        let (run_id, quantity, seed, options) = match current {
            Some(run) => (run.run_id.clone(), run.quantity, run.seed, run.options.clone()),
            None => match self.store.run_of_key(key).await? {
                Some(run) => {
                    let options = run.options();
                    (run.run_id, run.quantity, run.seed, options)
                }
                None => return Ok(None),
            },
        };
        if let Some(has) = wanted.differs_from(quantity, seed, &options) {
            return Err(CommandError::KeyUsed { run_id, has });
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_repeats_another_if_it_asks_for_the_same_run() {
        let options = RunOptions { processor: Some("refunds".to_owned()), ..RunOptions::BUILTIN };
        let asked = |quantity, seed, options: &RunOptions| {
            let options = options.clone();
            let wanted = Generate { quantity, seed, idempotency_key: None, options };
            wanted.differs_from(60, 5, &RunOptions::BUILTIN)
        };
        for seed in [None, Some(5)] {
            assert_eq!(asked(60, seed, &RunOptions::BUILTIN), None);
        }
        assert_eq!(
            asked(7, Some(6), &options).as_deref(),
            Some("quantity 60, not 7; seed 5, not 6; processor builtin, not refunds")
        );
    }

    #[test]
    fn what_can_be_changed_during_a_run_is_not_compared() {
        let mut options = RunOptions::BUILTIN;
        options.flow.pause_after = Some(10);
        let wanted = Generate { quantity: 60, seed: None, idempotency_key: None, options };
        assert_eq!(wanted.differs_from(60, 5, &RunOptions::BUILTIN), None);
    }
}
