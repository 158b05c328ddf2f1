//! Client and provider speak different languages.

use llm_simulator::{Match, Running, Script, ToolCall};
use llm_types::Format;
use serde_json::{Value, json};

use crate::support::{answer, ask, call, deployment, engine, hear, sim};

fn towards(sim: &Running, client: Format) -> llm_client::Engine {
    engine(vec![deployment(
        "a",
        "smart",
        &match client {
            Format::OpenAiChat => json!({ "model": "anthropic/claude-sonnet-4-5", "api_base": sim.base_url() }),
            _ => json!({ "model": "openai_like/gpt-4o", "api_base": format!("{}/v1", sim.base_url()) }),
        },
    )])
}

const BOTH: [Format; 2] = [Format::OpenAiChat, Format::AnthropicMessages];

fn tool(name: &str, args: &str) -> ToolCall {
    ToolCall { name: name.into(), args: Some(args.into()) }
}

#[tokio::test]
async fn text_comes_across_whole_and_streamed() {
    let sim = sim().await;
    for format in BOTH {
        let engine = towards(&sim, format);
        let mut plain = ask(format, "Grüße \"alle\"", false);
        plain.want_content = true;
        let whole = answer(&engine, &plain).await.unwrap();
        let said = match format {
            Format::OpenAiChat => whole.json()["choices"][0]["message"]["content"].clone(),
            _ => whole.json()["content"][0]["text"].clone(),
        };
        assert_eq!(said, "You said: Grüße \"alle\"");
        assert_eq!(whole.report.content.as_ref().unwrap().text(), "You said: Grüße \"alle\"");
        let mut streamed = ask(format, "Grüße \"alle\"", true);
        streamed.want_content = true;
        let stream = answer(&engine, &streamed).await.unwrap();
        let heard = hear(format, &stream.text());
        assert_eq!((heard.text.as_str(), heard.ends, heard.unreadable), ("You said: Grüße \"alle\"", 1, 0));
        assert_eq!(heard.finish.as_deref(), Some(if format == Format::OpenAiChat { "stop" } else { "end_turn" }));
        assert_eq!(stream.report.content.as_ref().unwrap().text(), heard.text);
        assert_eq!(stream.report.usage, whole.report.usage, "{format}");
        assert!(whole.report.usage.total_input() > 0 && whole.report.usage.total_output() > 0);
        assert!(whole.report.cost.total >= 0.0 && whole.report.response_id.is_some());
    }
}

#[tokio::test]
async fn the_usage_event_comes_only_when_asked_for() {
    let sim = sim().await;
    let engine = towards(&sim, Format::OpenAiChat);
    let mut call = ask(Format::OpenAiChat, "hi", true);
    assert_eq!(hear(Format::OpenAiChat, &answer(&engine, &call).await.unwrap().text()).usage, None);
    call.include_usage = true;
    let got = answer(&engine, &call).await.unwrap();
    let usage = hear(Format::OpenAiChat, &got.text()).usage.unwrap();
    assert_eq!(usage["total_tokens"].as_u64(), Some(got.report.usage.total_tokens()));
}

#[tokio::test]
async fn tool_calls_come_across() {
    let args = r#"{"city": "Zürich", "days": [1, 2]}"#;
    for format in BOTH {
        let sim = sim().await;
        let engine = towards(&sim, format);
        let script = Script { tools: vec![tool("weather", args), tool("clock", "{}")], ..Script::text("Let me look.") };
        sim.script(Match::any(), script);
        let whole = answer(&engine, &ask(format, "hi", false)).await.unwrap().json();
        let read = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
        let (text, names, given) = if format == Format::OpenAiChat {
            let message = &whole["choices"][0]["message"];
            assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
            let calls = &message["tool_calls"];
            assert!(calls[0]["id"].as_str().unwrap().starts_with("toolu_"));
            let names = [&calls[0]["function"]["name"], &calls[1]["function"]["name"]];
            (&message["content"], names, read(&calls[0]["function"]["arguments"]))
        } else {
            assert_eq!(whole["stop_reason"], "tool_use");
            let content = &whole["content"];
            (&content[0]["text"], [&content[1]["name"], &content[2]["name"]], content[1]["input"].clone())
        };
        assert_eq!((text, names), (&json!("Let me look."), [&json!("weather"), &json!("clock")]));
        assert_eq!(given, serde_json::from_str::<Value>(args).unwrap());

        let heard = hear(format, &answer(&engine, &ask(format, "hi", true)).await.unwrap().text());
        assert_eq!((heard.text.as_str(), heard.ends), ("Let me look.", 1));
        assert_eq!(heard.finish.as_deref(), Some(if format == Format::OpenAiChat { "tool_calls" } else { "tool_use" }));
        assert_eq!(heard.tools[0], ("weather".to_owned(), args.to_owned()), "argument text keeps its bytes");
        assert_eq!(heard.tools[1].0, "clock");
    }
}

