//! A gateway of Amazon Bedrock AgentCore with a target that searches the web:
//! <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-target-connector-web-search-tool.html>
//!
//! Gateways that ask for a token get it as it is; others get AWS's signature.

use llm_types::{Json, Result};

use crate::aws;
use crate::endpoint::no_base;
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct Agentcore;

/// What stands in front of the region in a gateway's host.
const HOST: &str = ".gateway.bedrock-agentcore.";

impl Provider for Agentcore {
    fn row(&self) -> &'static ProviderRow {
        &generated::AGENTCORE
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        out.url = base.into_owned();
        out.set("content-type", "application/json")?;
        out.set("accept", "application/json, text/event-stream")?;
        out.set_extra(call.params)?;
        // The environment's token belongs to the environment's gateway.
        let foreign = call.api_base.is_some_and(|b| call.params.env("AGENTCORE_GATEWAY_URL").as_deref() != Some(b));
        let key =
            if foreign { call.api_key.filter(|k| !k.is_empty()).cloned() } else { row.key(call.api_key, call.params) };
        match key {
            Some(key) => out.set("authorization", &format!("Bearer {}", key.expose()))?,
            None => {
                let of_host = out.url.split_once(HOST).and_then(|(_, rest)| rest.split('.').next()).map(str::to_owned);
                let region = aws::region(call.params, of_host.as_deref());
                out.auth = Some(aws::auth("bedrock-agentcore", region, call.params));
            }
        }
        Ok(())
    }

    fn fill_task(&self, call: &Call<'_>, fields: &mut Json) -> Result<()> {
        if fields.get("tool_name").is_none_or(Json::is_null)
            && let Some(tool) = call.params.env("AGENTCORE_SEARCH_TOOL_NAME")
        {
            fields.set("tool_name", tool);
        }
        Ok(())
    }
}
