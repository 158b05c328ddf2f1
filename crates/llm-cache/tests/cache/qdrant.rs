//! Qdrant's REST API, as its documentation describes it, played by a server in this process: it refuses what it does not know.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use llm_cache::conformance;
use llm_cache::semantic::{QdrantIndex, QdrantSettings};
use llm_http::{HttpClient, HttpConfig};
use parking_lot::Mutex;
use serde_json::{Value, json};

#[derive(Default)]
struct Qdrant {
    size: Option<u64>,
    quantization: Value,
    indexed: Vec<String>,
    points: BTreeMap<String, (Vec<f64>, Value)>,
}

impl Qdrant {
    fn answer(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let done = (200, json!({"result": {"status": "completed"}, "status": "ok"}));
        let Some(below) = path.strip_prefix("/collections/llm") else { return (404, Value::Null) };
        let below = below.split('?').next().unwrap();
        if (method, below) == ("PUT", "") {
            assert_eq!(body["vectors"]["distance"], "Cosine");
            self.size = body["vectors"]["size"].as_u64();
            self.quantization = body["quantization_config"].clone();
            return done;
        }
        let Some(size) = self.size else { return (404, json!({"status": {"error": "Collection doesn't exist"}})) };
        match (method, below) {
            ("GET", "") => return done,
            ("PUT", "/index") => self.indexed.push(body["field_name"].as_str().unwrap().to_owned()),
            ("PUT", "/points") => {
                for point in body["points"].as_array().unwrap() {
                    let id = point["id"].as_str().unwrap();
                    let shape: Vec<usize> = id.split('-').map(str::len).collect();
                    assert_eq!(shape, [8, 4, 4, 4, 12], "an id is a UUID: {id}");
                    let vector = numbers(&point["vector"]);
                    assert_eq!(vector.len() as u64, size);
                    self.points.insert(id.to_owned(), (vector, point["payload"].clone()));
                }
            }
            ("POST", "/points/query") => {
                let asked = numbers(&body["query"]);
                let here = self.points.iter().filter(|(_, (_, payload))| passes(&body["filter"], payload));
                let mut found: Vec<Value> = here
                    .map(|(id, (vector, payload))| {
                        let score: f64 = vector.iter().zip(&asked).map(|(a, b)| a * b).sum();
                        json!({"id": id, "score": score, "payload": {"response": payload["response"]}})
                    })
                    .collect();
                found.sort_by(|a, b| b["score"].as_f64().unwrap().total_cmp(&a["score"].as_f64().unwrap()));
                found.truncate(usize::try_from(body["limit"].as_u64().unwrap()).unwrap());
                return (200, json!({"result": {"points": found}, "status": "ok", "time": 0.001}));
            }
            ("POST", "/points/delete") => match body["points"].as_array() {
                Some(ids) => self.points.retain(|id, _| !ids.iter().any(|gone| gone == id)),
                None => self.points.retain(|_, (_, payload)| !passes(&body["filter"], payload)),
            },
            ("GET", point) => {
                let here = point.strip_prefix("/points/").is_some_and(|id| self.points.contains_key(id));
                return if here { done } else { (404, json!({"status": {"error": "Not found"}})) };
            }
            other => return (400, json!({"status": {"error": format!("{other:?}")}})),
        }
        done
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn passes(filter: &Value, payload: &Value) -> bool {
    let list = |name: &str| filter[name].as_array().cloned().unwrap_or_default();
    list("must").iter().all(|c| holds(c, payload)) && !list("must_not").iter().any(|c| holds(c, payload))
}

fn holds(condition: &Value, payload: &Value) -> bool {
    if let Some(key) = condition["is_empty"]["key"].as_str() {
        return payload[key].is_null();
    }
    let value = &payload[condition["key"].as_str().unwrap()];
    let range = &condition["range"];
    match (range["gt"].as_f64(), range["lte"].as_f64()) {
        (Some(bound), _) => value.as_f64().unwrap() > bound,
        (_, Some(bound)) => value.as_f64().unwrap() <= bound,
        _ => value == &condition["match"]["value"],
    }
}

/// Starts the server; its address comes back.
async fn start(qdrant: Arc<Mutex<Qdrant>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let qdrant = qdrant.clone();
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let qdrant = qdrant.clone();
                async move {
                    assert_eq!(request.headers()["api-key"], "secret");
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                    let path = parts.uri.path_and_query().unwrap().as_str();
                    let (status, answer) = qdrant.lock().answer(parts.method.as_str(), path, &body);
                    let answer = Full::new(Bytes::from(answer.to_string()));
                    Ok::<_, Infallible>(Response::builder().status(status).body(answer).unwrap())
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    base
}

#[tokio::test]
async fn qdrant_conforms() {
    let qdrant = Arc::new(Mutex::new(Qdrant::default()));
    let settings = QdrantSettings {
        base: start(qdrant.clone()).await,
        key: Some(llm_types::Secret::new("secret")),
        collection: "llm".to_owned(),
        quantization: serde_json::from_str(r#"{"binary":{"always_ram":true}}"#).unwrap(),
        size: None,
    };
    let http = Arc::new(HttpClient::new(HttpConfig::default()));
    conformance::run_semantic(&QdrantIndex::new(settings, http)).await;
    let qdrant = qdrant.lock();
    assert_eq!((qdrant.size, &qdrant.quantization), (Some(4), &json!({"binary": {"always_ram": true}})));
    assert_eq!(qdrant.indexed, ["bucket", "expires"]);
}
