//! Two houses inside Azure AI Foundry: Black Forest Labs' FLUX.2 and Microsoft's MAI. Both answer in OpenAI's shape.

use llm_types::{Error, Format, Json, OperationKind, Result};

use super::{files, sizes};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::images::{Images, JUDGED, named_file, prompt};
use crate::task::write::{self, Fields};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// FLUX.2: one path for drawing and editing, pictures as base64.
#[derive(Debug, Clone, Copy)]
pub struct Flux2;

/// MAI: width and height, one image per request.
#[derive(Debug, Clone, Copy)]
pub struct Mai;

/// Fewest pixels of a side, most of an image.
const MAI_SIDE: u64 = 768;
const MAI_PIXELS: u64 = 1024 * 1024;

impl TaskCodec for Flux2 {
    fn format(&self) -> Format {
        Format::Flux2Images
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::taken(request, ctx, &JUDGED, &["n", "size", "quality"])?;
        fields.retain(|(name, _)| {
            !["background", "moderation", "output_compression", "quality", "user"].contains(&name.as_str())
        });
        write::set(&mut fields, "prompt", prompt(request)?);
        write::set(&mut fields, "model", Json::from(request.model.as_str()));
        write::rename(&mut fields, "n", "num_images");
        if let Some((width, height)) = size(&mut fields)? {
            write::set(&mut fields, "width", width);
            write::set(&mut fields, "height", height);
        }
        if request.operation == OperationKind::ImageEdit {
            files::image(request)?;
            for (number, file) in (1_u32..).zip(request.files("image")) {
                let name = if number == 1 { "input_image".to_owned() } else { format!("input_image_{number}") };
                write::set(&mut fields, &name, files::base64(file));
            }
        }
        Ok(TaskOut { body: write::json(fields), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        Images.decode(request, reply, ctx)
    }
}

impl TaskCodec for Mai {
    fn format(&self) -> Format {
        Format::MaiImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::taken(request, ctx, &JUDGED, &["n", "size"])?;
        write::take(&mut fields, "user");
        write::set(&mut fields, "model", Json::from(request.model.as_str()));
        let several = fields.iter().any(|(name, n)| name == "n" && n.as_i64().is_some_and(|n| n > 1));
        if several && !ctx.drop_params {
            return Err(Error::bad_request("this model makes one image per request: n must be 1").with_param("n"));
        }
        write::take(&mut fields, "n");
        if request.operation == OperationKind::ImageEdit {
            if fields.iter().all(|(name, _)| name != "size") {
                write::set(&mut fields, "size", "1024x1024");
            }
            let file = named_file(files::image(request)?, "image");
            return Ok(TaskOut { body: write::form(fields, vec![file]), ..TaskOut::default() });
        }
        let (width, height) = size(&mut fields)?.unwrap_or((1024, 1024));
        if width.min(height) < MAI_SIDE || width * height > MAI_PIXELS {
            let why =
                format!("size {width}x{height}: sides of at least {MAI_SIDE} pixels, {MAI_PIXELS} pixels at the most");
            return Err(Error::bad_request(why).with_param("size"));
        }
        for (name, value) in [("width", width), ("height", height)] {
            if fields.iter().all(|(known, _)| known != name) {
                write::set(&mut fields, name, value);
            }
        }
        Ok(TaskOut { body: write::json(fields), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        Images.decode(request, reply, ctx)
    }
}

fn size(fields: &mut Fields) -> Result<Option<(u64, u64)>> {
    let Some(size) = write::take(fields, "size") else { return Ok(None) };
    if size.as_str().is_some_and(|s| s.eq_ignore_ascii_case("auto")) {
        return Ok(None);
    }
    let wrong = || Error::bad_request(format!("Invalid size format {size}. Expected WxH.")).with_param("size");
    size.as_str().and_then(sizes::pixels).map(Some).ok_or_else(wrong)
}