#[tokio::test]
async fn thoughts_come_across() {
    for format in BOTH {
        let sim = sim().await;
        let engine = towards(&sim, format);
        sim.script(Match::any(), Script { reasoning: Some("First this, then that.".into()), ..Script::text("Done.") });
        let whole = answer(&engine, &ask(format, "hi", false)).await.unwrap().json();
        let heard = hear(format, &answer(&engine, &ask(format, "hi", true)).await.unwrap().text());
        assert_eq!((heard.thinking.as_str(), heard.text.as_str()), ("First this, then that.", "Done."));
        if format == Format::OpenAiChat {
            let message = &whole["choices"][0]["message"];
            assert_eq!(message["reasoning_content"], "First this, then that.");
            assert_eq!(message["content"], "Done.");
            assert!(!message["thinking_blocks"][0]["signature"].as_str().unwrap().is_empty());
        } else {
            let content = &whole["content"];
            assert_eq!(
                (&content[0]["type"], &content[0]["thinking"]),
                (&json!("thinking"), &json!("First this, then that."))
            );
            assert_eq!(content[1]["text"], "Done.");
        }
    }
}

#[tokio::test]
async fn a_conversation_with_tools_is_understood_by_the_other_side() {
    let sim = sim().await;
    let parameters = json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
    let chat = json!({ "model": "smart", "temperature": 0.5, "stop": ["END"], "max_tokens": 99, "messages": [
        { "role": "system", "content": "Be brief." },
        { "role": "user", "content": "Weather?" },
        { "role": "assistant", "content": null, "tool_calls": [{ "id": "call_1", "type": "function",
            "function": { "name": "weather", "arguments": "{\"city\": \"Bern\"}" } }] },
        { "role": "tool", "tool_call_id": "call_1", "content": "4 degrees" } ],
        "tools": [{ "type": "function", "function": { "name": "weather", "description": "d", "parameters": parameters } }],
        "tool_choice": "auto" });
    let got = answer(&towards(&sim, BOTH[0]), &call(BOTH[0], chat.to_string().as_bytes())).await.unwrap();
    assert_eq!(got.json()["choices"][0]["message"]["content"], "The tool said: 4 degrees");
    let sent = sim.requests().remove(0);
    assert_eq!((sent.path.as_str(), sent.header("anthropic-version")), ("/v1/messages", Some("2023-06-01")));
    let body = sent.json();
    assert_eq!((&body["model"], &body["max_tokens"]), (&json!("claude-sonnet-4-5"), &json!(99)));
    assert_eq!((&body["temperature"], &body["stop_sequences"]), (&json!(0.5), &json!(["END"])));
    assert_eq!(body["tools"][0]["input_schema"]["properties"], parameters["properties"]);

    sim.reset();
    let messages = json!({ "model": "smart", "max_tokens": 99, "system": "Be brief.", "stop_sequences": ["END"],
        "messages": [
            { "role": "user", "content": "Weather?" },
            { "role": "assistant", "content": [{ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": { "city": "Bern" } }] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "toolu_1", "content": "4 degrees" }] } ],
        "tools": [{ "name": "weather", "description": "d", "input_schema": parameters }] });
    let got = answer(&towards(&sim, BOTH[1]), &call(BOTH[1], messages.to_string().as_bytes())).await.unwrap();
    assert_eq!(got.json()["content"][0]["text"], "The tool said: 4 degrees");
    let body = sim.requests().remove(0).json();
    assert_eq!(body["messages"][0], json!({ "role": "system", "content": "Be brief." }));
    assert_eq!(body["messages"][2]["tool_calls"][0]["function"]["name"], "weather");
    assert_eq!((&body["model"], &body["stop"]), (&json!("gpt-4o"), &json!(["END"])));
}
