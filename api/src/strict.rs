//! The request as the spec has it, or not at all: every parameter of the query and
//! every header that the spec knows is held against the OpenAPI document that we
//! publish, so what is documented and what is accepted cannot drift apart. Refused
//! are parameters that are unknown, given twice, empty, of the wrong type, or out
//! of range; all at once, by name. And bodies: no operation takes one.

use std::{collections::HashMap, sync::Arc, time::Duration};

use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response, Result,
    http::{HeaderMap, Method, StatusCode, header},
};
use regex::Regex;
use serde_json::Value;

use crate::error::{Mistake, Problem};

/// A body may have so many bytes.
const BODY_MOST: usize = 1_024;
/// It may take so long.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// What is allowed of one parameter.
#[derive(Debug, Clone)]
enum Allowed {
    Whole { least: i64, most: i64 },
    Boolean,
    OneOf(Vec<String>),
    Text { longest: usize, form: Option<Regex> },
}

/// What is allowed of each parameter, and whether it must be given.
type Parameters = HashMap<String, (Allowed, bool)>;

/// What an operation takes.
#[derive(Debug, Clone, Default)]
struct Taken {
    operation: String,
    query: Parameters,
    headers: Parameters,
}

/// The operations of a path, and the path in its segments.
type Path = (Vec<String>, HashMap<Method, Taken>);

