//! What the figures are compared with: an axum server that verifies, decrypts and sends the words back sealed. It keeps nothing.

use crate::envelope::{Envelope, element, sign, wrap};
use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

struct Shared {
    envelope: Envelope,
    count: AtomicU64,
}

/// Serves until the process is ended; prints its address first.
pub fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        let shared = Arc::new(Shared { envelope: Envelope::new(), count: AtomicU64::new(0) });
        let router = Router::new().route("/hook/mp", post(answer)).with_state(shared);
        axum::serve(listener, router).await.unwrap();
    });
}

async fn answer(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    match echo(&shared, query.as_deref().unwrap_or_default(), &body) {
        Some(body) => ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], body).into_response(),
        None => StatusCode::FORBIDDEN.into_response(),
    }
}

fn echo(shared: &Shared, query: &str, body: &[u8]) -> Option<String> {
    let value = |name| query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name)).map(|pair| pair.1);
    let (time, nonce) = (value("timestamp")?, value("nonce")?);
    let sealed = element(std::str::from_utf8(body).ok()?, "Encrypt")?;
    if sign(time, nonce, Some(sealed)) != value("msg_signature")? {
        return None;
    }
    let clear = shared.envelope.open(sealed)?;
    let (from, to, words) = (element(&clear, "FromUserName")?, element(&clear, "ToUserName")?, element(&clear, "Content")?);
    let reply = format!(
        "<xml><ToUserName><![CDATA[{from}]]></ToUserName><FromUserName><![CDATA[{to}]]></FromUserName><CreateTime>{time}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content></xml>"
    );
    let count = u128::from(shared.count.fetch_add(1, Ordering::Relaxed));
    Some(wrap(&shared.envelope, &reply, time, nonce, (count * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_le_bytes()))
}
