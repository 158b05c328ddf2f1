use super::*;
use llm_types::Json;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[test]
fn requests_are_those_of_responses() {
    for (asked, wanted) in [
        (r#"{"model":"m","input":"Hi","tags":["a"]}"#, r#"{"model":"m","tags":["a"],"input":"Hi"}"#),
        (
            r#"{"input":[{"type":"text","text":"a"},{"type":"image","data":"aGk=","mime_type":"image/png"}]}"#,
            r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"data:image/png;base64,aGk="}]}]}"#,
        ),
        (
            r#"{"input":[{"type":"user_input","content":"a"},{"role":"model","content":[{"type":"text","text":"b"},{"type":"thought"},{"type":"function_call","id":"c","name":"f","arguments":{"x":1}}]},{"type":"function_result","call_id":"c","result":{"y":2}}]}"#,
            r#"{"input":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"output_text","text":"b"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{\"x\":1}"},{"type":"function_call_output","call_id":"c","output":"{\"y\":2}"}]}"#,
        ),
        (
            r#"{"input":"a","system_instruction":{"parts":[{"text":"b"},{"text":"c"}]},"previous_interaction_id":"i","response_format":{"type":"object"},"generation_config":{"temperature":0.5,"top_k":3,"max_output_tokens":9,"thinking_level":"low","thinking_summaries":"auto","tool_choice":"any"},"tools":[{"type":"google_search"},{"function_declarations":[{"name":"f"}]},{"type":"function","name":"g"}]}"#,
            r#"{"input":"a","instructions":"b\nc","previous_response_id":"i","text":{"format":{"type":"json_schema","name":"response","schema":{"type":"object"}}},"tools":[{"type":"web_search"},{"type":"function","name":"f"},{"type":"function","name":"g"}],"temperature":0.5,"max_output_tokens":9,"reasoning":{"effort":"low","summary":"auto"},"tool_choice":"required"}"#,
        ),
    ] {
        assert_eq!(request(&json(asked)).unwrap().to_string(), wanted, "{asked}");
    }
    for wrong in [r#"{"input":5}"#, r#"{"input":{"type":"image"}}"#, r#"{"input":{"type":"video","uri":"u"}}"#] {
        let error = request(&json(wrong)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("input"), "{wrong}");
    }
}

const RESPONSE: &str = r#"{"id":"resp_1","created_at":1700000000,"status":"completed","previous_response_id":"resp_0","output":[
    {"type":"reasoning","summary":[{"type":"summary_text","text":"Hm"}]},
    {"type":"message","content":[{"type":"output_text","text":"Hello"}]},
    {"type":"function_call","call_id":"c","name":"f","arguments":"{\"x\":1}"},{"type":"web_search_call"}],
    "usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":0}}}"#;

#[test]
fn responses_are_interactions() {
    let thought = r#"{"type":"thought","summary":[{"type":"text","text":"Hm"}]}"#;
    let call = r#"{"type":"function_call","id":"c","name":"f","arguments":{"x":1}}"#;
    let hello = r#"{"type":"text","text":"Hello"}"#;
    let wanted = format!(
        r#"{{"id":"resp_1","object":"interaction","model":"m","agent":null,"status":"requires_action","created":"2023-11-14T22:13:20","updated":"2023-11-14T22:13:20","outputs":[{thought},{hello},{call}],"steps":[{thought},{{"type":"model_output","content":[{hello}]}},{call}],"usage":{{"total_input_tokens":10,"total_output_tokens":5,"total_cached_tokens":4}},"previous_interaction_id":"resp_0"}}"#
    );
    assert_eq!(answer(&json(RESPONSE), "m").to_string(), wanted);
    for (told, wanted) in [("queued", "in_progress"), ("incomplete", "incomplete"), ("failed", "failed")] {
        let response = Json::object([("status", told)]);
        assert_eq!(answer(&response, "m").text("status"), Some(wanted));
    }
}

fn streamed(events: &[&str]) -> Vec<Json> {
    let text: String = events.iter().map(|data| format!("event: x\ndata: {data}\n\n")).collect();
    let out = Stream::new("m").events(text.as_bytes());
    let out = String::from_utf8(out.to_vec()).unwrap();
    let lines = out.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|data| serde_json::from_str(data).unwrap_or_else(|_| Json::from(data))).collect()
}

#[test]
fn streams_tell_steps() {
    let response = RESPONSE.replace('\n', "");
    let end = format!(r#"{{"type":"response.completed","response":{response}}}"#);
    let told = streamed(&[
        r#"{"type":"response.created","response":{"id":"resp_1"}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"delta":"Hm"}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","summary":[{"text":"Hm"}]}}"#,
        r#"{"type":"response.output_text.delta","output_index":1,"delta":"Hel"}"#,
        r#"{"type":"response.output_text.delta","output_index":1,"delta":"lo"}"#,
        r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"message","content":[{"text":"Hello"}]}}"#,
        r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}}"#,
        &end,
        r#"{"type":"response.output_text.delta","delta":"late"}"#,
    ]);
    let kinds: Vec<&str> = told.iter().map(|event| event.text("event_type").or(event.as_str()).unwrap()).collect();
    let wanted = "interaction.created step.start step.delta step.stop step.start step.delta step.delta step.stop step.start step.stop interaction.completed [DONE]";
    assert_eq!(kinds.join(" "), wanted);
    assert_eq!(told[8].get("step").unwrap().text("name"), Some("f"));
    assert_eq!(told[8].get("index").unwrap().to_string(), "2");
    assert_eq!(told[10].text("status"), Some("requires_action"));
}

#[test]
fn broken_streams_say_so() {
    let told = streamed(&[
        r#"{"type":"response.output_text.delta","delta":"Hel"}"#,
        r#"{"type":"error","code":"server_error","message":"boom"}"#,
    ]);
    let last = told.last().unwrap();
    assert_eq!(last.text("event_type"), Some("error"));
    assert_eq!(last.get("error").unwrap().to_string(), r#"{"code":"server_error","message":"boom"}"#);
    assert_eq!(told[told.len() - 2].text("event_type"), Some("step.stop"));
}
