//! Google's Lyria makes music of words: older models by `predict`, newer ones by `interactions`.
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/lyria-music-generation>

use llm_types::{Error, Format, Json, Kind, Result};

use super::google::decoded;
use super::{input, sound, spoken, tree};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::gemini;
use crate::task::write;
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// Models that are asked by `predict`.
pub static PREDICT: Lyria = Lyria { predict: true };
/// Models that are asked by `interactions`.
pub static INTERACTIONS: Lyria = Lyria { predict: false };

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Lyria {
    predict: bool,
}

impl TaskCodec for Lyria {
    fn format(&self) -> Format {
        if self.predict { Format::LyriaPredict } else { Format::LyriaInteractions }
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let text = input(request)?;
        write::taken(request, ctx, &["speed", "instructions"], &[])?;
        let format = request.str("response_format");
        let known: &[&str] = if self.predict { &["wav"] } else { &["mp3", "wav"] };
        if let Some(other) = format.filter(|f| !known.contains(f)) {
            if !ctx.drop_params {
                let why = format!(
                    "{} does not support response_format={other:?}, only {}. To drop it from the call, set \
                     `litellm.drop_params = True`.",
                    ctx.model,
                    known.join(", ")
                );
                return Err(Error::new(Kind::UnsupportedParams, why).with_param("response_format"));
            }
            ctx.lost.push("response_format".to_owned());
        }
        let body = if self.predict {
            vec![
                ("instances".to_owned(), Json::Array(vec![Json::object([("prompt", text)])])),
                ("parameters".to_owned(), Json::object([("sample_count", 1_u64)])),
            ]
        } else {
            let mut body = vec![("model".to_owned(), Json::from(ctx.model)), ("input".to_owned(), Json::from(text))];
            if format == Some("wav") {
                let kind = Json::object([("type", "audio"), ("mime_type", "audio/wav")]);
                body.push(("response_format".to_owned(), kind));
            }
            body
        };
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let made = if self.predict { predicted(&tree) } else { interacted(&tree) };
        let (data, kind) = made.unzip();
        let sound = decoded(reply, data.as_ref())?;
        let kind = kind.flatten().or_else(|| sound::media_type(&sound).map(str::to_owned));
        Ok(TaskReply::raw(kind.unwrap_or_else(|| "audio/mpeg".to_owned()), sound, spoken(request)))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        gemini::decode_error(reply)
    }
}

/// Sound in base64 and what kind it is.
type Made = Option<(Json, Option<String>)>;

fn predicted(tree: &Json) -> Made {
    let first = tree.get("predictions")?.as_array()?.first()?;
    let data = ["audioContent", "bytesBase64Encoded"].iter().find_map(|name| first.get(name))?;
    Some((data.clone(), first.text("mimeType").map(str::to_owned)))
}

/// The last sound among the steps of an interaction.
fn interacted(tree: &Json) -> Made {
    let steps = ["steps", "outputs"].iter().find_map(|name| tree.get(name)?.as_array()).unwrap_or_default();
    let text = |json: &Json, name: &str| json.text(name).map(str::to_owned);
    let mut made = None;
    for step in steps {
        let inside = step.get("content").and_then(Json::as_array).unwrap_or_default();
        let own = std::slice::from_ref(step);
        let items = if text(step, "type").as_deref() == Some("model_output") { inside } else { own };
        let is_sound = |item: &&Json| text(item, "type").as_deref() == Some("audio") && item.get("data").is_some();
        if let Some(item) = items.iter().rfind(is_sound) {
            made = item.get("data").map(|data| (data.clone(), text(item, "mime_type")));
        }
    }
    made
}
