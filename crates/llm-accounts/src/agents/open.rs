//! Agents that everybody may know of (`litellm_settings.public_agent_groups`).

use llm_store::AgentRow;
use llm_types::Json;

use super::{PublicBody, agent_id_of_name, no_agent};
use crate::Accounts;
use crate::keys::{Actor, bad};
use crate::request::{Outcome, required};

/// The setting with their ids.
const SETTING: &str = "public_agent_groups";

impl Accounts {
    /// `POST /v1/agents/make_public`: these agents and no others.
    ///
    /// # Errors
    /// 404 for an agent that is not there.
    pub async fn make_agents_public(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = required(PublicBody::read(body)?.agent_ids, "agent_ids", body)?;
        let rows = self.store_or_refuse()?.table::<AgentRow>().get_many(&ids).await?;
        let of_file = self.file_agents();
        let mut known: Vec<String> =
            of_file.iter().filter_map(|a| a.text("agent_name")).map(agent_id_of_name).collect();
        known.extend(rows.into_iter().map(|row| row.agent_id));
        if let Some(stranger) = ids.iter().find(|id| !known.contains(id)) {
            return Err(no_agent(stranger).into());
        }
        self.publish(actor, ids).await
    }

    /// `POST /v1/agents/{agent_id}/make_public`: this one besides.
    ///
    /// # Errors
    /// 404 for an agent that is not there, 400 for one that is public.
    pub async fn make_agent_public(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        let name = self.agent_name(id).await?;
        let mut ids = self.public_agents().await?;
        if ids.iter().any(|known| known == id) {
            return Err(bad(format!("Agent with name {name} already in public agent groups")).into());
        }
        ids.push(id.to_owned());
        self.publish(actor, ids).await
    }

    /// The ids of the agents that are public.
    pub(super) async fn public_agents(&self) -> Outcome<Vec<String>> {
        let list = self.litellm_setting(SETTING).await?;
        let ids = list.as_array().unwrap_or_default().iter().filter_map(Json::as_str);
        Ok(ids.map(str::to_owned).collect())
    }

    async fn publish(&self, actor: Actor<'_>, ids: Vec<String>) -> Outcome<Json> {
        let list = Json::Array(ids.into_iter().map(Json::from).collect());
        self.change_litellm(actor, &Json::object([(SETTING, list.clone())])).await?;
        Ok(Json::object([
            ("message", Json::from("Successfully updated public agent groups")),
            ("public_agent_groups", list),
            ("updated_by", Json::from(actor.name().unwrap_or_default())),
        ]))
    }

    /// The name of the agent with this id.
    async fn agent_name(&self, id: &str) -> Outcome<String> {
        if let Some(row) = self.store_or_refuse()?.table::<AgentRow>().get([id]).await? {
            return Ok(row.agent_name);
        }
        let agent = self.file_agent(id).ok_or_else(|| no_agent(id))?;
        Ok(agent.text("agent_name").unwrap_or_default().to_owned())
    }
}
