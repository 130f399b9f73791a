//! Figures are fields of the run's hash, under the names that serde gives them.

use std::collections::HashMap;

use fred::types::Value;
use pedidos_core::run::Figures;

use super::error::{QueueError, Result};

pub(super) fn fields(figures: &Figures) -> Result<Vec<(String, Value)>> {
    match serde_json::to_value(figures) {
        Ok(serde_json::Value::Object(map)) => Ok(map
            .into_iter()
            .map(|(field, figure)| (field, Value::Integer(figure.as_i64().unwrap_or(0))))
            .collect()),
        other => Err(QueueError::Answer(format!("figures: {other:?}"))),
    }
}

pub(super) fn figures(hash: &HashMap<String, String>) -> Result<Figures> {
    let numbers = hash
        .iter()
        .filter_map(|(field, text)| Some((field.clone(), text.parse::<i64>().ok()?.into())));
    serde_json::from_value(serde_json::Value::Object(numbers.collect()))
        .map_err(|error| QueueError::Answer(format!("figures: {error}")))
}
