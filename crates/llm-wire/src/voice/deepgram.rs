//! Deepgram `POST /v1/listen`: the bytes of the sound, everything else in the query.

use llm_types::{Format, Json, Result};

use super::{Heard, tree, word};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::audio::request_encode::file;
use crate::openai::errors;
use crate::task::write;
use crate::task::{TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug)]
pub struct Deepgram;

impl TaskCodec for Deepgram {
    fn format(&self) -> Format {
        Format::DeepgramListen
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let file = file(request)?;
        let mut query = vec![("model".to_owned(), ctx.model.to_owned())];
        for (name, value) in write::fields(request) {
            match value {
                Json::Array(items) => query.extend(items.iter().map(|i| (name.clone(), write::text(i)))),
                value => query.push((name, write::text(&value))),
            }
        }
        // The host knows a sound by its first bytes; what clients call it is often wrong.
        let content_type = "application/octet-stream".to_owned();
        Ok(TaskOut { body: TaskBody::Raw { content_type, data: file.data }, query, ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let channel = tree.get("results").and_then(|r| r.get("channels")?.as_array()?.first());
        let best = channel.and_then(|c| c.get("alternatives")?.as_array()?.first());
        let (Some(channel), Some(best)) = (channel, best) else {
            return Err(errors::invalid_reply(reply, "a transcription without alternatives"));
        };
        let words = best.get("words").and_then(Json::as_array).unwrap_or_default();
        let time = |w: &Json, key: &str| w.get(key).and_then(Json::as_f64);
        let text = |w: &Json| w.text("word").unwrap_or_default().to_owned();
        let heard = Heard {
            text: spoken_by(best, words)
                .or_else(|| best.get("transcript")?.as_str().map(str::to_owned))
                .unwrap_or_default(),
            language: Some(channel.text("detected_language").unwrap_or("en").to_owned()),
            duration: tree.get("metadata").and_then(|m| m.get("duration")?.as_f64()),
            words: words.iter().map(|w| word(&text(w), time(w, "start"), time(w, "end"))).collect(),
            segments: Vec::new(),
        };
        Ok(heard.reply(request))
    }
}

/// The text with its speakers, where they were told apart: the upstream's own paragraphs, else made of the words.
fn spoken_by(best: &Json, words: &[Json]) -> Option<String> {
    let speaker = |w: &Json| w.get("speaker").and_then(Json::as_i64);
    words.iter().find_map(speaker)?;
    if let Some(paragraphs) = best.get("paragraphs").and_then(|p| p.get("transcript")?.as_str()) {
        return Some(paragraphs.to_owned());
    }
    let mut lines: Vec<(Option<i64>, String)> = Vec::new();
    for w in words {
        let said = ["punctuated_word", "word"].iter().find_map(|key| w.get(key)?.as_str()).unwrap_or_default();
        match lines.last_mut() {
            Some((who, line)) if *who == speaker(w) => {
                line.push(' ');
                line.push_str(said);
            }
            _ => lines.push((speaker(w), said.to_owned())),
        }
    }
    let line = |(who, text): (Option<i64>, String)| format!("Speaker {}: {text}", who.unwrap_or(0));
    Some(lines.into_iter().map(line).collect::<Vec<_>>().join("\n"))
}
