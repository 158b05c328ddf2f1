//! The conversation of an interaction: a text, contents of one turn, turns, or steps.

use llm_types::{Error, Json, Result};

/// The input of a response.
pub(super) fn input(said: &Json) -> Result<Json> {
    let items = match said {
        Json::String(_) => return Ok(said.clone()),
        Json::Array(items) => items.as_slice(),
        Json::Object(_) => std::slice::from_ref(said),
        _ => return Err(wrong("input has to be a text, an object or a list")),
    };
    let mut out = Vec::new();
    // contents without a turn around them are one turn of the user's
    let mut loose = Vec::new();
    for item in items {
        let role = match (item.text("role"), item.text("type")) {
            (Some("model" | "assistant"), _) | (None, Some("model_output")) => "assistant",
            (Some(_), _) | (None, Some("user_input")) => "user",
            (None, _) => {
                loose.push(item.clone());
                continue;
            }
        };
        turn("user", &Json::Array(std::mem::take(&mut loose)), &mut out)?;
        turn(role, item.get("content").unwrap_or(&Json::Null), &mut out)?;
    }
    turn("user", &Json::Array(loose), &mut out)?;
    Ok(Json::Array(out))
}

/// The items of a turn: its contents as a message, its calls and their results beside it.
fn turn(role: &str, content: &Json, out: &mut Vec<Json>) -> Result<()> {
    let parts = match content {
        Json::String(_) => {
            out.push(Json::object([("role", Json::from(role)), ("content", content.clone())]));
            return Ok(());
        }
        Json::Array(parts) => parts.as_slice(),
        Json::Object(_) => std::slice::from_ref(content),
        _ => return Ok(()),
    };
    let mut said = Vec::new();
    for part in parts {
        let text = |name: &str| Json::from(part.text(name).unwrap_or_default());
        let item = match part.text("type") {
            Some("function_call") => Json::object([
                ("type", Json::from("function_call")),
                ("call_id", text("id")),
                ("name", text("name")),
                ("arguments", Json::from(part.get("arguments").map_or_else(|| "{}".to_owned(), plain))),
            ]),
            Some("function_result") => Json::object([
                ("type", Json::from("function_call_output")),
                ("call_id", text("call_id")),
                ("output", Json::from(part.get("result").map(plain).unwrap_or_default())),
            ]),
            // thoughts are for the model that had them
            Some("thought") => continue,
            _ => {
                said.push(self::part(role, part)?);
                continue;
            }
        };
        flush(role, &mut said, out);
        out.push(item);
    }
    flush(role, &mut said, out);
    Ok(())
}

fn flush(role: &str, said: &mut Vec<Json>, out: &mut Vec<Json>) {
    if !said.is_empty() {
        let content = Json::Array(std::mem::take(said));
        out.push(Json::object([("role", Json::from(role)), ("content", content)]));
    }
}

fn part(role: &str, part: &Json) -> Result<Json> {
    let kind = part.text("type").unwrap_or("text");
    let address = || match (part.text("data"), part.text("uri")) {
        (Some(data), _) => {
            let media = part.text("mime_type").unwrap_or("application/octet-stream");
            Ok(format!("data:{media};base64,{data}"))
        }
        (None, Some(uri)) => Ok(uri.to_owned()),
        (None, None) => Err(wrong(&format!("a content of the type {kind:?} has neither data nor a uri"))),
    };
    Ok(match kind {
        "text" => {
            let kind = if role == "assistant" { "output_text" } else { "input_text" };
            Json::object([("type", kind), ("text", part.text("text").unwrap_or_default())])
        }
        "image" => Json::object([("type", "input_image"), ("image_url", &*address()?)]),
        "document" if part.text("data").is_none() => Json::object([("type", "input_file"), ("file_url", &*address()?)]),
        "document" => Json::object([("type", "input_file"), ("filename", "document"), ("file_data", &*address()?)]),
        "audio" if part.text("data").is_some() => {
            let format = part.text("mime_type").and_then(|kind| kind.split_once('/')).map_or("wav", |(_, kind)| kind);
            let sound = Json::object([("data", part.text("data").unwrap_or_default()), ("format", format)]);
            Json::object([("type", Json::from("input_audio")), ("input_audio", sound)])
        }
        other => return Err(wrong(&format!("a content of the type {other:?} cannot be told to this model"))),
    })
}

/// A text as it is, anything else as JSON.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// All texts of a content, of a list of them, or of Google's `{"parts": ...}`.
pub(super) fn text(content: &Json) -> String {
    let texts = |parts: &[Json]| parts.iter().filter_map(|part| part.text("text")).collect::<Vec<_>>().join("\n");
    match content {
        Json::Array(parts) => texts(parts),
        Json::Object(_) => match content.get("parts").and_then(Json::as_array) {
            Some(parts) => texts(parts),
            None => content.text("text").unwrap_or_default().to_owned(),
        },
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

fn wrong(why: &str) -> Error {
    Error::bad_request(why).with_param("input")
}
