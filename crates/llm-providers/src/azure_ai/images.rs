//! Images: deployments as Azure OpenAI has them, and two houses below paths of their own.

use llm_types::{Format, OperationKind, Result};

use crate::azure::VERSION;
use crate::endpoint::{no_base, no_key};
use crate::provider::{Call, Endpoint};
use crate::row::ProviderRow;

/// The version of the paths that LiteLLM names when nobody does.
const PREVIEW: &str = "preview";

/// The language of a model's images.
pub(super) fn format(model: &str) -> Format {
    let bare: String = model.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if bare.contains("flux2") {
        Format::Flux2Images
    } else if bare.contains("maiimage") {
        Format::MaiImages
    } else {
        Format::AzureImages
    }
}

pub(super) fn endpoint(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
    let version = call.params.str("api_version").map(str::to_owned).or_else(|| call.params.env("AZURE_AI_API_VERSION"));
    out.url = url(&base, call.operation, call.model, version.as_deref());
    match (row.key(call.api_key, call.params), call.params.secret("azure_ad_token")) {
        (Some(key), _) => out.set("api-key", key.expose())?,
        (None, Some(token)) => out.set("authorization", &format!("Bearer {}", token.expose()))?,
        (None, None) => return Err(no_key(row)),
    }
    out.set("content-type", "application/json")?;
    out.set_extra(call.params)
}

fn url(base: &str, operation: OperationKind, model: &str, version: Option<&str>) -> String {
    let (path, query) = base.split_once('?').map_or((base, None), |(path, query)| (path, Some(query)));
    let path = path.trim_end_matches('/');
    let what = if operation == OperationKind::ImageEdit { "edits" } else { "generations" };
    let (path, default) = match format(model) {
        Format::Flux2Images if path.contains("/providers/") => (path.to_owned(), Some(PREVIEW)),
        Format::Flux2Images => (format!("{path}/providers/blackforestlabs/v1/{}", flux2(model)), Some(PREVIEW)),
        Format::MaiImages => {
            let root = path.split_once("/images/").map_or(path, |(root, _)| root);
            let root = if root.contains("/mai/") { root.to_owned() } else { format!("{root}/mai/v1") };
            (format!("{root}/images/{what}"), Some(PREVIEW))
        }
        _ if path.contains("/openai/deployments/") => (format!("{path}/images/{what}"), Some(VERSION)),
        _ => (format!("{path}/openai/deployments/{model}/images/{what}"), Some(VERSION)),
    };
    match (query, version.or(default)) {
        (Some(query), _) => format!("{path}?{query}"),
        (None, Some(version)) => format!("{path}?api-version={version}"),
        (None, None) => path,
    }
}

fn flux2(model: &str) -> &'static str {
    if model.to_ascii_lowercase().contains("flex") { "flux-2-flex" } else { "flux-2-pro" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_follow_the_house() {
        let base = "https://r.services.ai.azure.com/";
        let draw = |model, version| url(base, OperationKind::Image, model, version);
        let at = |path: &str| format!("https://r.services.ai.azure.com{path}");
        assert_eq!(
            draw("FLUX-1.1-pro", Some("2025-04-01-preview")),
            at("/openai/deployments/FLUX-1.1-pro/images/generations?api-version=2025-04-01-preview")
        );
        assert_eq!(draw("FLUX.2-pro", None), at("/providers/blackforestlabs/v1/flux-2-pro?api-version=preview"));
        assert_eq!(draw("MAI-Image-2.5", None), at("/mai/v1/images/generations?api-version=preview"));
        assert_eq!(
            url(base, OperationKind::ImageEdit, "FLUX.1-Kontext-pro", Some("v")),
            at("/openai/deployments/FLUX.1-Kontext-pro/images/edits?api-version=v")
        );
    }
}
