//! Documents and pages that do not change while the process runs. There is one copy of each and
//! one compressed copy, however many clients read them; the `ETag` saves sending them again.

use std::{
    io::Write,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use pedidos_core::bytes::hex;
use poem::{
    Request, Response, RouteMethod,
    endpoint::make_sync,
    get,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use ring::digest::{SHA256, digest};

pub struct StaticFile {
    content_type: &'static str,
    plain: Bytes,
    /// Made with the first request for it.
    zipped: OnceLock<Bytes>,
    tag: String,
}

impl StaticFile {
    #[must_use]
    pub fn new(content_type: &'static str, content: String) -> Self {
        let hash = digest(&SHA256, content.as_bytes());
        let tag = format!("\"{}\"", hex(&hash.as_ref()[..16]));
        Self { content_type, plain: content.into(), zipped: OnceLock::new(), tag }
    }

    /// `more`: headers to add.
    #[must_use]
    pub fn served(self, more: HeaderMap) -> RouteMethod {
        let file = Arc::new(self);
        get(make_sync(move |request| {
            let mut response = file.answer(&request);
            response.headers_mut().extend(more.clone());
            response
        }))
    }

    fn answer(&self, request: &Request) -> Response {
        let zipped = takes_gzip(request);
        let mut response = if is_known(request, &self.tag) {
            StatusCode::NOT_MODIFIED.into()
        } else {
            let body =
                if zipped { self.zipped.get_or_init(|| gzip(&self.plain)) } else { &self.plain };
            Response::builder().body(body.clone())
        };
        let headers = response.headers_mut();
        if let Ok(tag) = self.tag.parse() {
            headers.insert(header::ETAG, tag);
        }
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, self.content_type);
        set(header::VARY, "Accept-Encoding");
        set(header::CACHE_CONTROL, "no-cache");
        if zipped {
            set(header::CONTENT_ENCODING, "gzip");
        }
        response
    }
}

/// Writing to a `Vec` cannot fail.
fn gzip(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    written.unwrap_or_default().into()
}

/// Does the client have this version already?
#[must_use]
pub fn is_known(request: &Request, tag: &str) -> bool {
    let asked = request.header(header::IF_NONE_MATCH).unwrap_or_default();
    let mut known = asked.split(',').map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[must_use]
pub fn takes_gzip(request: &Request) -> bool {
    let accepted = request.header(header::ACCEPT_ENCODING).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip")
            && parts.all(|part| {
                part.strip_prefix("q=").is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0))
            })
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn asked(name: header::HeaderName, value: &str) -> Request {
        Request::builder().header(name, value).finish()
    }

    async fn body(response: Response) -> Bytes {
        response.into_body().into_bytes().await.unwrap()
    }

    #[tokio::test]
    async fn everybody_gets_the_same_copy() {
        let file = StaticFile::new("text/plain", "long ".repeat(10_000));
        let plain = [
            body(file.answer(&Request::default())).await,
            body(file.answer(&Request::default())).await,
        ];
        assert_eq!(plain[0].as_ptr(), plain[1].as_ptr());
        assert_eq!(plain[0].as_ptr(), file.plain.as_ptr());
        let zipped = file.answer(&asked(header::ACCEPT_ENCODING, "br, gzip"));
        assert_eq!(zipped.headers()[header::CONTENT_ENCODING], "gzip");
        let zipped = body(zipped).await;
        assert!(zipped.len() < 1_000, "{}", zipped.len());
        let again = body(file.answer(&asked(header::ACCEPT_ENCODING, "gzip;q=0.1"))).await;
        assert_eq!(zipped.as_ptr(), again.as_ptr());
        let mut unzipped = String::new();
        GzDecoder::new(&zipped[..]).read_to_string(&mut unzipped).unwrap();
        assert_eq!(unzipped.as_bytes(), file.plain);
    }

    #[tokio::test]
    async fn what_is_known_is_not_sent_again() {
        let file = StaticFile::new("text/plain", "a".to_owned());
        let tag = file.answer(&Request::default()).headers()[header::ETAG].clone();
        let tag = tag.to_str().unwrap();
        for (known, sent) in
            [(tag, false), (&*format!("\"x\", W/{tag}"), false), ("*", false), ("\"x\"", true)]
        {
            let response = file.answer(&asked(header::IF_NONE_MATCH, known));
            assert_eq!(response.status() == StatusCode::OK, sent, "{known}");
            assert_eq!(response.headers()[header::ETAG], tag);
            assert_eq!(body(response).await.is_empty(), !sent);
        }
        let other = StaticFile::new("text/plain", "b".to_owned());
        assert_ne!(other.tag, tag);
    }
}
