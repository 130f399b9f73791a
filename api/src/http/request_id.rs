//! The id of a request: `X-Request-Id`, the client's own if it is well-formed. It is in the
//! answer, in every problem, and in every log line of the request.

use poem::http::HeaderMap;

pub const NAME: &str = "x-request-id";
/// Characters of a client's id.
const LONGEST: usize = 64;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that is being answered, if one is.
#[must_use]
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

pub(crate) async fn under<F: Future>(id: String, answering: F) -> F::Output {
    CURRENT.scope(id, answering).await
}

/// The client's id, if it may stand in a log and in a header; else a new one.
pub(crate) fn of(headers: &HeaderMap) -> String {
    let mut given = headers.get_all(NAME).iter();
    match (given.next().and_then(|id| id.to_str().ok()), given.next()) {
        (Some(id), None) if is_well_formed(id) => id.to_owned(),
        _ => uuid::Uuid::new_v4().to_string(),
    }
}

fn is_well_formed(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (1..=LONGEST).contains(&id.len()) && id.chars().all(fits)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use poem::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn with(ids: &[&[u8]]) -> HeaderMap {
        let values = ids.iter().map(|id| HeaderValue::from_bytes(id).unwrap());
        let name = poem::http::HeaderName::from_static(NAME);
        values.map(|value| (name.clone(), value)).collect()
    }

    #[test]
    fn a_sane_one_is_kept_and_any_other_replaced() {
        assert_eq!(of(&with(&[b"req-1.a:b_C"])), "req-1.a:b_C");
        let long = [b'a'; LONGEST + 1];
        for strange in [&b""[..], b"a b", b"<a>", b"\xff", b"a\"", b"\xc3\xa9", &long] {
            assert_eq!(of(&with(&[strange])).len(), 36, "{strange:?}");
        }
        assert_eq!(of(&with(&[b"a", b"b"])).len(), 36);
        assert_eq!(of(&HeaderMap::new()).len(), 36);
    }

    proptest! {
        #[test]
        fn whatever_comes_it_is_well_formed_afterwards(id in proptest::collection::vec(32..=255u8, 0..99)) {
            prop_assume!(!id.contains(&127));
            prop_assert!(is_well_formed(&of(&with(&[&id]))));
        }
    }
}
