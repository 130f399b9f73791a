//! The OpenAPI document: what the handlers say of themselves, and what they have
//! no words for: examples, and links from a run that was accepted to what can be
//! asked about it.

use poem_openapi::{ContactObject, LicenseObject, OpenApiService, Tags};
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::{
    access::{
        cookie,
        policy::{self, Need},
        who::KEY_HEADER,
    },
    audit::Audit,
    logs::Logs,
    probes::Probes,
    queue::Queue,
    runs::Runs,
    session::Session,
};

/// What the operations are grouped by.
#[derive(Tags)]
pub enum Tag {
    /// Start, follow, cancel, forget.
    Runs,
    /// Pause the queue, look into it, clean it.
    Queue,
    /// What was said, and what happens.
    Logs,
    /// For orchestrators and Prometheus.
    Operation,
    /// Who calls, and who did what.
    Access,
}

/// The operations.
pub type Service = OpenApiService<(Runs, Queue, Logs, Probes, Session, Audit), ()>;

/// An example of every answer, by `operationId` and status. A test holds them
/// against the document's schemas.
const EXAMPLES: &str = include_str!("examples.json");

/// The operations, and the words about all of them.
#[must_use]
pub fn service() -> Service {
    let apis = (Runs, Queue, Logs, Probes, Session, Audit);
    OpenApiService::new(apis, "Pedidos", env!("CARGO_PKG_VERSION"))
        .description(
            "A million orders through a strict priority pipeline: starts, shows and steers runs of orders. Every VIP order (tier DIAMANTE) is \
             processed before any NORMAL one, by any number of workers; counts are exact at \
             every instant. Times are ISO-8601 UTC, durations milliseconds. Errors are \
             `application/problem+json` (RFC 9457), and a call that is refused changes nothing. \
             Callers say who they are with a key or a token (`Authorization: Bearer …` or \
             `X-API-Key: …`), browsers with the cookie of `POST /pedidos/session`; where the API \
             was started without keys, on one machine, nobody is asked. A request may have 32 KiB \
             of address and headers, 100 headers, and a body of 1 KiB that says nothing; head and \
             body must each be sent within 10 seconds (408). Every answer has an `X-Request-Id`, \
             the client's own if it is of letters, digits and `-_.:`; a problem has it as \
             `requestId`.",
        )
        // Wherever it is served from: Swagger UI must ask the API that it came from.
        .server("/")
        .contact(ContactObject::new().name("The maintainers of Pedidos"))
        .license(LicenseObject::new("MIT").url("https://spdx.org/licenses/MIT.html"))
}

/// The document. `max_orders`: the one bound that is configured. `open`: nobody is asked
/// who they are.
#[must_use]
pub fn document(service: &Service, max_orders: Option<u32>, open: bool) -> Value {
    // The framework writes whole numbers as floats, of which the large ones would
    // not be read back as they were.
    let whole = Regex::new(r"(: -?[0-9]+)\.0\b");
    let spec = service.spec();
    let spec = whole.as_ref().map_or(spec.as_str().into(), |whole| whole.replace_all(&spec, "$1"));
    let mut document: Value = serde_json::from_str(&spec).unwrap_or_default();
    let examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
    guarded(&mut document, open);
    let mut problem = None;
    for operation in operations(&mut document) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        let summary = operation["summary"].clone();
        for (status, response) in object(&mut operation["responses"]) {
            if response["description"] == "" {
                response["description"] = summary.clone();
            }
            for (kind, content) in object(&mut response["content"]) {
                // Two answers may share a status; only one of them is a problem.
                let own = Some(&examples[&id][status]).filter(|own| {
                    !own.is_null() && own["title"].is_string() == kind.contains("problem")
                });
                let example = own.unwrap_or(&examples["*"][status]);
                if !example.is_null() {
                    content["example"] = example.clone();
                }
                if status == "400" {
                    problem = Some(content.clone());
                }
            }
        }
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if parameter["name"] == "quantity"
                && let Some(most) = max_orders
            {
                limit(parameter, most);
            }
            let example = &examples["parameters"][parameter["name"].as_str().unwrap_or_default()];
            if !example.is_null() {
                parameter["example"] = example.clone();
            }
        }
    }
    // Refused before the handlers are asked: a parameter where there are none.
    let refused = json!({
        "description": "A parameter was given, or a body, and there is none; nothing was changed.",
        "content": { "application/problem+json": problem },
    });
    for operation in operations(&mut document) {
        if operation["responses"]["400"].is_null() {
            operation["responses"]["400"] = refused.clone();
        }
    }
    let mut referred = Vec::new();
    for (name, schema) in object(&mut document["components"]["schemas"]) {
        // Problems leave out what they do not have; all else says null.
        if !matches!(name, "Problem" | "Mistake") {
            always_there(schema, &mut referred);
        }
    }
    for schema in referred {
        if let Some(schema) = document.pointer_mut(&schema) {
            schema["nullable"] = true.into();
        }
    }
    let run = json!({ "runId": "$response.body#/runId" });
    document["paths"]["/pedidos/generate"]["post"]["responses"]["202"]["links"] = json!({
        "run": {
            "operationId": "getRun",
            "parameters": run,
            "description": "The run that was accepted.",
        },
        "status": {
            "operationId": "getStatus",
            "description": "The run, as it stands.",
        },
        "cancel": {
            "operationId": "cancel",
            "description": "Ends the run.",
        },
    });
    document["paths"]["/pedidos/runs"]["get"]["responses"]["200"]["links"] = json!({
        "next": {
            "operationId": "listRuns",
            "parameters": { "cursor": "$response.body#/nextCursor" },
            "description": "The next page.",
        },
    });
    document
}

