//! `GET /openapi.json`: the route tables as an OpenAPI document.

use http::Response;
use llm_types::Json;

use crate::answer::LITELLM_VERSION;
use crate::body::Reply;
use crate::models::answer;
use crate::routes;

/// The document. Bodies are described where they are served: by the documentation of each format.
#[must_use]
pub fn document() -> Response<Reply> {
    let mut paths: Vec<(String, Vec<(String, Json)>)> = Vec::new();
    let data = routes::all().map(|(method, path)| (method.as_str().to_ascii_lowercase(), path));
    let management = llm_management::rows().map(|row| (row.method.to_ascii_lowercase(), row.path));
    for (method, path) in data.chain(management) {
        let operation = operation(&method, path);
        match paths.iter_mut().find(|(known, _)| known == path) {
            Some((_, methods)) if methods.iter().any(|(m, _)| *m == method) => {}
            Some((_, methods)) => methods.push((method, operation)),
            None => paths.push((path.to_owned(), vec![(method, operation)])),
        }
    }
    let paths = paths.into_iter().map(|(path, methods)| (path, Json::Object(methods))).collect();
    let bearer = Json::object([("type", "http"), ("scheme", "bearer")]);
    answer(&Json::object([
        ("openapi", Json::from("3.1.0")),
        ("info", Json::object([("title", "llm-proxy"), ("version", LITELLM_VERSION)])),
        ("paths", Json::Object(paths)),
        ("components", Json::object([("securitySchemes", Json::object([("key", bearer)]))])),
    ]))
}

fn operation(method: &str, path: &str) -> Json {
    let id: String =
        format!("{method}{path}").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let named = path.split('{').skip(1).filter_map(|piece| piece.split('}').next());
    let parameters = named.map(|name| {
        Json::object([
            ("name", Json::from(name)),
            ("in", Json::from("path")),
            ("required", Json::from(true)),
            ("schema", Json::object([("type", "string")])),
        ])
    });
    let parameters: Vec<Json> = parameters.collect();
    let mut fields = vec![
        ("operationId".to_owned(), Json::from(id)),
        ("parameters".to_owned(), Json::Array(parameters)),
        ("responses".to_owned(), Json::object([("200", Json::object([("description", "the answer")]))])),
        ("security".to_owned(), Json::Array(vec![Json::object([("key", Json::Array(Vec::new()))])])),
    ];
    if matches!(method, "post" | "put" | "patch") {
        let any = Json::object([("schema", Json::object([("type", "object")]))]);
        let body = Json::object([("content", Json::object([("application/json", any)]))]);
        fields.insert(2, ("requestBody".to_owned(), body));
    }
    Json::Object(fields)
}
