//! Databricks: a gateway for models of the catalog, and clients that log in by OAuth.

use std::borrow::Cow;

use llm_types::{AuthNeed, OAuthClient, Result, Secret};

use crate::endpoint::{no_base, row_endpoint};
use crate::generated;
use crate::params::Params;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Databricks;

/// Where a workspace serves models.
const SERVING: &str = "/serving-endpoints";

impl Provider for Databricks {
    fn row(&self) -> &'static ProviderRow {
        &generated::DATABRICKS
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        let base = base.trim_end_matches('/');
        let workspace = base.strip_suffix(SERVING);
        let asked = match workspace {
            Some(root) if in_catalog(call.model) => Cow::Owned(format!("{root}/ai-gateway/mlflow/v1")),
            _ => Cow::Borrowed(base),
        };
        let client = match call.api_key {
            Some(key) if !key.is_empty() => None,
            _ => client(call.params, workspace.unwrap_or(base)),
        };
        let stands_in = client.is_some().then(|| Secret::new("token"));
        let api_key = stands_in.as_ref().or(call.api_key);
        row_endpoint(row, &Call { api_base: Some(&asked), api_key, ..*call }, out)?;
        if let Some(client) = client {
            out.headers.remove("authorization");
            out.auth = Some(AuthNeed::OAuth(Box::new(client)));
        }
        Ok(())
    }
}

/// Models of the catalog have a name of three parts.
fn in_catalog(model: &str) -> bool {
    model.matches('.').count() >= 2
}

/// The client of a deployment without a key.
/// <https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m>
fn client(params: &Params, workspace: &str) -> Option<OAuthClient> {
    let given = |field: &str, name: &str| params.str(field).map(str::to_owned).or_else(|| params.env(name));
    let client_id = given("client_id", "DATABRICKS_CLIENT_ID")?;
    let client_secret = Secret::new(given("client_secret", "DATABRICKS_CLIENT_SECRET")?);
    Some(OAuthClient {
        token_url: format!("{workspace}/oidc/v1/token"),
        client_id,
        client_secret,
        scope: Some("all-apis".to_owned()),
        basic: true,
        ..OAuthClient::default()
    })
}

#[cfg(test)]
mod tests {
    use llm_types::{Format, Json, OperationKind};

    use super::*;

    fn endpoint(model: &str, api_base: &str, key: Option<&str>) -> Endpoint {
        let params = Params::without_env([("client_id", Json::from("c")), ("client_secret", Json::from("s"))]);
        let key = key.map(Secret::new);
        let call = Call {
            api_base: Some(api_base),
            api_key: key.as_ref(),
            ..Call::new(OperationKind::Generate, Format::OpenAiChat, model, &params)
        };
        let mut out = Endpoint::default();
        Databricks.endpoint(&call, &mut out).unwrap();
        out
    }

    #[test]
    fn models_of_the_catalog_are_behind_the_gateway() {
        let url = |model, base| endpoint(model, base, Some("k")).url;
        let workspace = "https://w.test/serving-endpoints";
        assert_eq!(url("dbrx", workspace), "https://w.test/serving-endpoints/chat/completions");
        assert_eq!(url("claude-3.5", workspace), "https://w.test/serving-endpoints/chat/completions");
        assert_eq!(url("main.ai.dbrx", workspace), "https://w.test/ai-gateway/mlflow/v1/chat/completions");
        assert_eq!(url("main.ai.dbrx", "http://other/v1"), "http://other/v1/chat/completions");
    }

    #[test]
    fn a_key_goes_before_a_client() {
        let keyed = endpoint("dbrx", "https://w.test/serving-endpoints", Some("k"));
        assert!(keyed.auth.is_none());
        assert_eq!(keyed.headers["authorization"], "Bearer k");
        let client = endpoint("dbrx", "https://w.test/serving-endpoints", None);
        assert!(client.headers.get("authorization").is_none());
        let Some(AuthNeed::OAuth(oauth)) = client.auth else { panic!("no client") };
        assert_eq!(oauth.token_url, "https://w.test/oidc/v1/token");
        assert_eq!((oauth.client_id.as_str(), oauth.scope.as_deref(), oauth.basic), ("c", Some("all-apis"), true));
    }
}
