use bytes::BytesMut;
use llm_types::{Format, Json, OperationKind, RawJson};

use super::anthropic::{MessageBatches, create};
use super::{BatchCodec, Line, failure, hints, lines, success};

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
