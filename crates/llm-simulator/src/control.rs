//! Control over HTTP, for tests in other languages.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::reply::{Payload, Reply};
use crate::rules::Match;
use crate::script::Script;
use crate::server::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(default, rename = "match")]
    matcher: Match,
    script: Script,
}

pub(crate) fn answer(state: &State, method: &Method, path: &str, body: &[u8]) -> Reply {
    let (status, value) = match (method.as_str(), path) {
        ("GET", "/__sim/requests") => (200, requests(state)),
        ("POST", "/__sim/reset") => {
            state.reset();
            (200, json!({ "ok": true }))
        }
        ("POST", "/__sim/script") => match serde_json::from_slice::<Rule>(body) {
            Ok(rule) => {
                state.rules.lock().add(rule.matcher, rule.script);
                (200, json!({ "ok": true }))
            }
            Err(e) => (400, json!({ "error": e.to_string() })),
        },
        _ => (404, json!({ "error": "known: GET /__sim/requests, POST /__sim/script, POST /__sim/reset" })),
    };
    let headers = vec![("content-type", "application/json".to_owned())];
    Reply { status, headers, payload: Payload::Whole(value.to_string().into()) }
}

fn requests(state: &State) -> Value {
    let all = state.log.all().into_iter().map(|request| {
        let headers: serde_json::Map<String, Value> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned().into()))
            .collect();
        json!({
            "index": request.index, "method": request.method, "path": request.path, "query": request.query,
            "http2": request.http2, "headers": headers, "body": String::from_utf8_lossy(&request.body),
            "ended": format!("{:?}", request.ended).to_lowercase(),
        })
    });
    all.collect()
}
