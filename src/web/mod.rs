//! The HTTP shell: the platforms' callbacks, health, metrics, and the demonstration's page.

mod metrics;

pub use metrics::Metrics;

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
use tokio::sync::oneshot;

/// A platform that takes its answer in the response waits five seconds; ours leaves before.
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
    ) -> Self {
        Web { bot, channels, db, clock, wake, media, metrics: Metrics::default() }
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
        Ok(Some(given)) => {
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
        // Nothing is acknowledged before it is committed. What comes again gets the stored answer.
        Ok(None) | Err(Overflow::NoRoom | Overflow::NoDatabase) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn carries_media(update: &Update) -> bool {
    matches!(&update.content, Content::Said(said) if !said.media.is_empty())
}

/// Runs the turn in a task of its own, so that a platform that hangs up does not stop it half-way. `None`: not in time.
async fn turn<A: App>(web: &Arc<Web<A>>, update: Update) -> Result<Option<Given>, Overflow> {
    let (done, given) = oneshot::channel();
    let shared = web.clone();
    tokio::spawn(async move {
        let result = shared.bot.take(update).await;
        let held = result.as_ref().ok().and_then(|given| given.held.as_ref().map(|(row, _)| *row));
        if done.send(result).is_err()
            && let Some(row) = held
        {
            shared.wake.settle(row, false);
        }
    });
    match tokio::time::timeout(ANSWER_WITHIN, given).await {
        Ok(Ok(result)) => result.map(Some),
        Ok(Err(_)) => Err(Overflow::NoRoom),
        Err(_) => Ok(None),
    }
}

fn respond(answer: Answer) -> Response {
    ([(header::CONTENT_TYPE, answer.kind)], answer.body).into_response()
}

/// 200 when database and channels are usable, else 503 with the reason.
async fn ready<A: App>(State(web): State<Arc<Web<A>>>) -> Response {
    match web.db.ping().await {
        Ok(()) => (StatusCode::OK, axum::Json(serde_json::json!({ "ready": true }))).into_response(),
        Err(error) => {
            let body = serde_json::json!({ "ready": false, "reasons": [format!("database: {error}")] });
            (StatusCode::SERVICE_UNAVAILABLE, axum::Json(body)).into_response()
        }
    }
}

async fn metrics_text<A: App>(State(web): State<Arc<Web<A>>>) -> Response {
    match web.metrics.text(&web.db, web.bot.queued()).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
