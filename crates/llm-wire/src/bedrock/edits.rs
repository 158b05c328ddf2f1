//! Pictures that are changed by `InvokeModel`: Nova Canvas, and Stability's models.
//! <https://docs.aws.amazon.com/nova/latest/userguide/image-gen-req-resp-structure.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/stable-image-services.html>

use llm_types::{Error, Json, Result};

use crate::images::stability::RATIOS;
use crate::images::{files, sizes};
use crate::task::TaskRequest;
use crate::task::write::{self, Fields};

/// Stability's fields that are words; everything else that goes on is a number.
const WORDS: [&str; 8] = [
    "negative_prompt",
    "aspect_ratio",
    "output_format",
    "mode",
    "style_preset",
    "select_prompt",
    "search_prompt",
    "model",
];
const NUMBERS: [&str; 13] = [
    "left",
    "right",
    "up",
    "down",
    "seed",
    "strength",
    "creativity",
    "control_strength",
    "grow_mask",
    "fidelity",
    "composition_fidelity",
    "style_strength",
    "change_strength",
];

/// What Amazon's models do with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Variation,
    Inpainting,
    Outpainting,
    BackgroundRemoval,
}

impl Task {
    const ALL: [Self; 4] = [Self::Variation, Self::Inpainting, Self::Outpainting, Self::BackgroundRemoval];

    /// As `taskType` says it, and the field with its parameters.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Variation => ("IMAGE_VARIATION", "imageVariationParams"),
            Self::Inpainting => ("INPAINTING", "inPaintingParams"),
            Self::Outpainting => ("OUTPAINTING", "outPaintingParams"),
            Self::BackgroundRemoval => ("BACKGROUND_REMOVAL", "backgroundRemovalParams"),
        }
    }

    fn parse(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|task| task.names().0 == name)
            .ok_or_else(|| Error::bad_request(format!("Invalid value for 'taskType': {name}")).with_param("taskType"))
    }
}

/// Amazon's task: what `taskType` says; without it what the mask is over is painted anew, and without a mask the picture
/// is varied. `config` is what is left for `imageGenerationConfig`.
pub(super) fn amazon(request: &TaskRequest, prompt: Option<Json>, config: &mut Fields) -> Result<Fields> {
    let picture = files::base64(files::image(request)?);
    let mask = request.files("mask").next().map(files::base64);
    let words = write::take(config, "maskPrompt");
    let (negative, mode) = (write::take(config, "negativeText"), write::take(config, "outPaintingMode"));
    let similar = write::take(config, "similarityStrength").map(|value| number(&value));
    let said = write::take(config, "taskType").and_then(|t| t.as_str().map(str::to_owned));
    let masked = mask.is_some() || words.is_some();
    let task = match said {
        Some(name) => Task::parse(&name)?,
        None if masked => Task::Inpainting,
        None => Task::Variation,
    };
    let (name, params_name) = task.names();
    let mut params = Fields::new();
    let mut put = |key: &str, value: Option<Json>| params.extend(value.map(|value| (key.to_owned(), value)));
    match task {
        Task::Variation => put("images", Some(Json::Array(vec![Json::from(picture)]))),
        _ => put("image", Some(Json::from(picture))),
    }
    if task != Task::BackgroundRemoval {
        put("text", prompt);
        put("negativeText", negative);
    }
    match task {
        Task::Variation => put("similarityStrength", similar),
        Task::Inpainting | Task::Outpainting if !masked => {
            return Err(Error::bad_request(format!("{name} needs a mask or a maskPrompt")).with_param("mask"));
        }
        Task::Inpainting | Task::Outpainting => {
            let picture = mask.filter(|_| words.is_none()).map(Json::from);
            put("maskPrompt", words);
            put("maskImage", picture);
            if task == Task::Outpainting {
                put("outPaintingMode", mode);
            }
        }
        Task::BackgroundRemoval => config.clear(),
    }
    let fields = [("taskType", Json::from(name)), (params_name, Json::Object(params))];
    Ok(fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

/// Stability's body: one object, pictures in base64.
pub(super) fn stability(request: &TaskRequest, prompt: Option<Json>, mut given: Fields) -> Result<Fields> {
    let picture = files::base64(files::image(request)?);
    let size = write::take(&mut given, "size");
    let shape = size.as_ref().and_then(Json::as_str).and_then(|size| sizes::named(&RATIOS, size));
    let mut out = vec![("output_format".to_owned(), Json::from("png"))];
    if let Some(prompt) = prompt.filter(|p| p.as_str() != Some("")) {
        write::set(&mut out, "prompt", prompt);
    }
    let transfer = request.model.contains("style-transfer");
    write::set(&mut out, if transfer { "init_image" } else { "image" }, picture);
    for name in ["mask", "init_image", "style_image"] {
        if let Some(file) = request.files(name).next() {
            write::set(&mut out, name, files::base64(file));
        }
    }
    if let Some(shape) = shape {
        write::set(&mut out, "aspect_ratio", shape);
    }
    for (name, value) in given {
        if WORDS.contains(&name.as_str()) {
            write::set(&mut out, &name, value);
        } else if NUMBERS.contains(&name.as_str()) {
            write::set(&mut out, &name, number(&value));
        }
    }
    Ok(out)
}

/// Forms know texts only.
pub(super) fn number(value: &Json) -> Json {
    let read = value.as_str().and_then(|text| text.parse::<serde_json::Number>().ok());
    read.map_or_else(|| value.clone(), Json::from)
}
