//! Agents as they are shown: to administrators all of them, to others those that they were granted.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use llm_store::{AgentRow, Filter, ListQuery, VerificationToken};
use llm_types::Json;
use tokio::task::JoinSet;

use super::{agent_id_of_name, no_agent, secrets};
use crate::keys::{bad, forbidden, view};
use crate::request::Outcome;
use crate::{Accounts, Identity};

/// How long an agent that is asked for its health may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What only administrators see of an agent.
const OF_ADMINS: [&str; 4] = ["static_headers", "extra_headers", "keys", "kill_switch"];

/// An agent with what decides on who sees it.
struct Listed {
    id: String,
    groups: Vec<String>,
    shown: Json,
}

impl Listed {
    fn new(row: &AgentRow, shown: Json) -> Self {
        Self { id: row.agent_id.clone(), groups: row.agent_access_groups.clone(), shown }
    }
}

impl Accounts {
    /// `GET /v1/agents`; `health_check` leaves out those whose address does not answer.
    ///
    /// # Errors
    /// 400 for a `query`: agents are not searched by meaning.
    pub async fn agents(&self, who: &Identity, health_check: bool, query: Option<&str>) -> Outcome<Json> {
        if query.is_some() {
            let why = "agent_search_not_configured: agents are not searched by meaning here";
            return Err(bad(why).with_param("query").into());
        }
        let mut listed = self.listed_agents().await?;
        listed.retain(|agent| who.sees_all() || who.is_granted_agent(&agent.id, &agent.groups));
        let public = self.public_agents().await?;
        let mut shown: Vec<Json> = Vec::new();
        for agent in listed {
            let mut told = agent.shown;
            let params = told.remove("litellm_params").filter(|params| params.as_object().is_some());
            let mut params = params.unwrap_or_else(|| Json::Object(Vec::new()));
            params.set("is_public", public.contains(&agent.id));
            told.set("litellm_params", params);
            shown.push(told);
        }
        self.with_agent_keys(&mut shown).await?;
        shown.iter_mut().for_each(|agent| told_to(who, agent));
        let shown = if health_check { self.answering(shown).await } else { shown };
        Ok(Json::Array(shown.into_iter().map(ordered).collect()))
    }

    /// `GET /v1/agents/{agent_id}`.
    ///
    /// # Errors
    /// 403 for an agent that the caller may not call, 404 for one that is not there.
    pub async fn agent(&self, who: &Identity, id: &str) -> Outcome<Json> {
        let found = self.listed_agent(id).await?;
        let groups = found.as_ref().map(|agent| agent.groups.as_slice()).unwrap_or_default();
        if !(who.sees_all() || who.may_call_agent(id, groups)) {
            let why = format!("Agent '{id}' is not allowed for your key/team. Contact proxy admin for access.");
            return Err(forbidden(why).into());
        }
        let found = found.ok_or_else(|| no_agent(id))?;
        let mut shown = [found.shown];
        self.with_agent_keys(&mut shown).await?;
        let [mut shown] = shown;
        told_to(who, &mut shown);
        Ok(ordered(shown))
    }

    /// A row as the answer of a call that changed it: only administrators make such calls.
    pub(super) async fn shown_agent(&self, row: &AgentRow) -> Outcome<Json> {
        Ok(ordered(self.with_grants(of_row(row)).await?))
    }

    /// The agent with this id: a row, or an agent of the file whose name no row has.
    async fn listed_agent(&self, id: &str) -> Outcome<Option<Listed>> {
        let mut rows = self.store_or_refuse()?.table::<AgentRow>();
        if let Some(row) = rows.get([id]).await? {
            return Ok(Some(Listed::new(&row, self.with_grants(of_row(&row)).await?)));
        }
        let Some((name, agent)) = self.file_agent(id).as_ref().and_then(of_file) else { return Ok(None) };
        let taken = !rows.find(Filter::new().is("agent_name", name)).await?.is_empty();
        Ok((!taken).then_some(agent))
    }

    /// Every agent: rows, the newest first, and those of the file whose name no row has.
    async fn listed_agents(&self) -> Outcome<Vec<Listed>> {
        let newest = ListQuery { filter: Filter::new(), ..ListQuery::default() }.sorted("created_at", true);
        let rows = self.store_or_refuse()?.table::<AgentRow>().rows(&newest).await?;
        let mut shown: Vec<Json> = rows.iter().map(of_row).collect();
        self.show_grants(&mut shown).await?;
        let mut out: Vec<Listed> = rows.iter().zip(shown).map(|(row, shown)| Listed::new(row, shown)).collect();
        let taken = |name: &str| rows.iter().any(|row| row.agent_name == name);
        out.extend(self.file_agents().iter().filter_map(of_file).filter(|(name, _)| !taken(name)).map(|(_, a)| a));
        Ok(out)
    }

