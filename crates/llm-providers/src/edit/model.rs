//! What a model is called in the body.

use std::borrow::Cow;

use crate::row::{ModelName, ProviderRow};

/// The model as the provider's body names it.
#[must_use]
pub fn wire_model<'a>(row: &ProviderRow, model: &'a str) -> Cow<'a, str> {
    // `responses/` only says which interface is meant.
    let model = if row.paths.responses.is_some() { model.strip_prefix("responses/").unwrap_or(model) } else { model };
    match row.model_name {
        ModelName::Short(template) if !model.contains(['/', '#']) => Cow::Owned(template.replace("{model}", model)),
        ModelName::Dotted(template) => {
            let holes = template.matches("{}").count();
            let pieces: Vec<&str> = model.splitn(holes, '.').collect();
            if pieces.len() < holes {
                return Cow::Borrowed(model);
            }
            Cow::Owned(pieces.iter().fold(template.to_owned(), |text, piece| text.replacen("{}", piece, 1)))
        }
        _ => Cow::Borrowed(model),
    }
}

/// A model's name written into a template (`house/{model}`); a name that is written so already stays.
pub(crate) fn templated<'a>(template: &str, model: &'a str) -> Cow<'a, str> {
    let head = template.split("{model}").next().unwrap_or_default();
    if model.starts_with(head) { Cow::Borrowed(model) } else { Cow::Owned(template.replace("{model}", model)) }
}
