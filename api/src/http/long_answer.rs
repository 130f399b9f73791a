//! How many long answers are made at once. Each takes memory until its client has read it; beyond
//! the limit, a request waits for a permit.

use std::{
    collections::HashMap,
    io,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures_util::stream::{self, StreamExt};
use poem::{Body, IntoResponse, Response, http::StatusCode};
use poem_openapi::{
    ApiResponse,
    payload::{Json, Payload},
    registry::{MetaResponses, MetaSchemaRef, Registry},
    types::{ToJSON, Type},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::{failure::Failure, problem};

const PERMITS: usize = 8;
/// A client is what `Caller::client` says. No client takes all permits.
const PERMITS_PER_CLIENT: usize = 3;
/// An export takes as long as it takes: it has permits of its own.
const EXPORTS: usize = 4;
const EXPORTS_PER_CLIENT: usize = 2;
const PERMIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A client that has not read its answer by then loses the permit.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// The turns of this process.
#[derive(Debug, Clone)]
pub struct LongAnswers {
    timeout: Duration,
    permits: usize,
    per_client: usize,
    all: Arc<Semaphore>,
    of: Arc<Mutex<HashMap<String, Weak<Semaphore>>>>,
}

/// Held while a long answer is made and read.
#[derive(Debug)]
pub struct Permit {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Default for LongAnswers {
    fn default() -> Self {
        Self::new(PERMITS, PERMITS_PER_CLIENT)
    }
}

impl LongAnswers {
    fn new(permits: usize, per_client: usize) -> Self {
        let all = Arc::new(Semaphore::new(permits));
        Self { timeout: PERMIT_TIMEOUT, permits, per_client, all, of: Arc::default() }
    }

    /// The turns of exports.
    #[must_use]
    pub fn of_exports() -> Self {
        Self::new(EXPORTS, EXPORTS_PER_CLIENT)
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// There is none in time.
    pub async fn permit(&self, client: String) -> Result<Permit, Failure> {
        let permit = async {
            let own = self.own(client).acquire_owned().await.ok()?;
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Permit { _own: own, _all: all })
        };
        let permit = tokio::time::timeout(self.timeout, permit).await.ok().flatten();
        permit.ok_or_else(|| {
            let why = format!(
                "this API makes {} answers like this at once, {} for one client: try again later",
                self.permits, self.per_client
            );
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let problem = problem::new(status, "Too many long answers", why);
            Failure::Unavailable(Json(problem), problem::RETRY_AFTER)
        })
    }

    /// Kept as long as a request waits for it or holds it.
    fn own(&self, client: String) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.retain(|_, own| own.strong_count() > 0);
        if let Some(own) = of.get(&client).and_then(Weak::upgrade) {
            return own;
        }
        let own = Arc::new(Semaphore::new(self.per_client));
        of.insert(client, Arc::downgrade(&own));
        own
    }
}

/// An answer that may be long. The document has it as `T`, as JSON.
pub struct LongAnswer<T> {
    body: Body,
    of: PhantomData<fn() -> T>,
}

impl<T: Type + ToJSON> LongAnswer<T> {
    #[must_use]
    pub fn short(body: Body) -> Self {
        Self { body, of: PhantomData }
    }

    /// Keeps its permit until it is read, or READ_TIMEOUT is over.
    #[must_use]
    pub fn under(permit: Permit, body: Body) -> Self {
        let until = Instant::now() + READ_TIMEOUT;
        let pieces = (body.into_bytes_stream(), permit);
        let body = stream::unfold(pieces, move |(mut pieces, permit)| async move {
            let piece = timeout_at(until, pieces.next()).await;
            let piece = piece.unwrap_or_else(|_| Some(Err(io::ErrorKind::TimedOut.into())))?;
            Some((piece, (pieces, permit)))
        });
        Self::short(Body::from_bytes_stream(body))
    }

    #[must_use]
    pub fn of(answer: &T, permit: Option<Permit>) -> Self {
        let body = Body::from(answer.to_json_string());
        match permit {
            Some(permit) => Self::under(permit, body),
            None => Self::short(body),
        }
    }
}

impl<T: Type + ToJSON> IntoResponse for LongAnswer<T> {
    fn into_response(self) -> Response {
        Response::builder().content_type(Self::CONTENT_TYPE).body(self.body)
    }
}

impl<T: Type + ToJSON> Payload for LongAnswer<T> {
    const CONTENT_TYPE: &'static str = Json::<T>::CONTENT_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        Json::<T>::schema_ref()
    }

    fn register(registry: &mut Registry) {
        <Json<T> as Payload>::register(registry);
    }
}

impl<T: Type + ToJSON> ApiResponse for LongAnswer<T> {
    fn meta() -> MetaResponses {
        Json::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        <Json<T> as ApiResponse>::register(registry);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_client_does_not_take_every_turn_and_gets_its_own_back() {
        let answers = LongAnswers::default();
        let now =
            |client: &str| answers.permit(client.to_owned()).now_or_never().and_then(Result::ok);
        let own = [(); PERMITS_PER_CLIENT].map(|()| now("key:a").unwrap());
        assert!(now("key:a").is_none(), "one more than a client has");
        let others: Vec<_> =
            (PERMITS_PER_CLIENT..PERMITS).map(|nth| now(&format!("key:{nth}")).unwrap()).collect();
        assert!(now("key:d").is_none(), "one more than there are");
        drop(own);
        let back = now("key:d");
        assert!(back.is_some());
        drop((others, back));
        assert!(now("key:e").is_some());
        assert_eq!(answers.of.lock().unwrap().len(), 1, "nothing is remembered of who left");
    }

    #[tokio::test]
    async fn a_turn_that_does_not_come_is_said_so() {
        let none = Arc::new(Semaphore::new(0));
        let answers = LongAnswers { timeout: Duration::ZERO, all: none, ..LongAnswers::default() };
        let refused = answers.permit("a".to_owned()).await.err().unwrap();
        let Failure::Unavailable(problem, _) = refused else { unreachable!("{refused:?}") };
        assert!(problem.detail.contains("try again"), "{problem:?}");
    }
}
