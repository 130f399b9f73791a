//! What the document allows of a body that is an object of plain values, and what is wrong with one.

use std::collections::HashMap;

use pedidos_api_types::problem::Mistake;
use serde_json::Value;

use super::parameters::{Allowed, allowed, shortened};

/// What each property allows. A number may be null: that lifts a limit.
pub(super) type Properties = HashMap<String, Allowed>;

/// None: the operation takes no such body.
pub(super) fn of(document: &Value, operation: &Value) -> Option<Properties> {
    let schema =
        operation.pointer("/requestBody/content/application~1json; charset=utf-8/schema")?;
    let reference = schema["$ref"].as_str()?;
    let schema = document.pointer(reference.trim_start_matches('#'))?;
    let properties = schema["properties"].as_object()?.iter();
    Some(properties.map(|(name, schema)| (name.clone(), allowed(document, schema))).collect())
}

pub(super) fn mistakes(properties: &Properties, body: &[u8]) -> Vec<Mistake> {
    let wrong = |name: &str, detail: String| Mistake { name: shortened(name), detail };
    let given = match serde_json::from_slice(body) {
        Ok(Value::Object(given)) => given,
        Ok(_) => return vec![wrong("body", "not a JSON object".to_owned())],
        Err(error) => return vec![wrong("body", format!("not JSON: {error}"))],
    };
    let mut known: Vec<_> = properties.keys().map(String::as_str).collect();
    known.sort_unstable();
    if given.is_empty() {
        return vec![wrong("body", format!("nothing to change: it takes {}", known.join(", ")))];
    }
    let mistake = |(name, value): (&String, &Value)| {
        let Some(allowed) = properties.get(name) else {
            return Some(wrong(name, format!("unknown; the body takes {}", known.join(", "))));
        };
        let expected = refuses(allowed, value)?;
        Some(wrong(name, format!("'{}' is not {expected}", shortened(&value.to_string()))))
    };
    given.iter().filter_map(mistake).collect()
}

/// What is expected instead of this value, if it is refused.
fn refuses(allowed: &Allowed, value: &Value) -> Option<String> {
    let whole = matches!(allowed, Allowed::Whole { .. });
    match value {
        Value::Null if whole => None,
        Value::Number(number) if whole => {
            allowed.refuses(&number.to_string()).map(|expected| format!("{expected}, or null"))
        }
        Value::String(text) if !whole => allowed.refuses(text),
        _ if whole => Some(format!("{}, or null", allowed.expected())),
        _ => Some(allowed.expected()),
    }
}
