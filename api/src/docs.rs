//! Swagger UI, one page with its scripts and styles inside. The policy that it is served
//! with lets those run that are in it, by their hashes, and nothing else.

use base64::{Engine, engine::general_purpose::STANDARD};
use poem::{Response, RouteMethod, endpoint::make_sync, get, http::header};
use ring::digest::{SHA256, digest};

/// The page, under its policy.
#[must_use]
pub fn served(page: String) -> RouteMethod {
    let policy = policy(&page);
    get(make_sync(move |_| {
        Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, policy.as_str())
            .body(page.clone())
    }))
}

/// Images as data are the icons of Swagger UI's style sheet.
fn policy(page: &str) -> String {
    format!(
        "default-src 'none'; script-src {}; style-src {}; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hashes(page, "script"),
        hashes(page, "style")
    )
}

/// The hashes of what stands in all elements of this name, as a browser takes them.
fn hashes(page: &str, name: &str) -> String {
    let (begin, end) = (format!("<{name}"), format!("</{name}>"));
    let mut hashes = Vec::new();
    let mut rest = page;
    // What is in an element is passed over: a script may speak of scripts.
    while let Some(content) =
        rest.split_once(&begin).and_then(|(_, element)| element.split_once('>')?.1.split_once(&end))
    {
        let hash = STANDARD.encode(digest(&SHA256, content.0.as_bytes()));
        hashes.push(format!("'sha256-{hash}'"));
        rest = content.1;
    }
    hashes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi;

    #[test]
    fn every_script_and_style_of_the_page_is_allowed_by_its_hash_alone() {
        let page = openapi::service().swagger_ui_html();
        let policy = policy(&page);
        assert_eq!(hashes(&page, "script").split(' ').count(), 2);
        assert_eq!(hashes(&page, "style").split(' ').count(), 1);
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn a_hash_is_that_of_what_stands_between_the_tags() {
        let page = "<p><script a=\"b\">let a = '<script>';</script><script></script>";
        let first = STANDARD.encode(digest(&SHA256, b"let a = '<script>';"));
        // The hash of nothing, as everybody knows it.
        let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(hashes(page, "script"), format!("'sha256-{first}' 'sha256-{empty}'"));
    }
}
