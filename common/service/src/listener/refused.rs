//! Requests that the HTTP library refuses by itself, with a bare status: they are answered with
//! a problem like all others.

use super::close::answer;

/// The answer that replaces a refusal of the library's, which alone answers these without a
/// body.
pub fn replacement_of(response: &[u8]) -> Option<Vec<u8>> {
    // Answers are many, and few of them are refusals.
    if !response.starts_with(b"HTTP/1.1 4") {
        return None;
    }
    let head = std::str::from_utf8(response).ok()?;
    if !head.contains("content-length: 0\r\n") {
        return None;
    }
    let refusal = [
        (
            "431 Request Header Fields Too Large",
            "Request head too large",
            "the request has more than 100 headers; send fewer",
        ),
        ("400 Bad Request", "Not HTTP", "the request is not valid HTTP/1.1"),
    ]
    .into_iter()
    .find(|(status, ..)| head.starts_with(&format!("HTTP/1.1 {status}\r\n")))?;
    Some(answer(refusal))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::replacement_of;

    #[test]
    fn only_what_the_library_refuses_by_itself_is_said_in_other_words() {
        let refused = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let said = String::from_utf8(replacement_of(refused).unwrap()).unwrap();
        assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
        assert!(said.contains("application/problem+json"), "{said}");
        let ours = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 12\r\n\r\n{\"status\":1}";
        assert!(replacement_of(ours).is_none());
        assert!(replacement_of(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_none());
    }
}
