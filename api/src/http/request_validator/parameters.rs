//! What the document allows of a parameter, and what is wrong with those of a request.

use std::collections::HashMap;

use pedidos_api_types::problem::Mistake;
use poem::http::HeaderMap;
use regex::Regex;
use serde_json::Value;

#[derive(Debug, Clone)]
pub(super) enum Allowed {
    Whole { least: i64, most: i64 },
    Boolean,
    OneOf(Vec<String>),
    Text { longest: usize, form: Option<Regex> },
}

/// What each parameter allows, and whether it is required.
pub(super) type Parameters = HashMap<String, (Allowed, bool)>;

pub(super) fn of(document: &Value, operation: &Value, place: &str) -> Parameters {
    let listed = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    listed
        .iter()
        .filter(|parameter| parameter["in"] == place)
        .filter_map(|parameter| {
            let schema = &parameter["schema"];
            let required = parameter["required"] == true;
            Some((parameter["name"].as_str()?.to_owned(), (allowed(document, schema), required)))
        })
        .collect()
}

pub(super) fn allowed(document: &Value, schema: &Value) -> Allowed {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        return allowed(document, target.unwrap_or(&Value::Null));
    }
    // With a default beside it, a reference stands under allOf.
    if let Some(inner) = schema["allOf"].get(0) {
        return allowed(document, inner);
    }
    if let Some(values) = schema["enum"].as_array() {
        return Allowed::OneOf(
            values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        );
    }
    let bound = |name: &str, none: i64| schema[name].as_i64().unwrap_or(none);
    match schema["type"].as_str() {
        Some("integer") => {
            Allowed::Whole { least: bound("minimum", 0), most: bound("maximum", i64::MAX) }
        }
        Some("boolean") => Allowed::Boolean,
        _ => Allowed::Text {
            longest: bound("maxLength", 256) as usize,
            // An invalid pattern of ours shows in the first test.
            form: schema["pattern"].as_str().and_then(|form| Regex::new(form).ok()),
        },
    }
}

pub(super) fn mistakes(parameters: &Parameters, query: &str) -> Vec<Mistake> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut mistakes = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let times = seen.entry(name.to_string()).or_default();
        *times += 1;
        let detail = match (parameters.get(&*name), *times) {
            (None, 1) => {
                let mut known: Vec<_> = parameters.keys().map(String::as_str).collect();
                known.sort_unstable();
                match known.as_slice() {
                    [] => "unknown parameter; this operation takes none".to_owned(),
                    known => {
                        format!("unknown parameter; this operation takes {}", known.join(", "))
                    }
                }
            }
            (Some((allowed, _)), 1) => match allowed.refuses(&value) {
                None => continue,
                Some(expected) => format!("'{}' is not {expected}", shortened(&value)),
            },
            (_, 2) => "given more than once".to_owned(),
            _ => continue,
        };
        mistakes.push(Mistake { name: shortened(&name), detail });
    }
    for (name, (allowed, required)) in parameters {
        if *required && !seen.contains_key(name) {
            let detail = format!("required: {}", allowed.expected());
            mistakes.push(Mistake { name: name.clone(), detail });
        }
    }
    mistakes
}

pub(super) fn mistakes_in_headers(parameters: &Parameters, headers: &HeaderMap) -> Vec<Mistake> {
    let wrong = |(name, (allowed, _)): (&String, &(Allowed, bool))| {
        let mut given = headers.get_all(name.as_str()).iter();
        let value = String::from_utf8_lossy(given.next()?.as_bytes());
        let detail = if given.next().is_some() {
            "given more than once".to_owned()
        } else {
            format!("'{}' is not {}", shortened(&value), allowed.refuses(&value)?)
        };
        Some(Mistake { name: name.clone(), detail })
    };
    parameters.iter().filter_map(wrong).collect()
}

impl Allowed {
    /// What is expected instead of this value, if it is refused.
    pub(super) fn refuses(&self, value: &str) -> Option<String> {
        let fits = match self {
            Self::Whole { least, most } => {
                // Digits alone: no sign, no point, no exponent, no spaces.
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                digits && value.parse::<i64>().is_ok_and(|n| (least..=most).contains(&&n))
            }
            Self::Boolean => matches!(value, "true" | "false"),
            Self::OneOf(values) => values.iter().any(|v| v == value),
            Self::Text { longest, form } => {
                (1..=*longest).contains(&value.chars().count())
                    && form.as_ref().is_none_or(|form| form.is_match(value))
            }
        };
        (!fits).then(|| self.expected())
    }

    pub(super) fn expected(&self) -> String {
        match self {
            Self::Whole { least, most: i64::MAX } => format!("a whole number of at least {least}"),
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::Boolean => "true or false".to_owned(),
            Self::OneOf(values) => format!("one of {}", values.join(", ")),
            Self::Text { longest, form: None } => format!("a text of 1 to {longest} characters"),
            Self::Text { longest, form: Some(form) } => {
                format!("a text of 1 to {longest} characters of the form {form}")
            }
        }
    }
}

/// A value may be long; the answer should not be.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}
