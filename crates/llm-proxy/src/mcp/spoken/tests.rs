use super::*;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn talk(format: Format, body: &str) -> Talk {
    let shelf = Shelf::empty();
    Talk::new(format, &Top::parse(body.as_bytes()).unwrap(), &[json(r#"{"type":"x"}"#)], &shelf).unwrap()
}

#[test]
fn answers_become_turns() {
    let body = r#"{"model":"m","input":"hi","tools":[],"tool_choice":"required","stream":true}"#;
    let mut talk = talk(Format::OpenAiResponses, body);
    let answer = json(
        r#"{"output":[{"type":"reasoning","id":"r"},{"type":"function_call","call_id":"c","name":"n","arguments":"{}"}]}"#,
    );
    let [call] = <[Wished; 1]>::try_from(talk.wished(&answer)).unwrap();
    assert_eq!((call.id.as_str(), call.name.as_str(), call.arguments.as_str()), ("c", "n", "{}"));
    talk.said(&answer);
    talk.called(call, &Tool::named("n"), &RawJson::parse(r#"{"content":[{"type":"text","text":"7"}]}"#).unwrap());
    let next = talk.body(&Top::parse(body.as_bytes()).unwrap(), false);
    let expected = r#"{"model":"m","input":[{"role":"user","content":"hi"},{"type":"reasoning","id":"r"},{"type":"function_call","call_id":"c","name":"n","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"7"}],"tools":[{"type":"x"}],"tool_choice":"auto"}"#;
    assert_eq!(std::str::from_utf8(&next).unwrap(), expected);
    let mut last = json(r#"{"output":[{"type":"message"}]}"#);
    talk.tell(&mut last, &Shelf::empty());
    let items = last.get("output").and_then(Json::as_array).unwrap();
    assert_eq!(items.len(), 2);
    let again = [
        r#"{"type":"function_call","call_id":"c","name":"n","arguments":"{}"}"#,
        r#"{"type":"function_call_output","call_id":"c","output":"7"}"#,
    ];
    assert_eq!(earlier(&items[0].to_string()), again);
    assert!(earlier(r#"{"type":"mcp_list_tools","id":"mcpl_l","server_label":"l"}"#).is_empty());
    let foreign = r#"{"type":"mcp_call","id":"x","server_label":"l"}"#;
    assert_eq!(earlier(foreign), [foreign]);
}

#[test]
fn results_of_messages_are_one_turn() {
    let body = r#"{"messages":[{"role":"user","content":"hi"}],"tool_choice":{"type":"tool","name":"n","disable_parallel_tool_use":true}}"#;
    let top = Top::parse(body.as_bytes()).unwrap();
    let mut talk = talk(Format::AnthropicMessages, body);
    assert!(std::str::from_utf8(&talk.body(&top, false)).unwrap().contains(r#"{"type":"tool","name":"n""#));
    let answer = json(
        r#"{"content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"tool_use","id":"a","name":"n","input":{"x":1.50}},{"type":"tool_use","id":"b","name":"n","input":{}}],"stop_reason":"tool_use"}"#,
    );
    let wished = talk.wished(&answer);
    assert_eq!(wished.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    talk.said(&answer);
    for (call, failed) in wished.into_iter().zip(["false", "true"]) {
        let result = format!(r#"{{"content":[{{"type":"text","text":"7"}}],"isError":{failed}}}"#);
        talk.called(call, &Tool::named("n"), &RawJson::parse(result).unwrap());
    }
    let next: Json = serde_json::from_slice(&talk.body(&top, false)).unwrap();
    let turns = next.get("messages").and_then(Json::as_array).unwrap();
    assert_eq!(turns[1].get("content"), answer.get("content"));
    assert_eq!(
        turns[2].to_string(),
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"7"},{"type":"tool_result","tool_use_id":"b","content":"7","is_error":true}]}"#
    );
    assert_eq!(next.get("tool_choice").unwrap().to_string(), r#"{"type":"auto","disable_parallel_tool_use":true}"#);
    talk.said(&json(r#"{"content":[{"type":"text","text":"done"}]}"#));
    assert_eq!((talk.turns.len(), talk.results.len()), (4, 0));
}

#[test]
fn chat_keeps_what_the_next_turn_needs() {
    let mut talk = talk(Format::OpenAiChat, r#"{"messages":[{"role":"user","content":1.50}]}"#);
    talk.said(&json(r#"{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[],"audio":1}}]}"#));
    assert_eq!(talk.turns, [r#"{"role":"user","content":1.50}"#, r#"{"role":"assistant","tool_calls":[]}"#]);
}

#[test]
fn results_are_told_as_text() {
    let told = |raw: &str| output(&RawJson::parse(raw).unwrap());
    let parts = r#"{"content":[{"type":"text","text":"a"},{"type":"image","mimeType":"image/png","data":"AA"},{"type":"resource","resource":{"uri":"u","text":"b"}}]}"#;
    assert_eq!(told(parts), ("a\n[image image/png]\nb".to_owned(), false));
    assert_eq!(told(r#"{"content":[],"structuredContent":{"x":1}}"#), (r#"{"x":1}"#.to_owned(), false));
    assert_eq!(told(r#"{"content":[{"type":"text","text":"no"}],"isError":true}"#), ("no".to_owned(), true));
}
