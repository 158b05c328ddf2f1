//! Predibase: every tenant has addresses of its own.

use llm_types::{Error, Result};

use crate::endpoint::{no_base, no_key};
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Predibase;

impl Provider for Predibase {
    fn row(&self) -> &'static ProviderRow {
        &generated::PREDIBASE
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        let given = ["tenant_id", "predibase_tenant_id"].iter().find_map(|name| call.params.str(name));
        let tenant = given.map(str::to_owned).or_else(|| call.params.env("PREDIBASE_TENANT_ID")).ok_or_else(|| {
            let text = "provider predibase needs a tenant: give tenant_id or set PREDIBASE_TENANT_ID";
            Error::bad_request(text).with_param("tenant_id")
        })?;
        let end = if call.stream { "generate_stream" } else { "generate" };
        out.url = format!("{}/{tenant}/deployments/v2/llms/{}/{end}", base.trim_end_matches('/'), call.model);
        out.per_request = true; // streams have another path
        let key = row.key(call.api_key, call.params).ok_or_else(|| no_key(row))?;
        out.set("authorization", &format!("Bearer {}", key.expose()))?;
        out.set("content-type", "application/json")?;
        out.set_extra(call.params)
    }
}

#[cfg(test)]
mod tests {
    use llm_types::{Format, Json, OperationKind, Secret};

    use super::*;
    use crate::params::Params;

    #[test]
    fn tenants_have_addresses() {
        let key = Secret::new("k");
        let url = |fields: Vec<(&str, Json)>, stream| {
            let params = Params::without_env(fields);
            let call = Call {
                stream,
                api_key: Some(&key),
                ..Call::new(OperationKind::Generate, Format::TgiGenerate, "llama-3-8b", &params)
            };
            let mut out = Endpoint::default();
            Predibase.endpoint(&call, &mut out).map(|()| out.url)
        };
        let tenant = || vec![("tenant_id", Json::from("t1"))];
        let root = "https://serving.app.predibase.com/t1/deployments/v2/llms/llama-3-8b";
        assert_eq!(url(tenant(), false).unwrap(), format!("{root}/generate"));
        assert_eq!(url(tenant(), true).unwrap(), format!("{root}/generate_stream"));
        assert_eq!(url(Vec::new(), false).unwrap_err().param.as_deref(), Some("tenant_id"));
    }
}
