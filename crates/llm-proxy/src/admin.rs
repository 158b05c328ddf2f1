//! Small routes: metrics, the route list.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response};
use llm_types::Json;

use crate::app::App;
use crate::body::Reply;
use crate::errors::whole;
use crate::models::answer;
use crate::routes::{self, Route};

/// `GET /metrics`.
pub async fn metrics(app: &Arc<App>) -> Response<Reply> {
    let text = app.metrics_text().await;
    let mut headers = HeaderMap::new();
    let kind = HeaderValue::from_static(llm_callbacks::prometheus::CONTENT_TYPE);
    headers.insert(CONTENT_TYPE, kind);
    whole(200, Bytes::from(text), headers)
}

/// `GET /test`.
#[must_use]
pub fn test(route: &Route<'_>) -> Response<Reply> {
    answer(&Json::object([("route", route.name)]))
}

/// `GET /routes`.
#[must_use]
pub fn routes() -> Response<Reply> {
    let management = llm_management::rows().map(|row| (row.method(), row.path));
    let open = llm_management::open_rows().filter_map(|row| Some((row.method.parse().ok()?, row.path)));
    let list = routes::all()
        .chain(management)
        .chain(open)
        .map(|(method, path)| {
            let methods = Json::Array(vec![Json::from(method.as_str())]);
            Json::object([("path", Json::from(path)), ("methods", methods)])
        })
        .collect();
    answer(&Json::object([("routes", Json::Array(list))]))
}
