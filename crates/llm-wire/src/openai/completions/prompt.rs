//! Prompts and conversations.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{GenerateRequest, Part, PartKind, Role, Turn};
use llm_types::json::raw_str;
use llm_types::{Error, Extra, Format, RawJson, Result};

use crate::codec::EncodeContext;
use crate::openai::chat;
use crate::openai::object::Arr;
use crate::top::{Top, write_str};

/// Reads a request: the prompt becomes the conversation, the rest is read as chat's.
pub(super) fn decode(body: &[u8]) -> Result<GenerateRequest> {
    let top = Top::parse(body)?;
    let prompt = top.get("prompt").filter(|p| *p != "null");
    let prompt =
        prompt.ok_or_else(|| Error::bad_request("Missing required parameter: 'prompt'.").with_param("prompt"))?;
    let turn = turn(prompt)?;
    let rest = top.edited(&[("prompt", None), ("messages", Some("[]"))]);
    let mut req = chat::decode_request(&rest)?;
    req.turns = vec![turn];
    Ok(req)
}

fn turn(prompt: &str) -> Result<Turn> {
    let flat = raw_str(prompt);
    let texts = || serde_json::from_str::<Vec<String>>(prompt).ok();
    let tokens =
        || serde_json::from_str::<Vec<u32>>(prompt).is_ok() || serde_json::from_str::<Vec<Vec<u32>>>(prompt).is_ok();
    let (parts, flat) = if let Some(text) = flat {
        (vec![Part::text(text)], true)
    } else if let Some(texts) = texts() {
        (texts.into_iter().map(Part::text).collect(), false)
    } else if tokens() {
        let json = RawJson::parse(prompt).unwrap_or_default();
        (vec![Part::new(PartKind::Opaque { format: Format::OpenAiCompletions, json })], false)
    } else {
        let text = "Invalid value for 'prompt': expected a string, a list of strings or lists of tokens";
        return Err(Error::bad_request(text).with_param("prompt"));
    };
    Ok(Turn { role: Role::User, parts, flat, name: None, extra: Extra::new(Format::OpenAiCompletions) })
}

/// Writes the prompt: as it came where it came as one, else the texts of the turns with spaces between them.
pub(super) fn encode(turns: &[Turn], ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    if let [turn] = turns
        && turn.extra.format() == Some(Format::OpenAiCompletions)
    {
        match turn.parts.as_slice() {
            [Part { kind: PartKind::Opaque { json, .. }, .. }] => return out.put_slice(json.get().as_bytes()),
            parts if !turn.flat => {
                let mut list = Arr::open(out);
                return parts.iter().filter_map(Part::as_text).for_each(|t| list.str(t));
            }
            _ => {}
        }
    }
    let mut prompt = String::new();
    for (at, turn) in turns.iter().enumerate() {
        if at > 0 {
            prompt.push(' ');
        }
        for part in &turn.parts {
            match &part.kind {
                PartKind::Text { text, .. } => prompt.push_str(text),
                PartKind::ToolResult(result) => {
                    result.parts.iter().filter_map(Part::as_text).for_each(|t| prompt.push_str(t))
                }
                _ => ctx.lost.push("messages.block without text".to_owned()),
            }
        }
    }
    write_str(&prompt, out);
}