/// The document as it is committed.
#[must_use]
pub fn yaml() -> String {
    serde_yaml::to_string(&document(&service(), None, false)).unwrap_or_default()
}

/// Says of every operation what the guard asks and answers.
fn guarded(document: &mut Value, open: bool) {
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of `pedidos key new`, or a token (JWT: RS256, ES256 or EdDSA) of \
                            the identity provider.",
        },
        "key": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "A key of `pedidos key new`.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie::NAME,
            "description": "A browser that signed in: `POST /pedidos/session`.",
        },
    });
    debug_assert!("X-API-Key".eq_ignore_ascii_case(KEY_HEADER));
    let content = json!({
        "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
    });
    let header = |text: &str, kind: &str| json!({ "description": text, "required": true, "schema": { "type": kind } });
    for operation in operations(document) {
        let need = policy::need(operation["operationId"].as_str().unwrap_or_default());
        let Some(role) = need.role() else {
            operation["security"] = json!([]);
            continue;
        };
        let mut security = json!([{ "bearer": [] }, { "key": [] }, { "session": [] }]);
        // Only a key signs in.
        if operation["operationId"] == "signIn" {
            security = json!([{ "bearer": [] }, { "key": [] }]);
        }
        if open && let Some(schemes) = security.as_array_mut() {
            schemes.push(json!({}));
        }
        operation["security"] = security;
        let said = operation["description"].as_str().unwrap_or_default().trim_end();
        let trail = if need.changes() { " Leaves lines in the audit trail." } else { "" };
        operation["description"] = format!("{said}\n\nTakes the role {role}.{trail}").into();
        let limit = match need {
            Need::Changes(_) => "RATE_LIMIT_WRITES",
            _ => "RATE_LIMIT_READS",
        };
        let answers = [
            (
                "401",
                "It is not known who calls: a key or token is missing, wrong, or over.".to_owned(),
                json!({ "WWW-Authenticate": header("What is asked for.", "string") }),
            ),
            (
                "403",
                format!(
                    "The role {role} is missing; or the call comes from a web page elsewhere, or \
                     under a name (`Host`) that is not ours."
                ),
                Value::Null,
            ),
            (
                "429",
                format!("More calls than {limit} allows in a minute."),
                json!({
                    "Retry-After": header("Seconds until the next may be made.", "integer"),
                    "RateLimit-Policy": header("What is allowed: `q` calls in `w` seconds.", "string"),
                    "RateLimit": header("What is left: `r` calls, all again in `t` seconds.", "string"),
                }),
            ),
            (
                "503",
                "Keys, tokens or the audit trail are out of reach, so nobody is let in.".to_owned(),
                json!({ "Retry-After": header("Seconds after which to try again.", "integer") }),
            ),
        ];
        for (status, description, headers) in answers {
            let answer = &mut operation["responses"][status];
            if answer.is_null() {
                *answer = json!({ "description": description, "content": content });
            }
            if answer["headers"].is_null() && !headers.is_null() {
                answer["headers"] = headers;
            }
        }
    }
}

/// No more than is configured; and if the default is more, it has to be given.
fn limit(parameter: &mut Value, most: u32) {
    let schema = &mut parameter["schema"];
    schema["maximum"] = most.into();
    if schema["default"].as_u64() > Some(most.into())
        && let Some(schema) = schema.as_object_mut()
    {
        schema.remove("default");
        parameter["required"] = true.into();
    }
}

/// What may be missing by its schema is never missing, but null. Schemas that are
/// referred to by such a field are added to `referred`.
fn always_there(schema: &mut Value, referred: &mut Vec<String>) {
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        always_there(part, referred);
    }
    let mut required = match schema["required"].take() {
        Value::Array(names) => names,
        _ => Vec::new(),
    };
    if let Some(properties) = schema.get_mut("properties") {
        for (name, property) in object(properties) {
            if required.iter().any(|known| known == name) {
                continue;
            }
            required.push(name.into());
            // An object of its own stands as a reference, with words beside it or not:
            // only what is referred to can say that it may be null.
            let reference =
                ["/$ref", "/allOf/0/$ref"].iter().find_map(|at| property.pointer(at)?.as_str());
            match reference {
                Some(reference) => referred.push(reference.trim_start_matches('#').to_owned()),
                None => property["nullable"] = true.into(),
            }
        }
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
    }
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    object(&mut document["paths"])
        .flat_map(|(_, path)| object(path))
        .map(|(_, operation)| operation)
}

/// The fields of an object; nothing of anything else.
fn object(value: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    let map: Option<&mut Map<String, Value>> = value.as_object_mut();
    map.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_described_with_examples() {
        let mut document = document(&service(), None, false);
        let mut lacks = Vec::new();
        for operation in operations(&mut document) {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            for part in ["summary", "description"] {
                if operation[part].as_str().is_none_or(str::is_empty) {
                    lacks.push(format!("{id}: {part}"));
                }
            }
            for (status, response) in object(&mut operation["responses"]) {
                for (kind, content) in object(&mut response["content"]) {
                    if kind.contains("json") && content["example"].is_null() {
                        lacks.push(format!("{id} {status}: an example"));
                    }
                }
            }
        }
        assert!(lacks.is_empty(), "{lacks:#?}");
    }
}
