//! What houses and clients say beside conversations: batches, vector stores, files in buckets, key sets and tokens of
//! identity providers, messages and servers of MCP, paths that are passed on.

use bytes::{BufMut as _, Bytes, BytesMut};
use llm_idp::{Jws, KeySet};
use llm_mcp::{Message, ServerSpec, rpc};
use llm_providers::resource::Resource;
use llm_providers::stores::{Came, Document, Search, Step};
use llm_providers::{Endpoint, Params, Provider, passthrough};
use llm_types::{Json, RawJson};
use llm_wire::ReplyView;
use llm_wire::batches::{self, Line};

use crate::{choose, is_json, view};

/// What the first byte chooses between.
type Reader = fn(u8, &[u8]);
const ALL: [Reader; 8] = [lines, jobs, stores, search, idp, mcp, paths, ingest];

/// A document or a text of a stranger: the first byte says what it is taken for, the second for whose.
pub fn run(data: &[u8]) {
    let [kind, whose, _, body @ ..] = data else { return };
    let Some(read) = choose(&ALL, *kind) else { return };
    read(*whose, body);
}

/// A client's file of requests: whatever a line is, one that can be read can be told as answered.
fn lines(_: u8, body: &[u8]) {
    for (number, text) in batches::lines(body) {
        let Ok(line) = Line::read(number, text) else { continue };
        let mut out = BytesMut::new();
        batches::success(&line.custom_id, "id", line.body.as_bytes(), &mut out);
        is_json(out.trim_ascii_end());
        for house in houses() {
            let mut out = BytesMut::new();
            house.codec().request(&line, line.body, &mut out);
            is_json(out.trim_ascii());
        }
    }
}

fn houses() -> impl Iterator<Item = &'static dyn llm_providers::batches::BatchHouse> {
    llm_providers::all().filter_map(Provider::batches)
}

/// Jobs, pages of jobs, results and facts of files.
fn jobs(_: u8, body: &[u8]) {
    let _ = llm_wire::gemini::cached::listed(body);
    if let Ok(text) = std::str::from_utf8(body) {
        let _ = (batches::moment::seconds(text), batches::moment::of_header(text));
        let _ = batches::hints(text);
    }
    for house in houses() {
        let codec = house.codec();
        if let Ok(page) = codec.list(body) {
            is_json(page.to_string().as_bytes());
        }
        let _ = (codec.batch(body), codec.decode_error(&view(400, body)));
        if let Ok(outcome) = codec.outcome(body)
            && let Err(failed) = outcome.answer
        {
            let mut out = BytesMut::new();
            batches::failure(&outcome.custom_id, &failed, &mut out);
            is_json(out.trim_ascii_end());
        }
        if let Some(files) = house.files() {
            is_json(files.facts("gs://b/o", &view(200, body)).to_string().as_bytes());
        }
    }
}

/// What vector stores found.
fn stores(_: u8, body: &[u8]) {
    let tree: Option<Json> = serde_json::from_slice(body).ok();
    for store in llm_providers::all().flat_map(|p| ["", "search_api"].map(|model| p.stores(model))).flatten() {
        let _ = store.decode_error(&view(400, body));
        for found in tree.iter().flat_map(|tree| store.found(tree, &Params::default())) {
            is_json(found.json().to_string().as_bytes());
        }
    }
}

/// A client's search, filters included. What goes out is JSON.
fn search(_: u8, body: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Json>(body) else { return };
    let fields = ["aws_region_name", "vertex_project", "vertex_location", "api_base", "vector_bucket_name"];
    let params = Params::without_env(fields.map(|name| (name, Json::from("https://a.test"))));
    let key = llm_types::Secret::new("key".to_owned());
    let vector = Json::Array(vec![Json::from(1.0)]);
    let query = body.get("query").and_then(Json::as_str).unwrap_or("q");
    let search = Search {
        store: body.get("store").and_then(Json::as_str).unwrap_or("bucket:index"),
        query,
        vector: Some(&vector),
        limit: body.get("max_num_results").and_then(Json::as_i64),
        body: &body,
    };
    let base = Some("https://a.test");
    let resource = Resource { path: "", query: "", model: "m", api_base: base, api_key: Some(&key), params: &params };
    for store in llm_providers::all().flat_map(|p| ["", "search_api"].map(|model| p.stores(model))).flatten() {
        let mut out = Endpoint::default();
        if let Ok(body) = store.search(&search, &resource, &mut out) {
            is_json(&body);
            // An id of a store chooses a path, never a host.
            let host = out.url.split('/').nth(2).and_then(|host| host.split(':').next()).unwrap_or_default();
            assert!(host.ends_with("a.test") || !host.contains("a.test"), "{}", out.url);
        }
    }
}

