//! Stability AI v2beta: forms, one image per request, a path for each model:
//! <https://platform.stability.ai/docs/api-reference>.

use llm_types::{Error, Format, Json, Kind, OperationKind, Result, UpstreamDetail};
use serde_json::value::RawValue;

use super::{files, sizes};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::images::answer::{Answer, Image};
use crate::openai::images::{JUDGED, named_file, sizing};
use crate::openai::wire::{Text, view};
use crate::task::write::{self, Fields};
use crate::task::{FilePart, TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Stability;

/// Sizes, and the shapes by which Stability knows them.
pub(crate) const RATIOS: [(&str, &str); 5] =
    [("1024x1024", "1:1"), ("1792x1024", "16:9"), ("1024x1792", "9:16"), ("512x512", "1:1"), ("256x256", "1:1")];

/// Parts of models' names and where those models are; the first that fits.
const GENERATE: [(&str, &str); 3] = [("sd3", "generate/sd3"), ("ultra", "generate/ultra"), ("core", "generate/core")];
const EDIT: [(&str, &str); 14] = [
    ("inpaint", "edit/inpaint"),
    ("outpaint", "edit/outpaint"),
    ("erase", "edit/erase"),
    ("search-and-replace", "edit/search-and-replace"),
    ("search-and-recolor", "edit/search-and-recolor"),
    ("remove-background", "edit/remove-background"),
    ("replace-background-and-relight", "edit/replace-background-and-relight"),
    ("fast", "upscale/fast"),
    ("conservative", "upscale/conservative"),
    ("creative", "upscale/creative"),
    ("sketch", "control/sketch"),
    ("structure", "control/structure"),
    ("style-transfer", "control/style-transfer"),
    ("style", "control/style"),
];

/// Fields that go on; others are left out without a word.
const GENERATE_FIELDS: [&str; 9] =
    ["prompt", "negative_prompt", "aspect_ratio", "seed", "output_format", "model", "mode", "strength", "style_preset"];
const EDIT_FIELDS: [&str; 18] = [
    "prompt",
    "negative_prompt",
    "aspect_ratio",
    "seed",
    "mode",
    "strength",
    "style_preset",
    "left",
    "bottom",
    "right",
    "top",
    "creativity",
    "search_prompt",
    "grow_mask",
    "select_prompt",
    "control_strength",
    "composition_fidelity",
    "change_strength",
];
const EDIT_FILES: [&str; 4] = ["image", "mask", "init_image", "style_image"];

view!(lenient ReplyIn {
    image = "image": Text<'a>,
    finish_reason = "finish_reason": Text<'a>,
    errors = "errors": Option<&'a RawValue>,
});

impl TaskCodec for Stability {
    fn format(&self) -> Format {
        Format::StabilityImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::taken(request, ctx, &JUDGED, &["n", "response_format", "size"])?;
        if let Some(size) = write::take(&mut fields, "size")
            && let Some(ratio) = size.as_str().and_then(|s| sizes::named(&RATIOS, s))
        {
            write::set(&mut fields, "aspect_ratio", ratio);
        }
        let drawn = request.operation == OperationKind::Image;
        let (paths, known): (&[_], &[_]) = if drawn { (&GENERATE, &GENERATE_FIELDS) } else { (&EDIT, &EDIT_FIELDS) };
        fields.retain(|(name, value)| known.contains(&name.as_str()) && value.as_str() != Some(""));
        if fields.iter().all(|(name, _)| name != "output_format") {
            write::set(&mut fields, "output_format", "png");
        }
        let files = if drawn { vec![nothing()] } else { pictures(request)? };
        let model = request.model.to_ascii_lowercase();
        let path = paths.iter().find(|(part, _)| model.contains(part)).or(paths.first()).map_or("", |(_, path)| path);
        Ok(TaskOut {
            body: form(fields, files),
            beside: Some(format!("/v2beta/stable-image/{path}")),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            ..TaskOut::default()
        })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let view: ReplyIn<'_> =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        if let Some(said) = view.errors {
            return Err(errors::invalid_reply(reply, &format!("Stability AI error: {}", said.get())));
        }
        if view.finish_reason.filled() == Some("CONTENT_FILTERED") {
            return Err(filtered(reply));
        }
        let image = view.image.filled();
        let data = image.map(|b64| Image { b64_json: Some(b64), ..Image::default() }).into_iter().collect();
        Ok(Answer { created: ctx.created, data, ..Answer::default() }.reply(sizing(request)))
    }
}

fn filtered(reply: &ReplyView<'_>) -> Error {
    let detail = UpstreamDetail { status: 400, provider: reply.provider.to_owned(), ..UpstreamDetail::default() };
    errors::upstream_error(Kind::BadRequest, "Content was filtered by Stability AI safety systems", detail)
}

fn form(fields: Fields, files: Vec<FilePart>) -> TaskBody {
    let fields = fields.into_iter().map(|(name, value): (String, Json)| (name, write::text(&value))).collect();
    TaskBody::Form { fields, files }
}

/// An empty file makes LiteLLM's HTTP library write a form where there is no picture.
fn nothing() -> FilePart {
    FilePart {
        name: "none".to_owned(),
        filename: Some("upload".to_owned()),
        content_type: Some("application/octet-stream".to_owned()),
        ..FilePart::default()
    }
}

fn pictures(request: &TaskRequest) -> Result<Vec<FilePart>> {
    files::image(request)?;
    let first = |name: &&str| {
        let file = request.files(name).next()?;
        let filename = file.filename.clone();
        let named = named_file(file, name);
        Some(FilePart { filename: filename.or(named.filename.clone()), ..named })
    };
    Ok(EDIT_FILES.iter().filter_map(first).collect())
}
