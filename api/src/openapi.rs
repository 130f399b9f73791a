//! The OpenAPI document: what the handlers declare; and what they cannot: examples, links, and what
//! the guard requires.

mod bodies;

use poem_openapi::{ContactObject, LicenseObject, OpenApiService};
use regex::Regex;
use serde_json::{Value, json};

use self::bodies::{describe_changes, describe_downloads, describe_lists, object};
use crate::{
    access::{
        cookie,
        credentials::KEY_HEADER,
        policy::{self, Permission},
    },
    handlers::{
        audit::AuditApi, flow::FlowApi, imports::ImportsApi, logs::LogsApi, probes::ProbesApi,
        queue::QueueApi, receipts::ReceiptsApi, runs::RunsApi, session::SessionApi,
    },
};

pub type Service = OpenApiService<
    (RunsApi, ReceiptsApi, ImportsApi, QueueApi, FlowApi, LogsApi, ProbesApi, SessionApi, AuditApi),
    (),
>;

/// An example of every answer, by `operationId` and status. Tests check them against the schemas.
const EXAMPLES: &str = include_str!("examples.json");

#[must_use]
pub fn service() -> Service {
    let apis = (
        RunsApi,
        ReceiptsApi,
        ImportsApi,
        QueueApi,
        FlowApi,
        LogsApi,
        ProbesApi,
        SessionApi,
        AuditApi,
    );
    OpenApiService::new(apis, "Pedidos", env!("CARGO_PKG_VERSION"))
        .description(
            "A million orders through a strict priority pipeline: starts, shows and controls runs of orders. Every VIP order (tier DIAMANTE) is \
             processed before any NORMAL one, by any number of workers; counts are exact at \
             every instant. Times are ISO-8601 UTC, durations milliseconds. Errors are \
             `application/problem+json` (RFC 9457), and a call that is refused changes nothing. \
             Callers authenticate with a key or a token (`Authorization: Bearer …` or \
             `X-API-Key: …`), browsers with the cookie of `POST /pedidos/session`; an API that was \
             started without keys, for one machine, requires no credentials. A request may have \
             32 KiB of address and headers, 100 headers, and a body of 1 KiB, unless it is a list; head \
             and body must each arrive within 10 seconds (408). Every answer has an \
             `X-Request-Id`, the client's own if it consists of letters, digits and `-_.:`; a \
             problem has it as `requestId`.",
        )
        // Relative: Swagger UI must call the API that served it.
        .server("/")
        .contact(ContactObject::new().name("The maintainers of Pedidos"))
        .license(LicenseObject::new("MIT").url("https://spdx.org/licenses/MIT.html"))
}

