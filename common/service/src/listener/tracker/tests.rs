use proptest::prelude::*;

use super::*;

const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

fn after(pieces: &[&[u8]]) -> (RequestTracker, Result<(), CloseReason>) {
    let now = Instant::now();
    let mut tracker = RequestTracker::new(now);
    let mut said = Ok(());
    for piece in pieces {
        said = said.and_then(|()| tracker.received(piece, now));
    }
    (tracker, said)
}

#[test]
fn a_head_has_a_deadline_and_an_answer_in_the_making_has_none() {
    let (tracker, _) = after(&[&ASKED[..ASKED.len() - 1]]);
    assert!(tracker.deadline().is_some());
    assert_eq!(tracker.late(), CloseReason::Late);
    let post = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}";
    for asked in [ASKED, b"\r\n\r\nGET / HTTP/1.1\n\n", post] {
        let (tracker, said) = after(&[asked]);
        assert_eq!((tracker.deadline(), said), (None, Ok(())));
    }
    assert_eq!(after(&[]).0.late(), CloseReason::Idle);
    assert_eq!(after(&[b"\r\n\r\n"]).0.late(), CloseReason::Idle);
}

#[test]
fn an_answer_begins_the_wait_for_the_next_request() {
    let (mut tracker, _) = after(&[ASKED]);
    let now = Instant::now();
    tracker.sent(b"HTTP/1.1 100 Continue\r\n\r\n", now);
    assert_eq!(tracker.deadline(), None);
    tracker.sent(b"HTTP/1.1 200 OK\r\n", now);
    assert_eq!(tracker.deadline(), Some(now + IDLE_TIMEOUT));
    assert_eq!(tracker.late(), CloseReason::Idle);
    assert_eq!(tracker.received(b"G", now), Ok(()));
    assert_eq!(tracker.deadline(), Some(now + HEAD_TIMEOUT));
    assert_eq!(tracker.late(), CloseReason::Late);
}

#[test]
fn a_head_is_bounded_and_a_body_is_not_its_matter() {
    let address = vec![b'a'; MAX_HEAD + 1];
    assert_eq!(after(&[&address]).1, Err(CloseReason::LongAddress));
    assert_eq!(after(&[b"GET / HTTP/1.1\r\nx: ", &address]).1, Err(CloseReason::LongHead));
    let post = b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n";
    assert_eq!(after(&[post, &address]).1, Ok(()));
    assert_eq!(after(&[HTTP2, b"\r\n\r\nSM\r\n\r\n"]).1, Err(CloseReason::Http2));
}

/// Requests that are whole: what comes after one is the next one's head.
const WHOLE: [&[u8]; 6] = [
    ASKED,
    b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nCONTENT-LENGTH:\t0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\n\n\r\n8\r\n\r\n\r\n\r\n\r\n\r\n0\r\nx: y\r\n\r\n",
    b"POST / HTTP/1.1\ncontent-length: 3\ncontent-length: 3\n\n\n\n\n",
];

#[test]
fn a_second_head_has_the_bounds_of_the_first_before_and_after_its_answer() {
    let now = Instant::now();
    let (begun, long) = (&b"GET / HTTP/1.1\r\nx: "[..], vec![b'a'; MAX_HEAD]);
    for request in WHOLE {
        let (mut tracker, said) = after(&[request]);
        assert_eq!((said, tracker.deadline()), (Ok(()), None));
        // While the first is answered, and at once.
        assert_eq!(tracker.received(begun, now), Ok(()));
        assert_eq!(tracker.deadline(), Some(now + HEAD_TIMEOUT), "{}", request.escape_ascii());
        assert_eq!(tracker.late(), CloseReason::Late);
        assert!(tracker.is_answering(), "nothing can be said into an answer");
        tracker.sent(b"HTTP/1.1 200 OK\r\n", now + HEAD_TIMEOUT / 2);
        assert_eq!(tracker.deadline(), Some(now + HEAD_TIMEOUT));
        assert_eq!(tracker.received(&long, now), Err(CloseReason::LongHead));
        // In one piece.
        let both = [request, begun, &long].concat();
        assert_eq!(after(&[&both]).1, Err(CloseReason::LongHead));
        // Many that are whole are none that is too long.
        let many: Vec<u8> = request.repeat(MAX_HEAD / 10);
        assert_eq!(after(&[&many]).1, Ok(()));
    }
}

#[test]
fn a_body_that_makes_no_sense_is_not_taken_for_heads() {
    for head in [
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: -1",
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, identity, and more that does not end as it should",
    ] {
        let head = format!("POST / HTTP/1.1\r\n{head}\r\n\r\n");
        let (tracker, said) = after(&[head.as_bytes(), &vec![b'a'; MAX_HEAD + 1]]);
        assert_eq!((said, tracker.deadline()), (Ok(()), None), "{head}");
    }
}

proptest! {
    #[test]
    fn how_requests_are_cut_to_pieces_does_not_matter(
        which in proptest::collection::vec(0..WHOLE.len(), 1..4),
        cuts in proptest::collection::vec(0..400usize, 0..6),
    ) {
        let mut bytes: Vec<u8> = which.iter().flat_map(|at| WHOLE[*at]).copied().collect();
        bytes.extend(b"GET");
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        let (tracker, said) = after(&pieces);
        prop_assert_eq!((said, tracker.late(), tracker.length), (Ok(()), CloseReason::Late, 3));
    }

    #[test]
    fn how_a_head_is_cut_to_pieces_does_not_matter(
        bytes in proptest::collection::vec(
            prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'P'), any::<u8>()], 0..200),
        cuts in proptest::collection::vec(0..200usize, 0..5),
    ) {
        let (whole, said) = after(&[&bytes]);
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        let (pieced, also_said) = after(&pieces);
        prop_assert_eq!(said, also_said);
        prop_assert_eq!(whole.deadline().is_some(), pieced.deadline().is_some());
        // As whoever reads the requests sees it: each ends with an empty line.
        let is_break = |byte: &u8| *byte == b'\n';
        let (mut rest, mut ended) = (&bytes[..], false);
        while let Some(begun) = rest.iter().position(|byte| !is_break(byte)) {
            rest = &rest[begun..];
            let end = rest.windows(2).position(|two| two == b"\n\n");
            ended = end.is_some();
            rest = end.map_or(&[][..], |end| &rest[end + 2..]);
        }
        if said.is_ok() && !bytes.contains(&b'\r') {
            prop_assert_eq!(whole.deadline().is_none(), ended);
        }
    }
}