    /// Puts the keys of each agent beside it: never themselves, only what tells them apart.
    async fn with_agent_keys(&self, shown: &mut [Json]) -> Outcome<()> {
        let ids: Vec<String> = shown.iter().filter_map(|a| a.text("agent_id").map(str::to_owned)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let of_agents = Filter::new().any_of("agent_id", ids);
        let keys = self.store_or_refuse()?.table::<VerificationToken>().find(of_agents).await?;
        for agent in shown {
            let own = keys.iter().filter(|key| key.agent_id.as_deref() == agent.text("agent_id"));
            let own: Vec<Json> = own
                .map(|key| {
                    Json::object([
                        ("token", Json::from(key.token.as_str())),
                        ("key_alias", Json::from(key.key_alias.as_deref())),
                        ("key_name", Json::from(key.key_name.as_deref())),
                    ])
                })
                .collect();
            agent.set("keys", if own.is_empty() { Json::Null } else { Json::Array(own) });
        }
        Ok(())
    }

    /// Those whose address answers with anything but a failure of its own; those without one first count as well.
    async fn answering(&self, agents: Vec<Json>) -> Vec<Json> {
        let mut probes = JoinSet::new();
        let mut healthy = vec![true; agents.len()];
        for (at, agent) in agents.iter().enumerate() {
            let url = agent.get("agent_card_params").and_then(super::agent_url);
            let Some(url) = url else { continue };
            let Ok(request) = Request::get(url).body(Bytes::new()) else {
                healthy.get_mut(at).into_iter().for_each(|slot| *slot = false);
                continue;
            };
            let accounts = self.clone();
            probes.spawn(async move {
                let Ok(serving) = accounts.serving() else { return (at, false) };
                let answer = tokio::time::timeout(PATIENCE, serving.send(request)).await;
                (at, answer.is_ok_and(|answer| answer.is_ok_and(|(status, _)| status < 500)))
            });
        }
        while let Some(probe) = probes.join_next().await {
            if let Ok((at, fine)) = probe
                && let Some(slot) = healthy.get_mut(at)
            {
                *slot = fine;
            }
        }
        agents.into_iter().zip(healthy).filter(|(_, healthy)| *healthy).map(|(agent, _)| agent).collect()
    }
}

/// A row with its secrets hidden.
fn of_row(row: &AgentRow) -> Json {
    let mut shown = view::row(row);
    for (name, raw) in [("litellm_params", &row.litellm_params), ("kill_switch", &row.kill_switch)] {
        let hidden = raw.as_ref().map(|raw| secrets::hidden(&raw.read().unwrap_or_default()));
        shown.set(name, hidden.unwrap_or_default());
    }
    shown
}

/// The name of an agent of the file, and the agent as the file has it.
fn of_file(entry: &Json) -> Option<(String, Listed)> {
    let name = entry.text("agent_name").filter(|name| !name.is_empty())?;
    entry.get("agent_card_params").filter(|card| card.as_object().is_some_and(|fields| !fields.is_empty()))?;
    let id = agent_id_of_name(name);
    let mut shown = entry.clone();
    shown.set("agent_id", id.as_str());
    for field in ["litellm_params", "kill_switch"] {
        shown.set(field, secrets::hidden(entry.get(field).unwrap_or(&Json::Null)));
    }
    let groups = entry.texts("agent_access_groups").map(str::to_owned).collect();
    Some((name.to_owned(), Listed { id, groups, shown }))
}

fn told_to(who: &Identity, agent: &mut Json) {
    if !who.is_admin() {
        OF_ADMINS.iter().for_each(|field| agent.set(field, Json::Null));
    }
}

/// The fields of an agent, in LiteLLM's order.
fn ordered(agent: Json) -> Json {
    const FIELDS: [&str; 21] = [
        "agent_id",
        "agent_name",
        "litellm_params",
        "agent_card_params",
        "object_permission",
        "spend",
        "tpm_limit",
        "rpm_limit",
        "session_tpm_limit",
        "session_rpm_limit",
        "static_headers",
        "extra_headers",
        "agent_access_groups",
        "access_group_ids",
        "kill_switch",
        "keys",
        "search_score",
        "created_at",
        "updated_at",
        "created_by",
        "updated_by",
    ];
    Json::object(FIELDS.map(|name| (name, agent.get(name).cloned().unwrap_or_default())))
}
