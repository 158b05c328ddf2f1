//! Documents on their way into stores: what is asked, given what came before.

use bytes::Bytes;
use llm_types::{Error, Json, Kind, Secret};
use llm_wire::ReplyView;

use super::{Came, Document, Step};
use crate::{Endpoint, Params, by_id, resource::Resource};

/// What an ingestion asked, and how it ended.
struct Run {
    asked: Vec<String>,
    ended: Result<(String, Option<String>), Error>,
}

/// An answer: status, headers, body.
type Reply = (u16, &'static [(&'static str, &'static str)], &'static str);

struct Case {
    provider: &'static str,
    store: Option<&'static str>,
    options: &'static str,
    chunking: &'static str,
    text: &'static [u8],
}

const CASE: Case = Case { provider: "gemini", store: None, options: "{}", chunking: "{}", text: b"some text" };

fn run(case: &Case, replies: &[Reply]) -> Run {
    let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    let fields = [("aws_region_name", "eu-west-1"), ("vertex_project", "p"), ("vertex_location", "us-east1")];
    let params = Params::without_env(fields.map(|(name, value)| (name, Json::from(value))));
    let key = Secret::new("k3y");
    let resource = Resource { path: "", query: "", model: "", api_base: None, api_key: Some(&key), params: &params };
    let (options, chunking, data) = (json(case.options), json(case.chunking), Bytes::from_static(case.text));
    let document = Document {
        store: case.store,
        name: "new",
        filename: "../a b.txt",
        content_type: "text/plain",
        data: &data,
        options: &options,
        chunking: &chunking,
        embedding: &Json::Null,
        unique: "u1",
    };
    let house = by_id(case.provider).unwrap().stores("").unwrap();
    let mut asked = Vec::new();
    let mut ended = Err(Error::internal("it did not end"));
    let mut replies = replies.iter();
    match house.ingest(document, resource) {
        Err(error) => ended = Err(error),
        Ok(mut ingestion) => {
            let mut came = Came::Nothing;
            for _ in 0..20 {
                let mut out = Endpoint::default();
                let step = match ingestion.next(came, &mut out) {
                    Ok(step) => step,
                    Err(error) => {
                        ended = Err(error);
                        break;
                    }
                };
                came = match step {
                    Step::Done { store, file } => {
                        ended = Ok((store, file));
                        break;
                    }
                    Step::Vectors(embedder, texts) => {
                        asked.push(format!("vectors by {} of {texts:?}", embedder.model));
                        Came::Vectors(texts.iter().map(|_| json("[0.5,1]")).collect())
                    }
                    Step::Ask(body) | Step::Later(_, body) => {
                        asked.push(format!("{} {} {}", out.method, out.url, String::from_utf8_lossy(&body)));
                        match replies.next() {
                            Some((200, headers, body)) => {
                                Came::Said(ReplyView { status: 200, provider: "", headers, body: body.as_bytes() })
                            }
                            Some((status, ..)) => Came::Refused(Error::new(Kind::Api, "no").with_status(*status)),
                            None => break,
                        }
                    }
                };
            }
        }
    }
    Run { asked, ended }
}

fn has(asked: &str, parts: &[&str]) {
    for part in parts {
        assert!(asked.contains(part), "no {part} in {asked}");
    }
}

