//! RunwayML `POST /v1/text_to_speech`: a task that is polled, whose outcome lies at a URL.

use std::time::Duration;

use llm_types::generate::UsageReport;
use llm_types::{Format, Json, Result};

use super::{input, mapped, spoken, tree, voice};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::task::write;
use crate::task::{FollowUp, FollowUrl, Next, TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug)]
pub struct RunwaySpeech;

const VOICES: [(&str, &str); 6] = [
    ("alloy", "Maya"),
    ("echo", "James"),
    ("fable", "Bernard"),
    ("nova", "Serene"),
    ("onyx", "Vincent"),
    ("shimmer", "Ella"),
];

impl TaskCodec for RunwaySpeech {
    fn format(&self) -> Format {
        Format::RunwaySpeech
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let own = request.fields.get("voice").filter(|v| v.get("presetId").is_some()).cloned();
        let preset = voice(request).map_or("Maya", |v| mapped(&VOICES, v));
        let voice = own.unwrap_or_else(|| Json::object([("type", "runway-preset"), ("presetId", preset)]));
        let mut body = vec![
            ("model".to_owned(), Json::from(ctx.model)),
            ("promptText".to_owned(), Json::from(input(request)?)),
            ("voice".to_owned(), voice),
        ];
        let mut fields = write::fields(request);
        for known in ["input", "voice"] {
            write::take(&mut fields, known);
        }
        for name in ["response_format", "speed", "instructions"] {
            if write::take(&mut fields, name).is_some() {
                ctx.lost.push(name.to_owned());
            }
        }
        body.extend(fields);
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn next(&self, _: &TaskRequest, _: u32, reply: &ReplyView<'_>) -> Result<Next> {
        // The last reply is the sound itself.
        let Ok(task) = serde_json::from_slice::<Json>(reply.body) else { return Ok(Next::Done) };
        let text = |key: &str| task.text(key);
        match text("status") {
            Some("SUCCEEDED") => {
                let url = task.get("output").and_then(|o| o.as_array()?.first()?.as_str());
                let url = url.ok_or_else(|| errors::invalid_reply(reply, "a finished task without output"))?;
                Ok(get(FollowUrl::Absolute(url.to_owned()), Duration::ZERO))
            }
            Some(status @ ("FAILED" | "CANCELLED")) => {
                Err(errors::refused(reply, text("failure").or(text("failureCode")).unwrap_or(status)))
            }
            _ => {
                let id = text("id").ok_or_else(|| errors::invalid_reply(reply, "a task without an id"))?;
                Ok(get(FollowUrl::Beside(format!("/../tasks/{id}")), Duration::from_secs(1)))
            }
        }
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        if tree(reply).is_ok() {
            return Err(errors::invalid_reply(reply, "JSON instead of sound"));
        }
        Ok(TaskReply::raw("audio/mpeg", reply.body.to_vec(), self.usage_of_request(request)))
    }

    fn usage_of_request(&self, request: &TaskRequest) -> Option<UsageReport> {
        spoken(request)
    }
}

fn get(url: FollowUrl, after: Duration) -> Next {
    let request = FollowUp { method: "GET", url, body: TaskBody::None, streams: false };
    Next::Send { after, request: Box::new(request) }
}
