//! Swagger UI, one page with its scripts and styles inside. Its policy allows those by their
//! hashes, and nothing else. Its files are in `api/swagger-ui`: the framework's own are a version
//! with known faults.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use poem::{
    RouteMethod,
    http::{HeaderMap, header},
};
use ring::digest::{SHA256, digest};

use super::static_file::StaticFile;

const SCRIPT: &[u8] = include_bytes!("../../swagger-ui/swagger-ui-bundle.js.gz");
const STYLE: &[u8] = include_bytes!("../../swagger-ui/swagger-ui.css.gz");

/// The page of this document, with its policy.
#[must_use]
pub fn served(document: &str) -> RouteMethod {
    let page = page(document);
    let policy = policy(&page).parse();
    let headers =
        policy.map(|policy| HeaderMap::from_iter([(header::CONTENT_SECURITY_POLICY, policy)]));
    StaticFile::new("text/html; charset=utf-8", page).served(headers.unwrap_or_default())
}

fn page(document: &str) -> String {
    let (style, script) = (unzipped(STYLE), unzipped(SCRIPT));
    // Nothing else can end a script.
    let document = document.replace("</", "<\\/");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Pedidos: Swagger UI</title>\n<style>{style}</style>\n</head>\n<body>\n\
         <div id=\"swagger-ui\"></div>\n<script>{script}</script>\n<script>\n\
         SwaggerUIBundle({{ dom_id: '#swagger-ui', deepLinking: true, spec: {document} }})\n\
         </script>\n</body>\n</html>\n"
    )
}

/// Cannot fail: a test unzips both files.
fn unzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    match GzDecoder::new(bytes).read_to_string(&mut text) {
        Ok(_) => text,
        Err(error) => format!("/* {error} */"),
    }
}

/// `data:` images are the icons of Swagger UI's style sheet.
fn policy(page: &str) -> String {
    format!(
        "default-src 'none'; script-src {}; style-src {}; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hashes(page, "script"),
        hashes(page, "style")
    )
}

/// The hashes of the content of all elements of this name, as a browser computes them.
fn hashes(page: &str, name: &str) -> String {
    let (begin, end) = (format!("<{name}"), format!("</{name}>"));
    let mut hashes = Vec::new();
    let mut rest = page;
    // Skips the content of an element: a script may mention scripts.
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

    #[test]
    fn every_script_and_style_of_the_page_is_allowed_by_its_hash_alone() {
        let page = page("{\"a\": \"</script>\"}");
        let policy = policy(&page);
        assert_eq!(hashes(&page, "script").split(' ').count(), 2);
        assert_eq!(hashes(&page, "style").split(' ').count(), 1);
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.matches("</script>").count(), 2);
    }

    #[test]
    fn the_page_is_made_of_a_swagger_ui_whose_dompurify_is_current() {
        let script = unzipped(SCRIPT);
        // As the library says it of itself.
        let said = script.split_once("DOMPurify.version=\"").and_then(|(_, it)| it.split_once('"'));
        let numbers = said.map_or("", |(version, _)| version).split('.');
        let version: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
        // GHSA-55q2-fjhq-7xh7, the latest advisory, is fixed in 3.4.13.
        assert!(version.as_slice() >= &[3, 4, 13][..], "{version:?}");
        assert!(unzipped(STYLE).contains(".swagger-ui"));
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
