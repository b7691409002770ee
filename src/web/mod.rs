//! The HTTP shell: the platforms' callbacks, health, metrics, and the demonstration's page.

mod limits;
mod metrics;
mod ready;
mod request;
mod wording;

pub use limits::Gate;
pub use ready::{Ready, Reason};
pub use request::Ids;

use crate::{
    bot::{self, App, Bot, Given, Overflow},
    channels::{Answer, Channel, Heard, MAX_BODY, Request},
    clock::Clock,
    db::Db,
    message::{Content, Reply, Update},
    metrics::{Hooked, Metrics},
    outbox::Wake,
};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, RawQuery, State, rejection::BytesRejection},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use limits::Verdict;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::Instrument;

/// A platform that takes its answer in the response waits five seconds; ours leaves before. Nothing is acknowledged that is not
/// committed by then: the platform delivers again, and gets the stored answer if the turn was committed after all.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// What the handlers share.
pub struct Web<A> {
    /// Takes what was heard.
    pub bot: Arc<Bot<A>>,
    /// The channels by their ids.
    pub channels: Arc<HashMap<String, Channel>>,
    /// The database, for what is counted in it.
    pub db: Db,
    /// The time by which callbacks are old.
    pub clock: Clock,
    /// Hears which replies were handed over.
    pub wake: Wake,
    /// Hears of new files.
    pub media: crate::media::Wake,
    /// Counts.
    pub metrics: Metrics,
    /// How often somebody may write.
    pub gate: Gate,
    /// Gives requests their ids.
    pub requests: Ids,
    /// Knows whether messages can be taken.
    pub ready: Arc<Ready>,
}

/// The addresses for everybody, with the demonstration's `page`, and those for whoever watches the figures.
pub fn routers<A: App>(web: Web<A>, page: Option<Router>) -> (Router, Router) {
    let web = Arc::new(web);
    let router = Router::new()
        .route("/hook/{channel}", get(hook::<A>).post(hook::<A>))
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready::<A>))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(web.clone());
    let metrics = Router::new().route("/metrics", get(metrics_text::<A>)).with_state(web);
    (router.merge(page.unwrap_or_default()), metrics)
}

/// A callback of a platform, under an id that the answer and all lines of the log about it carry.
async fn hook<A: App>(
    State(web): State<Arc<Web<A>>>,
    Path(id): Path<String>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let request = web.requests.of(&headers);
    let span = tracing::error_span!("hook", request);
    let mut response = heard(&web, &id, method, query, headers, body, &request).instrument(span).await;
    if let Ok(request) = request.parse() {
        response.headers_mut().insert(request::HEADER, request);
    }
    response
}

/// Verified and parsed, then a turn, then the answer.
async fn heard<A: App>(
    web: &Web<A>,
    id: &str,
    method: Method,
    query: Option<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
    request_id: &str,
) -> Response {
    let begun = Instant::now();
    let body = match body {
        Ok(body) => body,
        // Too large, or broken off: refused like everything else, with an empty body.
        Err(rejection) => return rejection.status().into_response(),
    };
    let Some(channel) = web.channels.get(id) else { return StatusCode::NOT_FOUND.into_response() };
    let request = Request {
        post: method == Method::POST,
        query: query.as_deref().unwrap_or_default(),
        headers: &headers,
        body: &body,
        now: web.clock.now(),
    };
    let hooked = |how| web.metrics.hooked(id, how, begun.elapsed());
    let mut update = match channel.hear(&request) {
        Ok(Heard::Answer(answer)) => {
            hooked(Hooked::Answered);
            return respond(answer);
        }
        Ok(Heard::Update(update)) => *update,
        Err(refusal) => {
            hooked(Hooked::Refused);
            tracing::info!(channel = id, reason = refusal.reason(), "a callback of {id} was refused: {}", refusal.reason());
            return refusal.status().into_response();
        }
    };
    request_id.clone_into(&mut update.request);
    if matches!(update.content, Content::Silent(_)) {
        hooked(Hooked::Answered);
        return respond(channel.answer(&update, None, web.clock.now()));
    }
    if let Some(response) = over_rate(web, channel, &mut update) {
        return response;
    }
    let update = Arc::new(update);
    match turn(web, &update).await {
        Ok(given) => {
            if carries_media(&update) {
                web.media.wake();
            }
            let reply = given.held.as_ref().map(|(_, reply)| reply);
            let response = respond(channel.answer(&update, reply, web.clock.now()));
            if let Some((row, _)) = given.held {
                web.wake.settle(row);
                web.metrics.answered(id);
            }
            hooked(Hooked::Answered);
            response
        }
        Err(Overflow::NoRoom | Overflow::NoDatabase) => {
            hooked(Hooked::Overflow);
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// What a message that is over the rates is answered. `None`: it becomes a turn, be it only to say that it was too much.
fn over_rate<A: App>(web: &Web<A>, channel: &Channel, update: &mut Update) -> Option<Response> {
    if matches!(channel, Channel::Simulator(_)) {
        return None;
    }
    let (sentence, tell) = match web.gate.count(&update.from) {
        Verdict::Taken => return None,
        Verdict::TooFast { tell } => (bot::wording::too_fast(), Some(tell)),
        Verdict::TooMany => (bot::wording::too_many(), None),
    };
    web.metrics.rate_limited(&update.from.channel);
    let now = web.clock.now();
    match tell {
        _ if channel.ability().answers => Some(respond(channel.answer(update, Some(&Reply::text(sentence)), now))),
        // A sentence that does not fit into the response costs a turn: one a minute, or saying it would be as much work as hearing.
        Some(true) => {
            update.content = Content::TooFast;
            None
        }
        Some(false) => Some(respond(channel.answer(update, None, now))),
        None => Some(StatusCode::SERVICE_UNAVAILABLE.into_response()),
    }
}

fn carries_media(update: &Update) -> bool {
    matches!(&update.content, Content::Said(said) if !said.media.is_empty())
}

/// Waits for the turn, which a platform that hangs up does not stop. What is committed too late for this response stays held for the
/// next delivery; if none comes, the courier sends it.
async fn turn<A: App>(web: &Web<A>, update: &Arc<Update>) -> Result<Given, Overflow> {
    let taken = tokio::time::timeout(ANSWER_WITHIN, web.bot.take(update.clone())).await;
    taken.unwrap_or(Err(Overflow::NoDatabase))
}

fn respond(answer: Answer) -> Response {
    ([(header::CONTENT_TYPE, answer.kind)], answer.body).into_response()
}

/// 200 when messages can be taken and answered, else 503 with the reasons. It asks nothing of the database: it answers at once, above
/// all when the database does not.
async fn ready<A: App>(State(web): State<Arc<Web<A>>>) -> Response {
    let queue = web.bot.is_full().then_some(Reason::QueueFull);
    let database = web.db.trouble().map(Reason::Database);
    let (ready, body) = web.ready.told([queue, database].into_iter().flatten());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(body)).into_response()
}

async fn metrics_text<A: App>(State(web): State<Arc<Web<A>>>) -> Response {
    let text = metrics::text(&web.metrics, &web.db, web.bot.queued(), web.clock.now()).await;
    ([(header::CONTENT_TYPE, metrics::KIND)], text).into_response()
}