/// A document on its way into a store: whatever the house answers, each time the same, it ends or asks on, and never another
/// host than the house's.
fn ingest(named: u8, body: &[u8]) {
    let (text, reply) = body.split_at(body.len() / 4);
    let text = Bytes::copy_from_slice(text);
    let fields = ["aws_region_name", "vertex_project", "vertex_location", "vector_bucket_name"];
    let params = Params::without_env(fields.map(|name| (name, Json::from("eu-1"))));
    let key = llm_types::Secret::new("key".to_owned());
    let tree: Json = serde_json::from_slice(reply).unwrap_or_default();
    let store = tree.get("name").and_then(Json::as_str).filter(|_| named > 127);
    for house in llm_providers::all().flat_map(|p| ["", "search_api"].map(|model| p.stores(model))).flatten() {
        let base = Some("https://a.test");
        let resource =
            Resource { path: "", query: "", model: "m", api_base: base, api_key: Some(&key), params: &params };
        let document = Document {
            store,
            name: "n",
            filename: "f",
            content_type: "text/plain",
            data: &text,
            options: &tree,
            chunking: &tree,
            embedding: &tree,
            unique: "u",
        };
        let Ok(mut ingestion) = house.ingest(document, resource) else { continue };
        let headers = [("x-goog-upload-url", tree.get("place").and_then(Json::as_str).unwrap_or_default())];
        let mut came = Came::Nothing;
        for _ in 0..40 {
            let mut out = Endpoint::default();
            came = match ingestion.next(came, &mut out) {
                Ok(Step::Ask(_) | Step::Later(..)) => {
                    let host = out.url.split('/').nth(2).unwrap_or_default();
                    let ours = host == "a.test" || host.ends_with(".amazonaws.com");
                    assert!(ours, "{}", out.url);
                    Came::Said(ReplyView { status: 200, provider: "fuzz", headers: &headers, body: reply })
                }
                Ok(Step::Vectors(_, texts)) => {
                    Came::Vectors(texts.iter().map(|_| Json::Array(vec![Json::from(1.0)])).collect())
                }
                Ok(Step::Done { .. }) | Err(_) => break,
            };
        }
    }
}

/// Key sets, tokens, and whether one fits the other.
fn idp(split: u8, body: &[u8]) {
    let (document, token) = body.split_at(usize::from(split).min(body.len()));
    let keys = KeySet::parse(body).or_else(|_| KeySet::parse(document));
    let Ok(token) = std::str::from_utf8(token) else { return };
    let _ = llm_idp::is_jws(token);
    if let Ok(claims) = llm_idp::unverified(token) {
        let _ = (claims.text("a.b"), claims.texts("groups"), claims.scopes(), claims.issuer(), claims.expires());
    }
    if let (Ok(keys), Ok(jws)) = (keys, Jws::parse(token))
        && let Some(key) = keys.find(jws.kid.as_deref(), jws.algorithm)
    {
        assert!(!jws.signed_by(key), "a guess is no signature");
    }
}

/// A message of MCP, from a client or from a server, and the definition of a server.
fn mcp(stored: u8, body: &[u8]) {
    match Message::read(body) {
        Ok(Message::Request(request)) => {
            is_json(&rpc::reply_to(&request));
            is_json(&rpc::answer(request.id.get(), &Ok(request.params)));
        }
        Ok(Message::Answer { id, outcome }) => {
            let told = rpc::answer(&id, &outcome);
            assert!(matches!(Message::read(&told), Ok(Message::Answer { .. })), "an answer stays one");
        }
        Ok(Message::Notification { .. }) | Err(_) => {}
    }
    let spec = std::str::from_utf8(body).ok().and_then(|text| RawJson::parse(text).ok());
    if let Some(spec) = spec.and_then(|raw| raw.read::<ServerSpec>().ok())
        && let Ok(server) = spec.server("s", stored > 127)
    {
        assert!(stored <= 127 || server.wire.name() != "stdio", "a stored server starts a program");
        let _ = (server.prefix(), server.cost("t"), server.shows("t"), server.forbidden("t", ["a"]));
    }
}