/// Every operation of the spec, by path and method: the one table of what there is, also for
/// who guards it and who measures it. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Strict {
    paths: Arc<Vec<Path>>,
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
                let query = parameters(spec, operation, "query");
                let headers = parameters(spec, operation, "header");
                let operation = operation["operationId"].as_str().unwrap_or_default().to_owned();
                Some((method, Taken { operation, query, headers }))
            });
            (segments(path), operations.collect())
        };
        Self { paths: Arc::new(paths.iter().map(of_path).collect()) }
    }

    /// The operation that a request asks for, by its `operationId`.
    #[must_use]
    pub fn operation(&self, request: &Request) -> Option<&str> {
        let path = segments(request.uri().path());
        let (_, operations) = self.paths.iter().find(|(known, _)| fits(known, &path))?;
        operations.get(as_documented(request)).map(|taken| taken.operation.as_str())
    }

    fn check(&self, request: &Request) -> std::result::Result<(), Box<Problem>> {
        let path = segments(request.uri().path());
        let Some((_, operations)) = self.paths.iter().find(|(known, _)| fits(known, &path)) else {
            return Ok(());
        };
        let method = as_documented(request);
        let Some(taken) = operations.get(method) else {
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
        let mut mistakes = mistakes(&taken.query, request.uri().query().unwrap_or_default());
        mistakes.extend(mistakes_in_headers(&taken.headers, request.headers()));
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

/// HEAD is GET without the body.
fn as_documented(request: &Request) -> &Method {
    if request.method() == Method::HEAD { &Method::GET } else { request.method() }
}

fn segments(path: &str) -> Vec<String> {
    path.trim_matches('/').split('/').map(str::to_owned).collect()
}

fn fits(known: &[String], path: &[String]) -> bool {
    known.len() == path.len() && known.iter().zip(path).all(|(k, p)| k == p || k.starts_with('{'))
}

fn parameters(spec: &Value, operation: &Value, place: &str) -> Parameters {
    let listed = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    listed
        .iter()
        .filter(|parameter| parameter["in"] == place)
        .filter_map(|parameter| {
            let schema = &parameter["schema"];
            let required = parameter["required"] == true;
            Some((parameter["name"].as_str()?.to_owned(), (allowed(spec, schema), required)))
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
    let bound = |name: &str, none: i64| schema[name].as_i64().unwrap_or(none);
    match schema["type"].as_str() {
        Some("integer") => {
            Allowed::Whole { least: bound("minimum", 0), most: bound("maximum", i64::MAX) }
        }
        Some("boolean") => Allowed::Boolean,
        _ => Allowed::Text {
            longest: bound("maxLength", 256) as usize,
            // One of ours that is none would show in the first test.
            form: schema["pattern"].as_str().and_then(|form| Regex::new(form).ok()),
        },
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
    for (name, (allowed, required)) in parameters {
        if *required && !seen.contains_key(name) {
            let detail = format!("not given, and it must be {}", allowed.expected());
            mistakes.push(Mistake { name: name.clone(), detail });
        }
    }
    mistakes
}

fn mistakes_in_headers(parameters: &Parameters, headers: &HeaderMap) -> Vec<Mistake> {
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
    /// What was expected instead of this value, if it is refused.
    fn refuses(&self, value: &str) -> Option<String> {
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

    fn expected(&self) -> String {
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

/// No operation takes a body. An empty object is none: some clients cannot do
/// without.
async fn without_body(request: Request) -> std::result::Result<Request, Box<Problem>> {
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(BODY_WITHIN, body.into_bytes_limit(BODY_MOST)).await;
    let Ok(read) = read else {
        let detail = format!("a request's body must be sent within {BODY_WITHIN:?}");
        return Err(Box::new(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "Request too slow",
            detail,
        )));
    };
    match read {
        Ok(body) => {
            let body = body.trim_ascii();
            let object = body.strip_prefix(b"{").and_then(|body| body.strip_suffix(b"}"));
            if !object.unwrap_or(body).trim_ascii().is_empty() {
                let detail = format!("{} bytes came, and this operation takes none", body.len());
                let mistake = Mistake { name: "body".to_owned(), detail };
                return Err(Box::new(Problem::invalid(vec![mistake])));
            }
            Ok(Request::from_parts(parts, poem::Body::empty()))
        }
        Err(poem::error::ReadBodyError::PayloadTooLarge) => Err(Box::new(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Body too large",
            "no operation takes a body",
        ))),
        Err(error) => Err(Box::new(Problem::new(
            StatusCode::BAD_REQUEST,
            "Body unreadable",
            error.to_string(),
        ))),
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
        let request = match without_body(request).await {
            Ok(request) => request,
            Err(problem) => return Ok(problem.response()),
        };
        Ok(self.inner.call(request).await?.into_response())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::openapi;

    fn said(query: &str) -> Vec<String> {
        let parameters = Parameters::from([
            ("quantity".to_owned(), (Allowed::Whole { least: 1, most: 100 }, false)),
            ("purge".to_owned(), (Allowed::Boolean, false)),
            (
                "state".to_owned(),
                (Allowed::OneOf(vec!["wait".to_owned(), "active".to_owned()]), false),
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
    fn what_must_be_given_is_missed() {
        let allowed = Allowed::Whole { least: 1, most: 100 };
        let mistakes = mistakes(&[("quantity".to_owned(), (allowed, true))].into(), "");
        assert_eq!(mistakes[0].detail, "not given, and it must be a whole number from 1 to 100");
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

    static STRICT: LazyLock<Strict> =
        LazyLock::new(|| Strict::of(&openapi::document(&openapi::service(), None, false)));

    proptest! {
        #[test]
        fn no_query_is_too_strange_and_every_value_that_passes_is_allowed(
            query in "[a-z%&=+;0-9]{0,40}|\\PC{0,40}|(quantity|purge|state)=[0-9a-z%]{0,6}"
        ) {
            let wrong = said(&query);
            let given: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
            let fits = |name: &str, value: &str| match name {
                "quantity" => value.parse::<u32>().is_ok_and(|n| (1..=100).contains(&n)),
                "purge" => value.parse::<bool>().is_ok(),
                "state" => value == "wait" || value == "active",
                _ => false,
            };
            if wrong.is_empty() {
                prop_assert!(given.iter().all(|(name, value)| fits(name, value)), "{query}");
            } else {
                prop_assert!(wrong.len() <= given.len());
            }
        }

        #[test]
        fn no_path_is_too_strange(text in "([a-z{}/%]|\\PC|[0-9A-Fa-f%]{3}){0,60}") {
            let allowed = STRICT.allow(&text);
            prop_assert!(allowed.is_empty() || allowed.starts_with(['G', 'P']), "{allowed}");
        }
    }
}
