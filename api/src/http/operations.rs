//! The table of operations by path and method, read from the OpenAPI document that we publish:
//! the validator, the guard and the metrics go by it.

use std::{collections::HashMap, sync::Arc};

use poem::{Request, http::Method};
use serde_json::{Map, Value};

/// A path in its segments, and the `operationId` of each of its methods.
type Path = (Vec<String>, HashMap<Method, String>);

/// Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    paths: Arc<Vec<Path>>,
}

impl Operations {
    #[must_use]
    pub fn of(document: &Value) -> Self {
        let empty = Map::new();
        let paths = document["paths"].as_object().unwrap_or(&empty);
        let of_path = |(path, operations): (&String, &Value)| {
            let operations = operations.as_object().unwrap_or(&empty).iter();
            let operations = operations.filter_map(|(method, operation)| {
                let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
                Some((method.to_uppercase().parse().ok()?, id))
            });
            (segments(path), operations.collect())
        };
        Self { paths: Arc::new(paths.iter().map(of_path).collect()) }
    }

    /// The operation that a request asks for, by its `operationId`.
    #[must_use]
    pub fn id(&self, request: &Request) -> Option<&str> {
        let methods = self.methods(request.uri().path())?;
        methods.get(documented_method(request)).map(String::as_str)
    }

    /// The operations of a path, by method.
    pub(super) fn methods(&self, path: &str) -> Option<&HashMap<Method, String>> {
        let path = segments(path);
        self.paths.iter().find(|(known, _)| fits(known, &path)).map(|(_, methods)| methods)
    }

    /// The methods that a path takes, as the header `Allow` lists them.
    pub(super) fn allow(&self, path: &str) -> String {
        let methods = self.methods(path).into_iter().flat_map(HashMap::keys);
        let mut methods: Vec<_> = methods.map(Method::as_str).collect();
        methods.sort_unstable();
        methods.join(", ")
    }
}

/// HEAD is GET without the body.
pub(super) fn documented_method(request: &Request) -> &Method {
    if request.method() == Method::HEAD { &Method::GET } else { request.method() }
}

fn segments(path: &str) -> Vec<String> {
    path.trim_matches('/').split('/').map(str::to_owned).collect()
}

fn fits(known: &[String], path: &[String]) -> bool {
    known.len() == path.len() && known.iter().zip(path).all(|(k, p)| k == p || k.starts_with('{'))
}
