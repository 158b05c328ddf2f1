//! Grounding with Bing Search in a project of Microsoft Foundry:
//! <https://learn.microsoft.com/azure/ai-foundry/agents/how-to/tools/bing-grounding>
//!
//! The environment says which project (`BING_GROUNDING_PROJECT_ENDPOINT`), which of its models runs the search
//! (`BING_GROUNDING_MODEL`) and, where there is one, which connection to Bing (`BING_GROUNDING_CONNECTION_ID`).

use llm_types::{Error, Json, Result};

use crate::azure::entra::{Directory, directory_for};
use crate::endpoint::{join, no_base};
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct BingGrounding;

const PATH: &str = "/openai/v1/responses";
/// Whom tokens of the directory are for.
const SCOPE: &str = "https://ai.azure.com/.default";
const TOKEN: &str = "BING_GROUNDING_TOKEN";
const PROJECT: &str = "BING_GROUNDING_PROJECT_ENDPOINT";
const MODEL: &str = "BING_GROUNDING_MODEL";
const CONNECTION: &str = "BING_GROUNDING_CONNECTION_ID";

impl Provider for BingGrounding {
    fn row(&self) -> &'static ProviderRow {
        &generated::BING_GROUNDING
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        out.url = join(&base, PATH, row);
        out.set("content-type", "application/json")?;
        out.set_extra(call.params)?;
        if let Some(key) = call.api_key.filter(|k| !k.is_empty()) {
            return out.set("api-key", key.expose());
        }
        // The environment's token belongs to the environment's project.
        let own = call.api_base.is_none_or(|base| call.params.env(PROJECT).as_deref() == Some(base));
        if let Some(token) = call.params.env(TOKEN).filter(|_| own) {
            return out.set("authorization", &format!("Bearer {token}"));
        }
        match directory_for(call.params, SCOPE) {
            Some(Directory::Token(token)) => out.set("authorization", &format!("Bearer {}", token.expose())),
            Some(Directory::Ask(need)) => {
                out.auth = Some(need);
                Ok(())
            }
            None => Err(no_credential()),
        }
    }

    fn fill_task(&self, call: &Call<'_>, fields: &mut Json) -> Result<()> {
        let unknown = || {
            let why = format!("set {MODEL} to the model of the project that runs the search, gpt-4.1 for example");
            Error::bad_request(why).with_param("model")
        };
        fields.set("model", call.params.env(MODEL).ok_or_else(unknown)?);
        if let Some(connection) = call.params.env(CONNECTION) {
            fields.set("project_connection_id", connection);
        }
        Ok(())
    }
}

fn no_credential() -> Error {
    let why =
        format!("a search with Bing needs a credential: give api_key, set {TOKEN}, or configure a login of Azure");
    Error::new(llm_types::Kind::Authentication, why)
}
