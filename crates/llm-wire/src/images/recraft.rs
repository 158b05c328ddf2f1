//! Recraft: OpenAI's generations, own edits: <https://www.recraft.ai/docs#image-to-image>.

use llm_types::{Format, Json, OperationKind, Result};

use super::files;
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::images::{Images, JUDGED, named_file};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest, write};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Recraft;

/// How far an edit may go from the picture when nobody says.
const STRENGTH: f64 = 0.2;

impl TaskCodec for Recraft {
    fn format(&self) -> Format {
        Format::RecraftImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::taken(request, ctx, &JUDGED, &["n", "response_format", "size", "style"])?;
        write::take(&mut fields, "user");
        write::set(&mut fields, "model", Json::from(request.model.as_str()));
        if request.operation == OperationKind::Image {
            return Ok(TaskOut { body: write::json(fields), ..TaskOut::default() });
        }
        fields.retain(|(name, _)| {
            ["model", "prompt", "n", "response_format", "style", "strength"].contains(&name.as_str())
        });
        if fields.iter().all(|(name, _)| name != "strength") {
            write::set(&mut fields, "strength", STRENGTH);
        }
        let file = named_file(files::image(request)?, "image");
        Ok(TaskOut { body: write::form(fields, vec![file]), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        Images.decode(request, reply, ctx)
    }
}
