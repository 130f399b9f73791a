//! The page of jobs that a request asks for.

use pedidos_api_types::{jobs::State, problem::Mistake};

/// The most that `end` may be beyond `start`; and the most it may be for `completed`.
const PAGE_LIMIT: u32 = 10_000;

const STATES: [(&str, State); 5] = [
    ("waiting", State::Waiting),
    ("active", State::Active),
    ("delayed", State::Delayed),
    ("completed", State::Completed),
    ("failed", State::Failed),
];

#[derive(Debug, Clone)]
pub struct Page {
    pub(super) states: Vec<State>,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) data: bool,
    /// None: the current run.
    pub(super) run_id: Option<String>,
}

impl Page {
    /// # Errors
    /// The page is not of dead letters alone.
    pub fn of_run(self, run_id: Option<String>) -> Result<Self, Vec<Mistake>> {
        if run_id.is_some() && self.states != [State::Failed] {
            let detail = "only allowed with types=failed".to_owned();
            return Err(vec![Mistake { name: "runId".to_owned(), detail }]);
        }
        Ok(Self { run_id, ..self })
    }

    /// # Errors
    /// The page ends before it starts, or is too long.
    pub fn read(types: &str, start: u32, end: u32, data: bool) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut mistake = |name: &str, detail: String| {
            mistakes.push(Mistake { name: name.to_owned(), detail });
        };
        // The request validator refuses everything else.
        let mut states = Vec::new();
        for word in types.split(',') {
            let known = STATES.iter().find(|(name, _)| *name == word.trim());
            match known {
                Some((_, state)) if !states.contains(state) => states.push(*state),
                _ => {}
            }
        }
        if end < start {
            mistake("end", format!("'{end}' is before start, which is {start}"));
        } else if end - start > PAGE_LIMIT {
            mistake(
                "end",
                format!("'{end}' is more than {PAGE_LIMIT} after start, which is {start}"),
            );
        } else if end > PAGE_LIMIT && states.contains(&State::Completed) {
            mistake(
                "end",
                format!("'{end}' is more than {PAGE_LIMIT}, the most that is listed of completed"),
            );
        }
        let page = Self { states, start, end, data, run_id: None };
        if mistakes.is_empty() { Ok(page) } else { Err(mistakes) }
    }
}
