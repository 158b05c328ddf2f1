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
    for (method, path) in data.chain(management()) {
        // A segment that may hold slashes is written like any other.
        let path = path.replace("{*", "{");
        let operation = operation(&method, &path);
        match paths.iter_mut().find(|(known, _)| *known == path) {
            Some((_, methods)) if methods.iter().any(|(m, _)| *m == method) => {}
            Some((_, methods)) => methods.push((method, operation)),
            None => paths.push((path, vec![(method, operation)])),
        }
    }
    paths.sort_by(|a, b| a.0.cmp(&b.0));
    name_apart(&mut paths);
    let paths = paths.into_iter().map(|(path, methods)| (path, Json::Object(methods))).collect();
    let bearer = Json::object([("type", "http"), ("scheme", "bearer")]);
    answer(&Json::object([
        ("openapi", Json::from("3.1.0")),
        ("info", Json::object([("title", "llm-proxy"), ("version", LITELLM_VERSION)])),
        ("paths", Json::Object(paths)),
        ("components", Json::object([("securitySchemes", Json::object([("key", bearer)]))])),
    ]))
}

/// The management routes, those without a key included.
fn management() -> impl Iterator<Item = (String, &'static str)> {
    let rows = llm_management::rows().map(|row| (row.method.to_ascii_lowercase(), row.path));
    rows.chain(llm_management::open_rows().map(|row| (row.method.to_ascii_lowercase(), row.path)))
}

/// Paths that differ in signs only would have the same id: the later ones get a number.
fn name_apart(paths: &mut [(String, Vec<(String, Json)>)]) {
    let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for (_, operation) in paths.iter_mut().flat_map(|(_, methods)| methods) {
        let id = operation.text("operationId").unwrap_or_default().to_owned();
        let count = seen.entry(id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            operation.set("operationId", format!("{id}_{count}"));
        }
    }
}

/// What a path is about: its first segment that is no version.
fn tag(path: &str) -> &str {
    let versions = ["v1", "v2", "v1beta", "management", "public", "utils"];
    let mut segments = path.split('/').filter(|segment| !segment.is_empty() && !segment.starts_with('{'));
    let first = segments.clone().find(|segment| !versions.contains(segment));
    first.or_else(|| segments.next()).unwrap_or("gateway").split([':', '{']).next().unwrap_or("gateway")
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
        ("tags".to_owned(), Json::Array(vec![Json::from(tag(path))])),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_route_is_missing() {
        let Reply::Whole(bytes) = document().into_body() else { panic!("not whole") };
        let tree: Json = serde_json::from_slice(&bytes).unwrap();
        let data = routes::all().map(|(method, path)| (method.as_str().to_ascii_lowercase(), path));
        let mut ids = std::collections::HashSet::new();
        for (method, path) in data.chain(management()) {
            let path = path.replace("{*", "{");
            let operation = tree.get("paths").unwrap().get(&path).and_then(|p| p.get(&method));
            let operation = operation.unwrap_or_else(|| panic!("{method} {path} is missing"));
            let named = path.matches('{').count();
            assert_eq!(operation.get("parameters").unwrap().as_array().unwrap().len(), named, "{path}");
            ids.insert(operation.get("operationId").unwrap().to_string());
        }
        let count =
            |json: &Json| json.as_object().unwrap().iter().map(|(_, p)| p.as_object().unwrap().len()).sum::<usize>();
        assert_eq!(ids.len(), count(tree.get("paths").unwrap()), "ids of operations are unique");
        assert_eq!((tag("/v1/chat/completions"), tag("/key/{key}/regenerate"), tag("/")), ("chat", "key", "gateway"));
    }
}