/// `max_orders`: the one limit that is configured. `open`: no credentials are required.
#[must_use]
pub fn document(service: &Service, max_orders: Option<u32>, open: bool) -> Value {
    // The framework writes whole numbers as floats, and large ones would lose digits.
    let whole = Regex::new(r"(: -?[0-9]+)\.0\b");
    let spec = service.spec();
    let spec = whole.as_ref().map_or(spec.as_str().into(), |whole| whole.replace_all(&spec, "$1"));
    let mut document: Value = serde_json::from_str(&spec).unwrap_or_default();
    let examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
    describe_guard(&mut document, open);
    describe_lists(&mut document);
    describe_changes(&mut document);
    describe_downloads(&mut document);
    describe_the_rest(&mut document);
    let mut problem = None;
    for operation in operations(&mut document) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        let summary = operation["summary"].clone();
        for (status, response) in object(&mut operation["responses"]) {
            if response["description"] == "" {
                response["description"] = summary.clone();
            }
            for (kind, content) in object(&mut response["content"]) {
                // Two answers may share a status, and only one of them is a problem.
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
    // The request validator answers these: a parameter or a body where there are none.
    let refused = json!({
        "description": "The request has a parameter or a body, and the operation takes none; nothing was changed.",
        "content": { "application/problem+json": problem },
    });
    for operation in operations(&mut document) {
        if operation["responses"]["400"].is_null() {
            operation["responses"]["400"] = refused.clone();
        }
    }
    let mut referred = Vec::new();
    for (name, schema) in object(&mut document["components"]["schemas"]) {
        // Problems leave out what they do not have, and changes what they do not change; all other
        // answers have null there.
        if !matches!(name, "Problem" | "Mistake" | "LimitsChange" | "FlowChange") {
            always_there(schema, &mut referred);
        }
    }
    for schema in referred {
        if let Some(schema) = document.pointer_mut(&schema) {
            schema["nullable"] = true.into();
            // A list of values must have null, too.
            if let Some(Value::Array(values)) = schema.get_mut("enum")
                && !values.contains(&Value::Null)
            {
                values.push(Value::Null);
            }
        }
    }
    let run = json!({ "runId": "$response.body#/runId" });
    document["paths"]["/pedidos/generate"]["post"]["responses"]["202"]["links"] = json!({
        "run": {
            "operationId": "getRun",
            "parameters": run,
            "description": "The accepted run.",
        },
        "status": {
            "operationId": "getStatus",
            "description": "The run as it is now.",
        },
        "cancel": {
            "operationId": "cancel",
            "description": "Cancels the run.",
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

/// The document for clients that reach our paths below this prefix.
#[must_use]
pub fn below(document: &Value, prefix: &str) -> Value {
    let mut document = document.clone();
    if !prefix.is_empty() {
        document["servers"] = json!([{ "url": prefix }]);
    }
    document
}

/// The document that is committed.
#[must_use]
pub fn yaml() -> String {
    crate::yaml::to_string(&document(&service(), None, false))
}

/// The framework documents no type of a value that may be any JSON.
fn describe_the_rest(document: &mut Value) {
    document["components"]["schemas"]["OrderData"]["properties"]["dados"]["type"] = "object".into();
}

/// Adds what the guard requires and answers.
fn describe_guard(document: &mut Value, open: bool) {
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
            "description": "The session of a browser: `POST /pedidos/session`. Over TLS its name is \
                            `__Host-pedidos_session`, and the other name is ignored.",
        },
    });
    debug_assert!("X-API-Key".eq_ignore_ascii_case(KEY_HEADER));
    let content = json!({
        "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
    });
    let header = |text: &str, kind: &str| json!({ "description": text, "required": true, "schema": { "type": kind } });
    for operation in operations(document) {
        let permission = policy::permission(operation["operationId"].as_str().unwrap_or_default());
        let Some(role) = permission.role() else {
            operation["security"] = json!([]);
            continue;
        };
        let mut security = json!([{ "bearer": [] }, { "key": [] }, { "session": [] }]);
        // Only a key can sign in.
        if operation["operationId"] == "signIn" {
            security = json!([{ "bearer": [] }, { "key": [] }]);
        }
        if open && let Some(schemes) = security.as_array_mut() {
            schemes.push(json!({}));
        }
        operation["security"] = security;
        let description = operation["description"].as_str().unwrap_or_default().trim_end();
        let trail = if permission.is_write() { " Leaves lines in the audit trail." } else { "" };
        operation["description"] =
            format!("{description}\n\nRequires the role {role}.{trail}").into();
        let limit = match permission {
            Permission::Write(_) => "RATE_LIMIT_WRITES",
            _ => "RATE_LIMIT_READS",
        };
        let answers = [
            (
                "401",
                "Authentication required: the key or token is missing, wrong or expired."
                    .to_owned(),
                json!({ "WWW-Authenticate": header("The required authentication.", "string") }),
            ),
            (
                "403",
                format!(
                    "The caller does not have the role {role}; or the request comes from a page of \
                     another origin, or with a `Host` that is not a name of this API."
                ),
                Value::Null,
            ),
            (
                "429",
                format!("More requests in a minute than {limit} allows."),
                json!({
                    "Retry-After": header("Seconds until the next request is allowed.", "integer"),
                    "RateLimit-Policy": header("The limit: `q` requests in `w` seconds.", "string"),
                    "RateLimit": header("What is left: `r` requests; all of them in `t` seconds.", "string"),
                }),
            ),
            (
                "503",
                "Keys, tokens or the audit trail are unavailable, so the request is refused."
                    .to_owned(),
                json!({ "Retry-After": header("Seconds until the next try.", "integer") }),
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

/// Sets the configured maximum; a default beyond it goes, and the parameter is required.
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

/// Fields that the schema has as optional are always there, and null. Schemas that such a field
/// refers to are added to `referred`.
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
            // An object is a reference, with or without a description beside it: only the schema
            // that it refers to can be nullable.
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
