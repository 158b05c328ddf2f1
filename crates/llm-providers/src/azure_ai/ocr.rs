//! OCR: Mistral's models below a path of their house, and Document Intelligence, a service with its own key.

use llm_types::{Error, Format, Kind, Result};

use crate::endpoint::{no_base, no_key};
use crate::provider::{Call, Endpoint};
use crate::row::ProviderRow;

const KEY_ENV: &str = "AZURE_DOCUMENT_INTELLIGENCE_API_KEY";
const ENDPOINT_ENV: &str = "AZURE_DOCUMENT_INTELLIGENCE_ENDPOINT";
const VERSION: &str = "2024-11-30";

/// The language of a model.
pub(super) fn format(model: &str) -> Format {
    if model.contains("doc-intelligence/") { Format::AzureDocumentOcr } else { Format::MistralOcrInline }
}

pub(super) fn endpoint(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    if call.format == Format::AzureDocumentOcr {
        let base = call.api_base.map(str::to_owned).or_else(|| call.params.env(ENDPOINT_ENV));
        let wanted = |what: &str, env: &str| format!("Document Intelligence needs {what}: give it or set {env}");
        let base = base.ok_or_else(|| Error::bad_request(wanted("api_base", ENDPOINT_ENV)).with_param("api_base"))?;
        out.url = analyze(&base, call.model);
        let given = call.api_key.map(|key| key.expose().to_owned());
        let key = given.or_else(|| call.params.env(KEY_ENV));
        let key = key.ok_or_else(|| Error::new(Kind::Authentication, wanted("api_key", KEY_ENV)))?;
        out.set("ocp-apim-subscription-key", &key)?;
    } else {
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        out.url = format!("{}/providers/mistral/azure/ocr", base.trim_end_matches('/'));
        let key = row.key(call.api_key, call.params).or_else(|| call.params.secret("azure_ad_token"));
        let key = key.ok_or_else(|| no_key(row))?;
        out.set("authorization", &format!("Bearer {}", key.expose()))?;
    }
    out.set("content-type", "application/json")?;
    out.set_extra(call.params)
}

fn analyze(base: &str, model: &str) -> String {
    let model = model.rsplit('/').next().unwrap_or(model);
    let base = base.trim_end_matches('/');
    format!("{base}/documentintelligence/documentModels/{model}:analyze?api-version={VERSION}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_analysed_where_they_are() {
        assert_eq!(format("doc-intelligence/prebuilt-read"), Format::AzureDocumentOcr);
        assert_eq!(format("mistral-document-ai-2512"), Format::MistralOcrInline);
        assert_eq!(
            analyze("https://r.cognitiveservices.azure.com/", "doc-intelligence/prebuilt-read"),
            "https://r.cognitiveservices.azure.com/documentintelligence/documentModels/prebuilt-read:analyze?api-version=2024-11-30"
        );
    }
}
