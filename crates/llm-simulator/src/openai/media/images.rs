//! Pictures: all of them are one red pixel.

use serde_json::Value;

use crate::content::PICTURE;
use crate::ids::tokens;
use crate::prompt::text_field;
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::route::Operation;
use crate::service::Call;
use crate::template::{fill, quote};

use super::super::{headers, json_reply};
use super::frames;
use super::request::number;

pub(super) fn reply(call: &Call<'_>) -> Reply {
    // the newer models answer with the picture itself, and count tokens
    let newer = call.prompt.model.contains("gpt-image");
    if newer && call.prompt.stream {
        return stream(call);
    }
    let count = number(call.body.get("n")).unwrap_or(1);
    let inline = newer || text_field(call.body, "response_format") == Some("b64_json");
    let row = if inline {
        fill(frames::INLINE, &[("data", PICTURE), ("revised", &revised(call))])
    } else {
        let address = quote(&format!("https://images.example/{}.png", call.word("picture", 24)));
        fill(frames::LINKED, &[("url", &address), ("revised", &revised(call))])
    };
    let rows: Vec<&str> = (0..count).map(|_| row.as_str()).collect();
    let more = if newer { format!("{},\"usage\":{}", shape(call), usage(call, count)) } else { String::new() };
    let values = [("created", call.created.to_string()), ("data", rows.join(",")), ("more", more)];
    json_reply(call, fill(frames::IMAGES, &values.each_ref().map(|(key, value)| (*key, value.as_str()))))
}

fn stream(call: &Call<'_>) -> Reply {
    let word = if call.route.operation == Operation::Images { "image_generation" } else { "image_edit" };
    let shape = shape(call);
    let event = |kind: FrameKind, name: &str, more: &str| {
        let values = [
            ("type", format!("{word}.{name}")),
            ("data", PICTURE.to_owned()),
            ("created", call.created.to_string()),
            ("more", format!("{shape}{more}")),
        ];
        Frame::new(kind, fill(frames::EVENT, &values.each_ref().map(|(key, value)| (*key, value.as_str()))))
    };
    let partial = number(call.body.get("partial_images")).unwrap_or(0);
    let mut out: Vec<Frame> = (0..partial)
        .map(|index| event(FrameKind::Content, "partial_image", &format!(",\"partial_image_index\":{index}")))
        .collect();
    out.push(event(FrameKind::End, "completed", &format!(",\"usage\":{}", usage(call, 1))));
    Reply { status: 200, headers: headers(call, "text/event-stream; charset=utf-8"), payload: Payload::Frames(out) }
}

/// How the picture was made, after a comma.
fn shape(call: &Call<'_>) -> String {
    let wish = |name: &str, usual: &str| {
        let asked = text_field(call.body, name).filter(|asked| *asked != "auto");
        quote(asked.unwrap_or(usual))
    };
    fill(
        frames::SHAPE,
        &[
            ("background", &wish("background", "opaque")),
            ("format", &wish("output_format", "png")),
            ("quality", &wish("quality", "high")),
            ("size", &wish("size", "1024x1024")),
        ],
    )
}

fn usage(call: &Call<'_>, count: u64) -> String {
    let text = call.script.prompt_tokens.unwrap_or_else(|| tokens(call.prompt.characters).max(1));
    let given = if call.route.operation == Operation::Images { 0 } else { 194 };
    let output = call.script.completion_tokens.unwrap_or(count * 4160);
    let values = [
        ("total", text + given + output),
        ("input", text + given),
        ("output", output),
        ("text", text),
        ("image", given),
    ];
    let values = values.map(|(key, value)| (key, value.to_string()));
    fill(frames::IMAGE_USAGE, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
}

/// One of the models rewrites what it is asked for.
fn revised(call: &Call<'_>) -> String {
    if call.prompt.model != "dall-e-3" || call.body.get("prompt").is_none_or(Value::is_null) {
        return String::new();
    }
    let text = format!("A picture of {}", call.prompt.user_text);
    fill(frames::REVISED, &[("text", &quote(&text))])
}
