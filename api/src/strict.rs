//! The request as the spec has it, or not at all: every query parameter is held
//! against the OpenAPI document that we publish, so what is documented and what
//! is accepted cannot drift apart. Refused are parameters that are unknown,
//! given twice, empty, of the wrong type, or out of range; all at once, by name.

use std::collections::HashMap;

use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response, Result,
    http::{Method, StatusCode, header},
};
use serde_json::Value;

use crate::error::{Mistake, Problem};

/// What is allowed of one parameter.
#[derive(Debug, Clone)]
enum Allowed {
    Whole { least: i64, most: i64 },
    Boolean,
    OneOf(Vec<String>),
    Text { longest: usize },
}

/// What is allowed of each parameter, and what it is if it is not given.
type Parameters = HashMap<String, (Allowed, Option<String>)>;

/// Every operation of the spec, by path and method.
#[derive(Debug, Clone, Default)]
pub struct Strict {
    paths: Vec<(Vec<String>, HashMap<Method, Parameters>)>,
}

impl Strict {
    /// Reads our own OpenAPI document, as JSON.
    #[must_use]
    pub fn of(spec: &Value) -> Self {
        let empty = serde_json::Map::new();
        let paths = spec["paths"].as_object().unwrap_or(&empty);
        let of_path = |(path, operations): (&String, &Value)| {
            let operations = operations.as_object().unwrap_or(&empty).iter();
            let operations = operations.filter_map(|(method, operation)| {
                let method = method.to_uppercase().parse().ok()?;
                Some((method, parameters(spec, operation)))
            });
            (segments(path), operations.collect())
        };
        Self { paths: paths.iter().map(of_path).collect() }
    }

    fn check(&self, request: &Request) -> std::result::Result<(), Box<Problem>> {
        let path = segments(request.uri().path());
        let Some((_, operations)) = self.paths.iter().find(|(known, _)| fits(known, &path)) else {
            return Ok(());
        };
        // HEAD is GET without the body.
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let Some(parameters) = operations.get(method) else {
            let mut allowed: Vec<_> = operations.keys().map(Method::as_str).collect();
            allowed.sort_unstable();
            let detail =
                format!("{} takes {}, not {method}", request.uri().path(), allowed.join(", "));
            return Err(Box::new(Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
                detail,
            )));
        };
        let mistakes = mistakes(parameters, request.uri().query().unwrap_or_default());
        if mistakes.is_empty() { Ok(()) } else { Err(Box::new(Problem::invalid(mistakes))) }
    }

    fn allow(&self, path: &str) -> String {
        let path = segments(path);
        let known = self.paths.iter().find(|(known, _)| fits(known, &path));
        let mut methods: Vec<_> = known
            .iter()
            .flat_map(|(_, operations)| operations.keys().map(Method::as_str))
            .collect();
        methods.sort_unstable();
        methods.join(", ")
    }
}

