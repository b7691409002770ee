//! The HTTP shell: the platforms' callbacks, health, metrics, and the demonstration's page.

mod metrics;
mod ready;
mod wording;

pub use metrics::Metrics;
pub use ready::{Ready, Reason};

use crate::{
    bot::{App, Bot, Given, Overflow},
    channels::{Answer, Channel, Heard, MAX_BODY, Request},
    clock::Clock,
    db::Db,
    message::{Content, Update},
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
use std::{collections::HashMap, sync::Arc, time::Duration};

/// A platform that takes its answer in the response waits five seconds; ours leaves before. Nothing is acknowledged that is not
/// committed by then: the platform delivers again, and gets the stored answer if the turn was committed after all.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// What the handlers share.
pub struct Web<A> {
    bot: Arc<Bot<A>>,
    channels: Arc<HashMap<String, Channel>>,
    db: Db,
    clock: Clock,
    wake: Wake,
    media: crate::media::Wake,
    metrics: Metrics,
    ready: Arc<Ready>,
}

impl<A: App> Web<A> {
    /// The shell around a bot and its channels.
    pub fn new(
        bot: Arc<Bot<A>>,
        channels: Arc<HashMap<String, Channel>>,
        db: Db,
        clock: Clock,
        wake: Wake,
        media: crate::media::Wake,
        ready: Arc<Ready>,
    ) -> Self {
        Web { bot, channels, db, clock, wake, media, metrics: Metrics::default(), ready }
    }
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

/// A callback of a platform: verified and parsed, then a turn, then the answer.
async fn hook<A: App>(
    State(web): State<Arc<Web<A>>>,
    Path(id): Path<String>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        // Too large, or broken off: refused like everything else, with an empty body.
        Err(rejection) => return rejection.status().into_response(),
    };
    let Some(channel) = web.channels.get(&id) else { return StatusCode::NOT_FOUND.into_response() };
    let request = Request {
        post: method == Method::POST,
        query: query.as_deref().unwrap_or_default(),
        headers: &headers,
        body: &body,
        now: web.clock.now(),
    };
    let update = match channel.hear(&request) {
        Ok(Heard::Answer(answer)) => return respond(answer),
        Ok(Heard::Update(update)) => *update,
        Err(refusal) => {
            web.metrics.refused();
            tracing::info!(channel = %id, reason = refusal.reason(), "a callback of {id} was refused: {}", refusal.reason());
            return refusal.status().into_response();
        }
    };
    web.metrics.heard();
    if matches!(update.content, Content::Silent(_)) {
        return respond(channel.answer(&update, None, web.clock.now()));
    }
    match turn(&web, update.clone()).await {
        Ok(given) => {
            if carries_media(&update) {
                web.media.wake();
            }
            let reply = given.held.as_ref().map(|(_, reply)| reply);
            let response = respond(channel.answer(&update, reply, web.clock.now()));
            if let Some((row, _)) = given.held {
                web.wake.settle(row, true);
            }
            response
        }
        Err(Overflow::NoRoom | Overflow::NoDatabase) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn carries_media(update: &Update) -> bool {
    matches!(&update.content, Content::Said(said) if !said.media.is_empty())
}

/// Runs the turn in a task of its own, so that a platform that hangs up does not stop it half-way. What is committed too late for
/// this response stays held for the next delivery; if none comes, the courier sends it.
async fn turn<A: App>(web: &Arc<Web<A>>, update: Update) -> Result<Given, Overflow> {
    let shared = web.clone();
    let taken = tokio::spawn(async move { shared.bot.take(update).await });
    match tokio::time::timeout(ANSWER_WITHIN, taken).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) | Err(_) => Err(Overflow::NoDatabase),
    }
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
    match web.metrics.text(&web.db, web.bot.queued()).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
