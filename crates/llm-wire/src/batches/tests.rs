use bytes::BytesMut;
use llm_types::{Format, Json, OperationKind, RawJson};

use super::anthropic::{MessageBatches, create};
use super::bedrock::InvocationJobs;
use super::vertex::BatchPrediction;
use super::{BatchCodec, Line, failure, hints, lines, success};
use crate::codec::ReplyView;

fn json(text: &[u8]) -> Json {
    serde_json::from_slice(text).unwrap()
}

fn text<'a>(tree: &'a Json, path: &str) -> Option<&'a str> {
    path.split('.').try_fold(tree, |tree, key| tree.get(key)).and_then(Json::as_str)
}

#[test]
fn lines_are_requests() {
    let file = b"\n{\"custom_id\":\"a\\u00e9\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\",\"messages\":[]}}\r\n\n{\"url\":\"/v1/embeddings\",\"body\":{\"input\":\"x\"}}";
    let all: Vec<Line<'_>> = lines(file).map(|(at, text)| Line::read(at, text).unwrap()).collect();
    assert_eq!(
        (all[0].custom_id.as_ref(), all[0].model.as_deref(), all[0].operation),
        ("aé", Some("m"), OperationKind::Generate)
    );
    assert_eq!(all[0].body, r#"{"model":"m","messages":[]}"#);
    assert_eq!(
        (all[1].custom_id.as_ref(), all[1].model.as_deref(), all[1].operation),
        ("CALL0000001", None, OperationKind::Embed)
    );
    for (bad, why) in [
        ("{", "line 1"),
        ("{\"custom_id\":\"1\"}", "no body"),
        ("{\"body\":3}", "no body"),
        ("{\"url\":\"/v1/images/generations\",\"body\":{}}", "only /v1/chat/completions"),
    ] {
        let error = Line::read(0, bad.as_bytes()).unwrap_err();
        assert!(error.message.contains(why), "{bad}: {}", error.message);
    }
}

#[test]
fn outcomes_are_lines() {
    let mut out = BytesMut::new();
    success("a\"b", "msg_1", b"{\"id\":\"msg_1\"}", &mut out);
    let failed = MessageBatches.outcome(br#"{"custom_id":"x","result":{"type":"errored","error":{"type":"error","error":{"type":"overloaded_error","message":"busy"}}}}"#).unwrap();
    failure(&failed.custom_id, &failed.answer.unwrap_err(), &mut out);
    let gone = MessageBatches.outcome(br#"{"custom_id":"y","result":{"type":"expired"}}"#).unwrap();
    failure(&gone.custom_id, &gone.answer.unwrap_err(), &mut out);
    let written: Vec<&[u8]> = lines(&out).map(|(_, line)| line).collect();
    assert_eq!(written[0], br#"{"id":"batch_req_msg_1","custom_id":"a\"b","response":{"status_code":200,"request_id":"msg_1","body":{"id":"msg_1"}},"error":null}"#);
    assert_eq!(written[1], br#"{"id":"batch_req_x","custom_id":"x","response":{"status_code":529,"request_id":null,"body":{"type":"overloaded_error","message":"busy"}},"error":{"code":"overloaded_error","message":"busy"}}"#);
    assert_eq!(written[2], br#"{"id":"batch_req_y","custom_id":"y","response":null,"error":{"code":"expired","message":"The request expired before it was processed."}}"#);
}

#[test]
fn anthropic_requests_and_jobs() {
    let line = Line::read(0, br#"{"custom_id":"1","body":{"model":"claude","messages":[]}}"#).unwrap();
    let mut one = BytesMut::new();
    MessageBatches.request(&line, r#"{"model":"claude"}"#, &mut one);
    let one = RawJson::parse(String::from_utf8(one.to_vec()).unwrap()).unwrap();
    let two = [one.clone(), one];
    assert_eq!(
        create(&two),
        r#"{"requests":[{"custom_id":"1","params":{"model":"claude"}},{"custom_id":"1","params":{"model":"claude"}}]}"#
    );

    let job = br#"{"id":"msgbatch_1","type":"message_batch","processing_status":"ended","request_counts":{"processing":0,"succeeded":2,"errored":1,"canceled":0,"expired":1},"ended_at":"2024-08-20T18:37:24Z","created_at":"2024-08-20T18:30:00Z","expires_at":"2024-08-21T18:30:00Z","cancel_initiated_at":null,"results_url":"https://x"}"#;
    let batch = MessageBatches.batch(job).unwrap().json();
    assert_eq!((text(&batch, "status"), text(&batch, "output_file_id")), (Some("completed"), Some("msgbatch_1")));
    assert_eq!(batch.get("completed_at").and_then(Json::as_i64), Some(1_724_179_044));
    assert_eq!(batch.get("request_counts").unwrap().to_string(), r#"{"total":4,"completed":2,"failed":1}"#);
    let running = MessageBatches.batch(br#"{"id":"b","processing_status":"canceling","created_at":"2024-08-20T18:30:00Z","cancel_initiated_at":"2024-08-20T18:37:24Z"}"#).unwrap();
    assert_eq!(
        (running.status, running.output_file_id, running.times.cancelling),
        ("cancelling", None, Some(1_724_179_044))
    );
    let list = MessageBatches.list(&[b"{\"data\":[", &job[..], b"],\"has_more\":true}"].concat()).unwrap();
    assert_eq!((text(&list, "first_id"), list.get("has_more")), (Some("msgbatch_1"), Some(&Json::Bool(true))));
}

#[test]
fn anthropic_results() {
    let told = MessageBatches.outcome(br#"{"custom_id":"1","result":{"type":"succeeded","message":{"id":"msg_1","type":"message","content":[]}}}"#).unwrap();
    let answered = told.answer.unwrap();
    assert_eq!(
        (answered.format, text(&json(answered.body.get().as_bytes()), "id")),
        (Format::AnthropicMessages, Some("msg_1"))
    );
    for bad in ["{}", r#"{"custom_id":"1","result":{"type":"strange"}}"#, r#"{"result":{"type":"succeeded"}}"#] {
        assert!(MessageBatches.outcome(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(hints(r#"{"content":[{"type":"tool_use","name":"json_tool_call"}]}"#).json_tool);
    assert!(!hints(r#"{"content":[{"type":"text","text":"call json_tool_call"}]}"#).json_tool);
}

#[test]
fn vertex_lines_keep_names_in_labels() {
    let read = |id: &str| {
        let text = format!("{{\"custom_id\":{},\"body\":{{}}}}", Json::from(id));
        let line = Line::read(0, text.as_bytes()).unwrap();
        let mut out = BytesMut::new();
        BatchPrediction.request(&line, r#"{"contents":[],"labels":{"mine":"1"}}"#, &mut out);
        let request = json(&out);
        let back = format!(
            "{{\"request\":{},\"response\":{{\"candidates\":[]}},\"status\":\"\"}}",
            request.get("request").unwrap()
        );
        (request, BatchPrediction.outcome(back.as_bytes()).unwrap())
    };
    for id in ["request-1", "Größe/1", &"x".repeat(200)] {
        let (request, outcome) = read(id);
        assert_eq!(outcome.custom_id, id);
        assert_eq!(outcome.answer.unwrap().format, Format::GeminiGenerate);
        let labels = request.get("request").unwrap().get("labels").unwrap().as_object().unwrap();
        for (key, value) in labels {
            let value = value.as_str().unwrap();
            assert!(
                key.len() <= 63 && value.len() <= 63 && value.is_ascii() && value.to_lowercase() == value,
                "{key}: {value}"
            );
        }
    }
    assert_eq!(text(&read("Größe/1").0, "request.labels.litellm_custom_id"), Some("gr__e_1"));
    let failed = BatchPrediction
        .outcome(br#"{"request":{"labels":{"litellm_custom_id":"a"}},"status":"Bad Request","response":{}}"#)
        .unwrap();
    assert_eq!((failed.custom_id.as_str(), failed.answer.unwrap_err().message.as_str()), ("a", "Bad Request"));
    let line = Line::read(0, br#"{"custom_id":"c","body":{}}"#).unwrap();
    let mut out = BytesMut::new();
    BatchPrediction.request(&line, r#"{"anthropic_version":"v"}"#, &mut out);
    assert_eq!(out, r#"{"custom_id":"c","request":{"anthropic_version":"v"}}"#);
}

#[test]
fn vertex_jobs() {
    let job = br#"{"name":"projects/1/locations/us-central1/batchPredictionJobs/38","model":"publishers/google/models/gemini-2.5-flash","state":"JOB_STATE_SUCCEEDED","createTime":"2024-08-20T18:30:00Z","endTime":"2024-08-20T18:37:24Z","inputConfig":{"gcsSource":{"uris":["gs://b/in"]}},"outputInfo":{"gcsOutputDirectory":"gs://b/out"},"completionStats":{"successfulCount":"2","failedCount":"1"}}"#;
    let batch = BatchPrediction.batch(job).unwrap();
    assert_eq!(
        (batch.id.as_str(), batch.status, batch.model.as_deref()),
        ("38", "completed", Some("gemini-2.5-flash"))
    );
    assert_eq!(
        (batch.input_file_id.as_str(), batch.output_file_id.as_deref()),
        ("gs://b/in", Some("gs://b/out/predictions.jsonl"))
    );
    assert_eq!((batch.times.completed, batch.counts.unwrap().total), (Some(1_724_179_044), 3));
    let failed = BatchPrediction
        .batch(br#"{"name":"j/1","state":"JOB_STATE_FAILED","error":{"code":3,"message":"no"}}"#)
        .unwrap();
    assert_eq!((failed.status, failed.error), ("failed", Some(("3".to_owned(), "no".to_owned()))));
    let list = BatchPrediction.list(br#"{"batchPredictionJobs":[{"name":"j/1"}],"nextPageToken":"t"}"#).unwrap();
    assert_eq!((text(&list, "last_id"), list.get("has_more")), (Some("t"), Some(&Json::Bool(true))));
}

#[test]
fn bedrock_records_and_jobs() {
    let line = Line::read(0, br#"{"custom_id":"c","body":{}}"#).unwrap();
    let mut out = BytesMut::new();
    InvocationJobs.request(&line, r#"{"max_tokens":1}"#, &mut out);
    assert_eq!(out, r#"{"recordId":"c","modelInput":{"max_tokens":1}}"#);
    for (output, format) in [
        (r#"{"type":"message","content":[]}"#, Format::AnthropicMessages),
        (r#"{"output":{"message":{}}}"#, Format::BedrockConverse),
        (r#"{"choices":[]}"#, Format::OpenAiChat),
        (r#"{"embedding":[1]}"#, Format::BedrockEmbed),
        (r#"{"generation":"x"}"#, Format::BedrockText),
    ] {
        let told =
            InvocationJobs.outcome(format!("{{\"recordId\":\"r\",\"modelOutput\":{output}}}").as_bytes()).unwrap();
        assert_eq!(told.answer.unwrap().format, format);
    }
    let failed = InvocationJobs.outcome(br#"{"recordId":"r","error":{"errorCode":400,"errorMessage":"bad"}}"#).unwrap();
    let failed = failed.answer.unwrap_err();
    assert_eq!((failed.status, failed.code.as_str(), failed.message.as_str()), (Some(400), "400", "bad"));
    let begun = InvocationJobs.batch(br#"{"jobArn":"arn:x/1"}"#).unwrap();
    assert_eq!((begun.status, begun.output_file_id), ("validating", None));
    let done = InvocationJobs.batch(br#"{"jobArn":"arn:aws:bedrock:r:1:model-invocation-job/j9","status":"Completed","modelId":"m","submitTime":"2024-08-20T18:30:00Z","endTime":"2024-08-20T18:37:24Z","inputDataConfig":{"s3InputDataConfig":{"s3Uri":"s3://b/in/u.jsonl"}},"outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://b/out/"}}}"#).unwrap();
    assert_eq!(done.output_file_id.as_deref(), Some("s3://b/out/j9/u.jsonl.out"));
    assert_eq!(
        (done.status, done.times.completed, done.model.as_deref()),
        ("completed", Some(1_724_179_044), Some("m"))
    );
    let xml = b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>";
    let error = InvocationJobs.decode_error(&ReplyView { status: 404, provider: "p", headers: &[], body: xml });
    assert!(error.message.contains("NoSuchKey: gone"), "{}", error.message);
}
