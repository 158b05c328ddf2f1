//! Replicate: models, deployments and versions of models have addresses of their own.

use llm_types::Result;
use llm_wire::text::replicate_version;

use crate::endpoint::{no_base, no_key};
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Replicate;

impl Provider for Replicate {
    fn row(&self) -> &'static ProviderRow {
        &generated::REPLICATE
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        out.url = format!("{}{}", base.trim_end_matches('/'), path(call.model));
        let key = row.key(call.api_key, call.params).ok_or_else(|| no_key(row))?;
        out.set("authorization", &format!("Token {}", key.expose()))?;
        out.set("content-type", "application/json")?;
        out.set_extra(call.params)
    }
}

fn path(model: &str) -> String {
    match (replicate_version(model), model.strip_prefix("deployments/")) {
        (Some(_), _) => "/predictions".to_owned(),
        (None, Some(name)) => format!("/deployments/{name}/predictions"),
        (None, None) => format!("/models/{model}/predictions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_choose_the_address() {
        assert_eq!(path("meta/llama-2-70b-chat"), "/models/meta/llama-2-70b-chat/predictions");
        assert_eq!(path("deployments/me/mine"), "/deployments/me/mine/predictions");
        assert_eq!(path(&format!("meta/llama:{}", "0".repeat(64))), "/predictions");
    }
}
