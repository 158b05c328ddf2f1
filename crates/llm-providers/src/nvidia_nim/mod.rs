//! NVIDIA NIM: OpenAI's language, and rankings that live at an address of their own per model, or all at one.

use std::borrow::Cow;

use llm_types::{OperationKind, Result};

use crate::endpoint::{join, row_endpoint};
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct NvidiaNim;

/// Models of this prefix are asked at the one address of self-hosted rankings.
const SHARED: &str = "ranking/";

impl Provider for NvidiaNim {
    fn row(&self) -> &'static ProviderRow {
        &generated::NVIDIA_NIM
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        row_endpoint(self.row(), call, out)?;
        let base = self.row().task(call.operation).and_then(|t| t.base);
        if let (OperationKind::Rerank, Some(own)) = (call.operation, base) {
            let base = call.api_base.unwrap_or(own).trim_end_matches('/');
            let base = base.strip_suffix("/v1").unwrap_or(base);
            let model = call.model;
            let path = match model.starts_with(SHARED) {
                true => "/v1/ranking".to_owned(),
                false => format!("/v1/retrieval/{model}/reranking"),
            };
            out.url = join(base, &path, self.row());
        }
        Ok(())
    }

    fn task_model<'a>(&self, _: OperationKind, model: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(model.strip_prefix(SHARED).unwrap_or(model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;
    use llm_types::{Format, Secret};

    #[test]
    fn rankings_have_an_address_per_model_or_one_for_all() {
        let url = |model: &str, base: Option<&str>| {
            let (key, params) = (Secret::new("k"), Params::default());
            let call = Call {
                client_format: Format::CohereRerank,
                api_base: base,
                api_key: Some(&key),
                ..Call::new(OperationKind::Rerank, Format::NimRerank, model, &params)
            };
            let mut out = Endpoint::default();
            NvidiaNim.endpoint(&call, &mut out).unwrap();
            out.url
        };
        assert_eq!(url("nvidia/m", None), "https://ai.api.nvidia.com/v1/retrieval/nvidia/m/reranking");
        assert_eq!(url("ranking/nvidia/m", Some("http://h:8000/v1")), "http://h:8000/v1/ranking");
    }
}
