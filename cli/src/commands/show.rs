//! Prints what the API answered.

use pedidos_api_types::commands::GenerateAnswer;
use serde::de::DeserializeOwned;

use crate::{client::Answer, failure::Result, output};

/// With --json as it came, else what `said` makes of it.
pub fn answer<T: DeserializeOwned>(
    answer: &Answer<T>,
    said: impl FnOnce(&T) -> String,
) -> Result<()> {
    if output::is_json() {
        return output::json(answer.json()?);
    }
    output::line(&said(&answer.read()?))
}

/// The run that was accepted: its id alone, so that scripts can read it. With --json the answer, unless
/// the run is followed: the document is its status at the end then.
pub fn accepted(answer: &Answer<GenerateAnswer>, follow: bool) -> Result<GenerateAnswer> {
    let accepted = answer.read()?;
    if !output::is_json() {
        output::line(&accepted.run_id)?;
    } else if follow {
        // For the problem, if it cannot be followed to its end.
        output::note(&format!("run {}", accepted.run_id));
    } else {
        output::json(answer.json()?)?;
    }
    Ok(accepted)
}