/// Sets the maximum of every parameter of this name in an OpenAPI document.
pub fn limit(spec: &mut Value, name: &str, most: u32) {
    let operations = spec["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = operations.filter_map(Value::as_object_mut).flat_map(|path| path.values_mut());
    for operation in operations {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten().filter(|p| p["name"] == name) {
            parameter["schema"]["maximum"] = most.into();
        }
    }
}

fn segments(path: &str) -> Vec<String> {
    path.trim_matches('/').split('/').map(str::to_owned).collect()
}

fn fits(known: &[String], path: &[String]) -> bool {
    known.len() == path.len() && known.iter().zip(path).all(|(k, p)| k == p || k.starts_with('{'))
}

fn parameters(spec: &Value, operation: &Value) -> Parameters {
    let listed = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    listed
        .iter()
        .filter(|parameter| parameter["in"] == "query")
        .filter_map(|parameter| {
            let schema = &parameter["schema"];
            let default = schema.get("default").map(|default| match default {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            Some((parameter["name"].as_str()?.to_owned(), (allowed(spec, schema), default)))
        })
        .collect()
}

fn allowed(spec: &Value, schema: &Value) -> Allowed {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = spec.pointer(reference.trim_start_matches('#'));
        return allowed(spec, target.unwrap_or(&Value::Null));
    }
    // With a default beside it, a reference stands under allOf.
    if let Some(inner) = schema["allOf"].get(0) {
        return allowed(spec, inner);
    }
    if let Some(values) = schema["enum"].as_array() {
        return Allowed::OneOf(
            values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        );
    }
    // poem-openapi writes bounds as floats.
    let bound = |name: &str, none: i64| schema[name].as_f64().map_or(none, |bound| bound as i64);
    match schema["type"].as_str() {
        Some("integer") => {
            Allowed::Whole { least: bound("minimum", 0), most: bound("maximum", i64::MAX) }
        }
        Some("boolean") => Allowed::Boolean,
        _ => Allowed::Text { longest: bound("maxLength", 256) as usize },
    }
}

fn mistakes(parameters: &Parameters, query: &str) -> Vec<Mistake> {
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
                    [] => "unknown; this operation takes no parameters".to_owned(),
                    known => format!("unknown; this operation takes {}", known.join(", ")),
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
    // A default may be more than is configured.
    for (name, (allowed, default)) in
        parameters.iter().filter(|(name, _)| !seen.contains_key(*name))
    {
        if let Some((default, expected)) =
            default.as_ref().and_then(|default| Some((default, allowed.refuses(default)?)))
        {
            let detail = format!("not given, and its default '{default}' is not {expected}");
            mistakes.push(Mistake { name: name.clone(), detail });
        }
    }
    mistakes
}

impl Allowed {
    /// What was expected instead of this value, if it is refused.
    fn refuses(&self, value: &str) -> Option<String> {
        match self {
            Self::Whole { least, most } => {
                // Digits alone: no sign, no point, no exponent, no spaces.
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                let whole =
                    value.parse::<i64>().ok().filter(|n| digits && (least..=most).contains(&n));
                whole.is_none().then(|| match *most {
                    i64::MAX => format!("a whole number of at least {least}"),
                    most => format!("a whole number from {least} to {most}"),
                })
            }
            Self::Boolean => {
                (!matches!(value, "true" | "false")).then(|| "true or false".to_owned())
            }
            Self::OneOf(values) => (!values.iter().any(|v| v == value))
                .then(|| format!("one of {}", values.join(", "))),
            Self::Text { longest } => (value.is_empty() || value.chars().count() > *longest)
                .then(|| format!("a text of 1 to {longest} characters")),
        }
    }
}

/// What came may be long, and the answer should not be.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

impl<E: Endpoint> Middleware<E> for Strict {
    type Output = StrictEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        StrictEndpoint { strict: self.clone(), inner }
    }
}

/// An endpoint behind [`Strict`].
pub struct StrictEndpoint<E> {
    strict: Strict,
    inner: E,
}

impl<E: Endpoint> Endpoint for StrictEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if let Err(problem) = self.strict.check(&request) {
            let mut response = problem.response();
            if problem.status == StatusCode::METHOD_NOT_ALLOWED.as_u16()
                && let Ok(allow) = self.strict.allow(request.uri().path()).parse()
            {
                response.headers_mut().insert(header::ALLOW, allow);
            }
            return Ok(response);
        }
        Ok(self.inner.call(request).await?.into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(query: &str) -> Vec<String> {
        let parameters = Parameters::from([
            ("quantity".to_owned(), (Allowed::Whole { least: 1, most: 100 }, None)),
            ("purge".to_owned(), (Allowed::Boolean, Some("true".to_owned()))),
            (
                "state".to_owned(),
                (Allowed::OneOf(vec!["wait".to_owned(), "active".to_owned()]), None),
            ),
        ]);
        let mistakes = mistakes(&parameters, query).into_iter();
        mistakes.map(|mistake| format!("{}: {}", mistake.name, mistake.detail)).collect()
    }

    #[test]
    fn what_the_spec_allows_is_let_through() {
        for query in ["", "quantity=1", "quantity=100&purge=false", "state=wait", "quantit%79=5"] {
            assert_eq!(said(query), Vec::<String>::new(), "{query}");
        }
    }

    #[test]
    fn whole_numbers_are_whole_and_in_range() {
        for value in
            ["abc", "0", "-5", "+5", "1.5", "1e6", "101", "", "%20", "99999999999999999999", "%FF"]
        {
            let said = said(&format!("quantity={value}"));
            assert_eq!(said.len(), 1, "{value}");
            assert!(said[0].ends_with("is not a whole number from 1 to 100"), "{said:?}");
        }
        assert_eq!(said("quantity").len(), 1);
    }

    #[test]
    fn a_default_that_is_more_than_configured_is_refused_too() {
        let allowed = Allowed::Whole { least: 1, most: 100 };
        let parameters = [("quantity".to_owned(), (allowed, Some("1000".to_owned())))].into();
        let mistakes = mistakes(&parameters, "");
        assert!(mistakes[0].detail.contains("'1000' is not a whole number from 1 to 100"));
    }

    #[test]
    fn every_mistake_is_named_once() {
        assert_eq!(
            said("quantity=1&quantity=2&quantity=3&purge=yes&state=gone&x=1"),
            [
                "quantity: given more than once",
                "purge: 'yes' is not true or false",
                "state: 'gone' is not one of wait, active",
                "x: unknown; this operation takes purge, quantity, state",
            ]
        );
    }

    #[test]
    fn what_came_is_shown_but_not_a_megabyte_of_it() {
        let said = said(&format!("quantity={}", "é".repeat(100_000)));
        assert!(said[0].len() < 200, "{}", said[0].len());
    }
}
