//! Topaz Labs: a picture goes in, a better one comes out, as bytes: <https://docs.topazlabs.com>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use llm_types::{Error, Format, Result};

use super::{files, sizes};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::images::answer::{Answer, Image};
use crate::openai::images::{named_file, sizing};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest, write};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Topaz;

impl TaskCodec for Topaz {
    fn format(&self) -> Format {
        Format::TopazImages
    }

    fn encode(&self, request: &TaskRequest, _: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::fields(request);
        fields.retain(|(name, _)| !matches!(name.as_str(), "n" | "prompt" | "user"));
        write::rename(&mut fields, "response_format", "output_format");
        if let Some(size) = write::take(&mut fields, "size") {
            let wrong = || Error::bad_request("size must be in the format of widthxheight").with_param("size");
            let (width, height) = size.as_str().and_then(sizes::pixels).ok_or_else(wrong)?;
            write::set(&mut fields, "output_width", width);
            write::set(&mut fields, "output_height", height);
        }
        let file = named_file(files::image(request)?, "image");
        Ok(TaskOut { body: write::form(fields, vec![file]), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let bytes = STANDARD.encode(reply.body);
        let data = vec![Image { b64_json: Some(&bytes), ..Image::default() }];
        Ok(Answer { created: ctx.created, data, ..Answer::default() }.reply(sizing(request)))
    }
}
