//! The bodies of requests, which the handlers cannot declare, and those of downloads.

use serde_json::{Map, Value, json};

/// The operations that take a list, and whether they require it. The framework would read it into
/// memory, so its handlers take the body as it is.
const TAKE_LISTS: [(&str, &str, bool); 2] =
    [("/pedidos/imports", "post", false), ("/pedidos/imports/{importId}/orders", "put", true)];

pub(super) fn describe_lists(document: &mut Value) {
    for (path, method, required) in TAKE_LISTS {
        let ndjson = concat!(
            r#"{"ref":"A-1","cliente":"Ana","valor":12.50,"tier":"DIAMANTE"}"#,
            "\n",
            r#"{"ref":"A-2","cliente":"Bia","valor":3,"priority":"NORMAL","dados":{"sku":7}}"#,
            "\n"
        );
        let csv = "ref,cliente,valor,tier\nA-1,Ana,12.50,DIAMANTE\nA-2,Bia,3,OURO\n";
        let content = |example: &str| json!({ "schema": { "type": "string" }, "example": example });
        document["paths"][path][method]["requestBody"] = json!({
            "required": required,
            "description": "The whole list, of any length: an order a line, or CSV with a header \
                            line. A line has `cliente` and `valor`; `tier` or `priority`; and, if \
                            there are any, `ref` (or `id`), `observacoes` and `dados`. What else it \
                            has goes into `dados`. `Content-Encoding: gzip` is understood.",
            "content": {
                "application/x-ndjson": content(ndjson),
                "application/jsonl": content(ndjson),
                "text/csv": content(csv),
            },
        });
    }
}

/// The framework documents neither the null that lifts a limit, nor examples of a body, nor what the
/// request validator refuses of one.
pub(super) fn describe_changes(document: &mut Value) {
    for (path, name, example) in [
        ("/pedidos/queue/limits", "LimitsChange", json!({ "ordersPerSecond": 5000 })),
        ("/pedidos/runs/{runId}", "FlowChange", json!({ "pauseAfter": null })),
    ] {
        let schema = &mut document["components"]["schemas"][name];
        schema["minProperties"] = 1.into();
        schema["additionalProperties"] = false.into();
        for (_, property) in object(&mut schema["properties"]) {
            if property["type"] == "integer" {
                property["nullable"] = true.into();
            }
        }
        let operation = &mut document["paths"][path]["patch"];
        for (_, content) in object(&mut operation["requestBody"]["content"]) {
            content["example"] = example.clone();
        }
        operation["responses"]["415"] = json!({
            "description": "The body is not JSON.",
            "content": {
                "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
            },
        });
    }
}

/// The framework documents one content type for a status.
pub(super) fn describe_downloads(document: &mut Value) {
    for (path, example) in [
        (
            "/pedidos/imports/{importId}/rejects",
            concat!(
                r#"{"line":97,"field":"valor","code":"decimals","message":"valor has three decimals: write at most two","#,
                r#""original":"{\"cliente\":\"Ana\",\"valor\":12.345,\"tier\":\"OURO\"}"}"#,
                "\n"
            ),
        ),
        (
            "/pedidos/runs/{runId}/orders",
            concat!(
                r#"{"pedidos_id":"01a20641-6fe7-7000-8000-1011b5a21848","ref":"A-1","cliente":"Ana","#,
                r#""valor":12.50,"tier":"OURO","priority":"NORMAL","dados":{"sku":7},"#,
                r#""pedidos_status":"falhou","pedidos_error":"card refused","pedidos_attempts":1,"#,
                r#""pedidos_createdAt":"2026-11-23T02:34:41.519Z","#,
                r#""pedidos_failedAt":"2026-11-23T02:34:42.555Z"}"#,
                "\n"
            ),
        ),
    ] {
        let content = &mut document["paths"][path]["get"]["responses"]["200"]["content"];
        let csv = content["text/csv"].clone();
        content["application/x-ndjson"] = csv;
        content["application/x-ndjson"]["example"] = example.into();
    }
}

/// The fields of an object; nothing of anything else.
pub(super) fn object(value: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    let map: Option<&mut Map<String, Value>> = value.as_object_mut();
    map.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