/// The path of a request that is passed on: what is found safe has no relative segment, however it is unescaped.
fn paths(_: u8, body: &[u8]) {
    let Ok(text) = std::str::from_utf8(body) else { return };
    let _ = passthrough::model_of(text);
    let _ = passthrough::with_model(text, "m/n");
    if passthrough::safe(text).is_ok() {
        let mut plain = text.to_owned();
        for _ in 0..3 {
            assert!(!plain.split('/').any(|s| s == "." || s == ".."), "{text}");
            let next = passthrough::unescaped(&plain).into_owned();
            if next == plain {
                break;
            }
            plain = next;
        }
    }
}

/// First inputs: one for each reader, of the shapes that it knows.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    const SHAPES: [(&[u8], &str); 21] = [
        (&[0], r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[]}}"#),
        (&[0], r#"{"url":"/v1/embeddings","body":{"model":"m","input":"i"}}"#),
        (
            &[1],
            r#"{"id":"b","processing_status":"ended","request_counts":{"succeeded":1},"created_at":"2025-01-01T00:00:00Z"}"#,
        ),
        (&[1], r#"{"custom_id":"a","result":{"type":"errored","error":{"error":{"type":"x","message":"m"}}}}"#),
        (
            &[1],
            r#"{"name":"projects/p/locations/l/batchPredictionJobs/1","state":"JOB_STATE_FAILED","createTime":"2025-01-01T00:00:00Z","error":{"code":3,"message":"m"},"outputInfo":{"gcsOutputDirectory":"gs://b/o"}}"#,
        ),
        (&[1], r#"{"batchPredictionJobs":[{"name":"1","state":"JOB_STATE_SUCCEEDED"}],"nextPageToken":"t"}"#),
        (
            &[1],
            r#"{"jobArn":"arn:aws:bedrock:r:1:model-invocation-job/x","status":"Completed","submitTime":"2025-01-01T00:00:00Z","outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://b/o/"}}}"#,
        ),
        (&[1], r#"{"recordId":"a","modelInput":{},"error":{"errorCode":400,"errorMessage":"m"}}"#),
        (&[1], "Wed, 21 Oct 2015 07:28:00 GMT"),
        (&[2], r#"{"vectors":[{"key":"k","distance":0.1,"metadata":{"source_text":"t","chunk_index":1}}]}"#),
        (
            &[2],
            r#"{"retrievalResults":[{"content":{"text":"t"},"score":0.5,"location":{"s3Location":{"uri":"s3://b/o"}},"metadata":{"a":1}}]}"#,
        ),
        (&[2], r#"{"contexts":{"contexts":[{"text":"t","sourceUri":"u","score":0.3}]}}"#),
        (
            &[3],
            r#"{"query":"q","max_num_results":3,"filters":{"type":"and","filters":[{"type":"eq","key":"k","value":1}]},"ranking_options":{"score_threshold":0.5}}"#,
        ),
        (
            &[4],
            r#"{"keys":[{"kty":"RSA","kid":"a","alg":"RS256","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}]}"#,
        ),
        (&[4, 0], "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJpc3MiOiJpIiwiZXhwIjoxLCJncm91cHMiOlsiYSJdfQ.AQAB"),
        (&[5], r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"n","arguments":{}}}"#),
        (
            &[5, 255],
            r#"{"url":"https://a.test/mcp","transport":"http","auth_type":"api_key","auth_value":"k","allowed_params":{"t":["a"]},"mcp_info":{"mcp_server_cost_info":{"default_cost_per_query":1}},"timeout":3}"#,
        ),
        (&[6], "v1beta/models/gemini%2Fx:generateContent"),
        (
            &[7],
            r#"some text of a document, and what its house says: {"name":"fileSearchStores/a","place":"https://a.test/u","done":true,"response":{"name":"projects/p/locations/l/ragCorpora/1"}}"#,
        ),
        (
            &[7, 255],
            r#"{"name":"projects/p/locations/l/ragCorpora/1","ragFile":{"name":"x"},"chunk_size":9,"chunk_overlap":2}"#,
        ),
        (
            &[7, 255],
            r#"{"name":"KB","dataSourceSummaries":[{"dataSourceId":"d"}],"dataSource":{"dataSourceConfiguration":{"s3Configuration":{"bucketArn":"arn:aws:s3:::b"}}},"ingestionJob":{"ingestionJobId":"j","status":"STARTING"},"wait_for_ingestion":true}"#,
        ),
    ];
    let one = |(at, (head, text)): (usize, &(&[u8], &str))| {
        let mut seed = BytesMut::from(*head);
        seed.put_bytes(127, 3 - head.len());
        seed.put_slice(text.as_bytes());
        (format!("shape-{at}"), seed.to_vec())
    };
    SHAPES.iter().enumerate().map(one).collect()
}
