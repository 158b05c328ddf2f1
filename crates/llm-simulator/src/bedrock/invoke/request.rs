//! Reading the makers' requests leniently, for what shapes the answer.

use serde_json::Value;

use crate::prompt::{Prompt, characters, conversation, strings, text_of};
use crate::route::Operation;
use crate::service::Call;
use crate::{anthropic, bedrock};

use super::families::{Family, Maker, maker};

pub(in crate::bedrock) fn prompt(call: &Call<'_>) -> Prompt {
    let id = call.route.model.clone().unwrap_or_default();
    let mut prompt = match maker(call) {
        // the reply names the model as its maker does
        Maker::Anthropic => Prompt { model: own_name(&id), ..anthropic::prompt(call) },
        Maker::Nova => bedrock::request::prompt(call),
        Maker::Text(family) => Prompt { model: id, ..text(call.body, family) },
        Maker::TitanEmbed => told(call.body, id, "/inputText"),
        Maker::CohereEmbed => told(call.body, id, "/texts/0"),
        Maker::AmazonImages => told(call.body, id, "/textToImageParams/text"),
        Maker::StabilityXl => told(call.body, id, "/text_prompts/0/text"),
        Maker::Stability => told(call.body, id, "/prompt"),
    };
    prompt.stream = call.route.operation == Operation::InvokeStream;
    prompt
}

fn told(body: &Value, model: String, pointer: &str) -> Prompt {
    let mut prompt = Prompt { model, characters: characters(body), ..Prompt::default() };
    prompt.set_user_text(&body.pointer(pointer).map(text_of).unwrap_or_default());
    prompt
}

fn text(body: &Value, family: &Family) -> Prompt {
    let mut prompt = Prompt {
        max_tokens: body.pointer(family.limit).and_then(Value::as_u64),
        stops: strings(body.pointer(family.stops)),
        ..Prompt::default()
    };
    match body.pointer(family.prompt) {
        Some(Value::String(text)) => {
            prompt.characters = text.chars().count();
            prompt.set_user_text(last_turn(text));
        }
        _ => conversation(&mut prompt, body, &["messages", "tools"]),
    }
    prompt
}

/// Marks between the turns of a text, and what stands before the user's in each template. The longest first.
const TURNS: &[&str] =
    &["<|start_header_id|>user<|end_header_id|>", "<|im_start|>user", "<｜User｜>", "[INST]", "User:", "Human:"];
const ENDS: &[&str] = &["<|eot_id|>", "<|im_end|>", "<｜Assistant｜>", "[/INST]", "Bot:", "Assistant:"];

/// What the user said last, out of a text with all turns.
fn last_turn(text: &str) -> &str {
    let start = TURNS.iter().filter_map(|mark| Some(text.rfind(mark)? + mark.len())).max();
    let last = start.and_then(|at| text.get(at..)).unwrap_or(text);
    let end = ENDS.iter().filter_map(|mark| last.find(mark)).min();
    end.and_then(|at| last.get(..at)).unwrap_or(last).trim()
}

/// `us.anthropic.claude-3-5-sonnet-20240620-v1:0` is `claude-3-5-sonnet-20240620` to its maker.
fn own_name(id: &str) -> String {
    let name = id.rsplit_once("anthropic.").map_or(id, |(_, name)| name);
    name.split_once("-v").map_or(name, |(name, _)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_turn_of_templates() {
        assert_eq!(last_turn("<s>[INST] one [/INST] two </s>[INST] three [/INST]"), "three");
        assert_eq!(last_turn("User: one\n\nBot: two\n\nUser: three\n\nBot: "), "three");
        assert_eq!(last_turn("<|start_header_id|>user<|end_header_id|>\n\nhello<|eot_id|>"), "hello");
        assert_eq!(last_turn("plain"), "plain");
    }
}