#[test]
fn a_file_search_store_is_made_and_filled() {
    const PLACE: &[(&str, &str)] = &[("x-goog-upload-url", "https://generativelanguage.googleapis.com/upload/x?id=1")];
    let replies: &[Reply] = &[
        (200, &[], r#"{"name":"fileSearchStores/new-1"}"#),
        (200, PLACE, ""),
        (
            200,
            &[],
            r#"{"name":"fileSearchStores/new-1/upload/operations/o","response":{"documentName":"fileSearchStores/new-1/documents/d"}}"#,
        ),
    ];
    let case = Case { chunking: r#"{"chunk_size":400,"chunk_overlap":80}"#, ..CASE };
    let done = run(&case, replies);
    let [make, announce, send] = <[String; 3]>::try_from(done.asked).unwrap();
    let host = "https://generativelanguage.googleapis.com";
    assert_eq!(make, format!("POST {host}/v1beta/fileSearchStores {{\"displayName\":\"new\"}}"));
    let chunking = r#""chunkingConfig":{"whiteSpaceConfig":{"maxTokensPerChunk":100,"maxOverlapTokens":20}}"#;
    has(&announce, &["/upload/v1beta/fileSearchStores/new-1:uploadToFileSearchStore", "\"a b.txt\"", chunking]);
    assert_eq!(send, format!("PUT {host}/upload/x?id=1 some text"));
    let (store, file) = done.ended.unwrap();
    assert_eq!(
        (store.as_str(), file.as_deref()),
        ("fileSearchStores/new-1", Some("fileSearchStores/new-1/documents/d"))
    );

    // The document does not go to another host, and ids are no paths.
    let elsewhere: &[(&str, &str)] = &[("x-goog-upload-url", "https://generativelanguage.googleapis.com.evil.test/x")];
    let known = Case { store: Some("fileSearchStores/s"), ..CASE };
    assert!(run(&known, &[(200, elsewhere, "")]).ended.unwrap_err().message.contains("another host"));
    let path = Case { store: Some("fileSearchStores/../models"), ..CASE };
    assert_eq!(run(&path, &[]).ended.unwrap_err().status(), 400);
}

#[test]
fn a_corpus_is_waited_for() {
    let case = Case { provider: "vertex_ai", chunking: r#"{"chunk_size":512}"#, ..CASE };
    let corpus = "projects/p/locations/us-east1/ragCorpora/7";
    let replies: &[Reply] = &[
        (200, &[], r#"{"name":"projects/p/locations/us-east1/operations/9"}"#),
        (200, &[], r#"{"name":"projects/p/locations/us-east1/operations/9"}"#),
        (200, &[], r#"{"done":true,"response":{"name":"projects/p/locations/us-east1/ragCorpora/7"}}"#),
        (200, &[], r#"{"ragFile":{"name":"projects/p/locations/us-east1/ragCorpora/7/ragFiles/3"}}"#),
    ];
    let done = run(&case, replies);
    let [make, look, again, upload] = <[String; 4]>::try_from(done.asked).unwrap();
    let host = "https://us-east1-aiplatform.googleapis.com";
    has(&make, &[&format!("POST {host}/v1beta1/projects/p/locations/us-east1/ragCorpora ")]);
    assert_eq!(
        (&look, look.trim_end()),
        (&again, &*format!("GET {host}/v1beta1/projects/p/locations/us-east1/operations/9"))
    );
    has(
        &upload,
        &[
            &format!("POST {host}/upload/v1beta1/{corpus}/ragFiles:upload --llm-u1\r\n"),
            r#"{"chunk_size":512}"#,
            "\r\n\r\nsome text\r\n--llm-u1--",
        ],
    );
    let (store, file) = done.ended.unwrap();
    assert_eq!((store.as_str(), file), (corpus, Some(format!("{corpus}/ragFiles/3"))));

    let known = Case { store: Some("7"), ..case };
    has(&run(&known, &[]).asked[0], &[corpus]);
    let failed = run(&Case { store: None, ..known }, &[(200, &[], r#"{"error":{"message":"quota"}}"#)]);
    has(&failed.ended.unwrap_err().message, &["quota"]);
    let path = Case { provider: "vertex_ai", store: Some("../../x"), ..CASE };
    assert_eq!(run(&path, &[]).ended.unwrap_err().status(), 400);
}

#[test]
fn pieces_become_vectors_of_an_index() {
    let case = Case {
        provider: "s3_vectors",
        options: r#"{"vector_bucket_name":"mine"}"#,
        chunking: r#"{"chunk_size":6,"chunk_overlap":0}"#,
        text: b"one\n\ntwo three",
        ..CASE
    };
    let done = run(&case, &[(404, &[], ""), (200, &[], "{}"), (409, &[], ""), (200, &[], "{}")]);
    let [vectors, look, bucket, index, put] = <[String; 5]>::try_from(done.asked).unwrap();
    assert_eq!(vectors, r#"vectors by text-embedding-3-small of ["one", "two", "three"]"#);
    let host = "POST https://s3vectors.eu-west-1.api.aws";
    assert_eq!(look, format!("{host}/GetVectorBucket {{\"vectorBucketName\":\"mine\"}}"));
    has(&bucket, &["/CreateVectorBucket"]);
    has(&index, &["/CreateIndex", r#""indexName":"llm-index-u1""#, r#""dimension":2"#, r#""distanceMetric":"cosine""#]);
    has(&put, &["/PutVectors", r#""key":"a b.txt_2","data":{"float32":[0.5,1]}"#, r#""source_text":"three""#]);
    assert_eq!(done.ended.unwrap(), ("mine:llm-index-u1".to_owned(), Some("a b.txt".to_owned())));

    // An index that is named is there.
    let known = Case { store: Some("b:i"), ..case };
    let done = run(&known, &[(200, &[], "{}")]);
    has(&done.asked[1], &["/PutVectors", r#""vectorBucketName":"b","indexName":"i""#]);
    assert_eq!(done.ended.unwrap().0, "b:i");
    // What is no text is refused before anything is asked.
    let picture = run(&Case { text: b"\xff\xd8", ..known }, &[]);
    assert_eq!((picture.asked.len(), picture.ended.unwrap_err().status()), (0, 400));
}

#[test]
fn a_knowledge_base_is_told_to_look_into_its_bucket() {
    let case = Case { provider: "bedrock", store: Some("KB1"), ..CASE };
    let replies: &[Reply] = &[
        (200, &[], r#"{"dataSourceSummaries":[{"dataSourceId":"DS1"}]}"#),
        (
            200,
            &[],
            r#"{"dataSource":{"dataSourceConfiguration":{"s3Configuration":{"bucketArn":"arn:aws:s3:::docs","inclusionPrefixes":["in/"]}}}}"#,
        ),
        (200, &[], ""),
        (200, &[], r#"{"ingestionJob":{"ingestionJobId":"J1","status":"STARTING"}}"#),
        (200, &[], r#"{"ingestionJob":{"ingestionJobId":"J1","status":"COMPLETE"}}"#),
    ];
    let done = run(&case, replies);
    let [list, describe, lay, start] = <[String; 4]>::try_from(done.asked).unwrap();
    let host = "https://bedrock-agent.eu-west-1.amazonaws.com/knowledgebases/KB1/datasources/";
    assert_eq!((list, describe), (format!("POST {host} {{}}"), format!("GET {host}DS1 ")));
    assert_eq!(lay, "PUT https://docs.s3.eu-west-1.amazonaws.com/in/a%20b.txt some text");
    assert_eq!(start, format!("PUT {host}DS1/ingestionjobs/ {{}}"));
    assert_eq!(done.ended.unwrap(), ("KB1".to_owned(), Some("in/a b.txt".to_owned())));

    let waits = Case { options: r#"{"wait_for_ingestion":true}"#, ..case };
    assert_eq!(run(&waits, replies).asked[4], format!("GET {host}DS1/ingestionjobs/J1 "));
    let none = run(&Case { store: None, ..waits }, &[]);
    assert_eq!(none.ended.unwrap_err().status(), 400);
    let other =
        r#"{"dataSource":{"dataSourceConfiguration":{"s3Configuration":{"bucketArn":"arn:aws:s3:::evil.test/"}}}}"#;
    let told = run(&Case { options: r#"{"data_source_id":"DS1"}"#, ..case }, &[(200, &[], other)]);
    assert_eq!((told.asked.len(), told.ended.is_err()), (1, true), "a bucket is no host");
    let refused = run(&case, &[(403, &[], "")]);
    assert_eq!(refused.ended.unwrap_err().status(), 403);
}
