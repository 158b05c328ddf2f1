//! Search results fixed by the query.

use serde_json::Value;

use crate::prompt::strings;
use crate::reply::{Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::frames;

/// Results without a wish.
const USUAL: u64 = 5;

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let count = call.body.get("max_results").and_then(Value::as_u64).unwrap_or(USUAL);
    let hosts = strings(call.body.get("include_domains"));
    let host = hosts.first().map_or("example.com", String::as_str);
    let query = &call.prompt.user_text;
    let rows: Vec<String> = (1..=count)
        .map(|number| {
            let text = match &call.script.text {
                Some(text) => text.clone(),
                None => format!("What page {number} says about {query}."),
            };
            let url = format!("https://{host}/page-{number}");
            let score = format!("0.{}", 100_u64.saturating_sub(number));
            let title = quote(&format!("Page {number}"));
            let values = [("url", quote(&url)), ("title", title), ("text", quote(&text)), ("score", score)];
            fill(frames::RESULT, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
        })
        .collect();
    let values = [("query", quote(query)), ("results", rows.join(",")), ("id", quote(&call.request_id))];
    let body = fill(frames::SEARCH, &values.each_ref().map(|(key, value)| (*key, value.as_str())));
    let headers = vec![("content-type", "application/json".to_owned())];
    Reply { status: 200, headers, payload: Payload::Whole(body.into()) }
}
