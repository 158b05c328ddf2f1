//! A2A agents of the database, beside those of the file: making, changing, deleting and showing them. Secrets of their
//! parameters are sealed one by one and never shown again. Call these on the store's runtime.
//!
//! | file | what |
//! |---|---|
//! | here | the calls that change rows |
//! | `body` | what a body asks for |
//! | `card` | what becomes of a card: agents are reached through the gateway |
//! | `secrets` | what is hidden, and stays when it comes back hidden |
//! | `shown` | `GET /v1/agents`: whose agents a caller sees |
//! | `switch` | the call that stops an agent somewhere else |
//! | `open` | agents that everybody may know of |
//! | `access` | whether a caller may call an agent |

mod access;
mod body;
mod card;
mod open;
mod secrets;
mod shown;
mod switch;

use llm_store::defaults::new_id;
use llm_store::{AgentRow, Filter, StoreTx};
use llm_types::{Error, Json};
use sha2::{Digest as _, Sha256};

use crate::Accounts;
use crate::audit::Action;
use crate::grants;
use crate::keys::{Actor, bad, not_found};
use crate::load::object;
use crate::request::{Outcome, body as fields, required, unless_taken, without_references};
use crate::seal::Seal;
use crate::serving::Changed;
use crate::stored::StoredAgent;
use body::AgentBody;
pub use card::{agent_url, own_card};

/// The id of an agent of the file: it stays when anything but the name changes.
#[must_use]
pub fn agent_id_of_name(name: &str) -> String {
    hex::encode(Sha256::digest(name.as_bytes()))
}

fields! {
    /// `POST /v1/agents/make_public`.
    struct PublicBody {
        agent_ids: Vec<String>,
    }
}

impl Accounts {
    /// `POST /v1/agents`: a new agent, served when this returns.
    ///
    /// # Errors
    /// 400 for a name that exists and for what could not be served; 422 for wrong types.
    pub async fn new_agent(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = AgentBody::read(body)?;
        let name = required(asked.agent_name.clone(), "agent_name", body)?;
        required(asked.agent_card_params.clone(), "agent_card_params", body)?;
        self.stores_models()?;
        self.agent_name_is_free(&name, "").await?;
        let mut row = AgentRow {
            agent_id: new_id(),
            created_by: actor.name().unwrap_or_else(|| "unknown".to_owned()),
            ..AgentRow::default()
        };
        asked.replace(&mut row);
        self.take_agent(&asked, &mut row, actor)?;
        self.check_agent(&row).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        row.object_permission_id = self.agent_grants(&mut tx, actor, &asked, None).await?;
        let taken = format!("Agent with name {name} already exists");
        unless_taken(tx.table().insert(&row).await, taken, "agent_name")?;
        self.audit(tx.table(), actor, Action::Created, &row.agent_id, None, Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        self.shown_agent(&row).await
    }

    /// `PUT /v1/agents/{agent_id}` (`whole`): what is not given is taken away, but limits and secrets stay. `PATCH` of the
    /// same: what is given changes.
    ///
    /// # Errors
    /// As [`Accounts::new_agent`]; 404 for an agent that is not in the database.
    pub async fn change_agent(&self, actor: Actor<'_>, id: &str, body: &Json, whole: bool) -> Outcome<Json> {
        let asked = AgentBody::read(body)?;
        if whole {
            required(asked.agent_name.clone(), "agent_name", body)?;
            required(asked.agent_card_params.clone(), "agent_card_params", body)?;
        }
        self.stores_models()?;
        let before = self.agent_row(id).await?;
        if let Some(name) = asked.agent_name.as_ref().and_then(Option::as_deref) {
            self.agent_name_is_free(name, id).await?;
        }
        let mut after = before.clone();
        if whole {
            asked.replace(&mut after);
        }
        self.take_agent(&asked, &mut after, actor)?;
        after.updated_at = chrono::Utc::now();
        self.check_agent(&after).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        after.object_permission_id =
            self.agent_grants(&mut tx, actor, &asked, before.object_permission_id.as_deref()).await?;
        let taken = format!("Agent with name {} already exists", after.agent_name);
        unless_taken(tx.table().put(&after).await, taken, "agent_name")?;
        self.audit(tx.table(), actor, Action::Updated, id, Some(&before), Some(&after)).await?;
        self.commit_and_serve(tx).await?;
        self.forget_agent(id);
        self.shown_agent(&after).await
    }

    /// `DELETE /v1/agents/{agent_id}`. Its keys stay, without its limits.
    ///
    /// # Errors
    /// 404 for an agent that is not in the database.
    pub async fn delete_agent(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        self.stores_models()?;
        let row = self.store_or_refuse()?.table::<AgentRow>().get([id]).await?;
        let row =
            row.ok_or_else(|| not_found(format!("Agent with ID {id} not found in DB.")).with_param("agent_id"))?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.erase(&mut tx, actor, id, &row).await?;
        self.link_grants(&mut tx, actor, Some(&grants::Asked::Nothing), row.object_permission_id.as_deref()).await?;
        self.commit_and_serve(tx).await?;
        self.forget_agent(id);
        Ok(Json::object([("message", format!("Agent {id} deleted successfully"))]))
    }

    async fn agent_row(&self, id: &str) -> Outcome<AgentRow> {
        let row = self.store_or_refuse()?.table::<AgentRow>().get([id]).await?;
        Ok(row.ok_or_else(|| no_agent(id))?)
    }

    /// Keys of an agent, and what it lets its sessions use, are read anew: its limits are others now.
    fn forget_agent(&self, id: &str) {
        self.forget_keys(|known| known.caller().agent_id.as_deref() == Some(id));
        self.inner().parties.forget();
    }

    /// Lays what is given over a row.
    fn take_agent(&self, asked: &AgentBody, row: &mut AgentRow, actor: Actor<'_>) -> Outcome<()> {
        if let Some(params) = asked.litellm_params.as_ref().map(|given| given.as_ref().map(|map| &map.0)) {
            let seal = self.seal();
            let there = row.litellm_params.as_ref().map(|raw| secrets::opened(seal.as_ref(), raw));
            let empty = Json::Object(Vec::new());
            let params = secrets::restored(params.unwrap_or(&empty), there.as_ref());
            without_references(Some(&params))?;
            row.litellm_params = Some(self.sealed_secrets(&params)?.to_raw());
        }
        if let Some(given) = &asked.kill_switch {
            row.kill_switch = match given {
                None => None,
                Some(map) => {
                    let seal = self.seal();
                    let there = row.kill_switch.as_ref().map(|raw| secrets::opened(seal.as_ref(), raw));
                    let switch = secrets::restored_switch(&map.0, there.as_ref());
                    switch::check(&switch)?;
                    Some(self.sealed_secrets(&switch)?.to_raw())
                }
            };
        }
        asked.over(row)?;
        if let Some(Some(map)) = &asked.agent_card_params {
            let base = self.settings().login.base_url.clone().unwrap_or_default();
            let name = asked.agent_name.as_ref().and_then(Option::as_deref);
            row.agent_card_params = card::merged(&map.0, name, &base, &row.agent_id)?.to_raw();
        }
        row.updated_by = actor.name().unwrap_or_else(|| "unknown".to_owned());
        Ok(())
    }

    /// A map whose secrets are sealed; the rest stays as LiteLLM writes it, who reads the same rows.
    fn sealed_secrets(&self, map: &Json) -> Outcome<Json> {
        if !secrets::any(map) {
            return Ok(map.clone());
        }
        let seal = self.seal_or_refuse()?;
        Ok(secrets::each(map, &|text| seal.seal(text))?)
    }

    async fn agent_grants(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        asked: &AgentBody,
        there: Option<&str>,
    ) -> Outcome<Option<String>> {
        // Null leaves them, as in LiteLLM.
        let given = asked.object_permission.clone().filter(Option::is_some);
        let linked = self.link_grants(tx, actor, grants::asked(&given)?.as_ref(), there).await?;
        Ok(linked.unwrap_or_else(|| there.map(str::to_owned)))
    }

    async fn agent_name_is_free(&self, name: &str, id: &str) -> Outcome<()> {
        if name.is_empty() || name.contains('/') {
            return Err(bad("agent_name must be a text without slashes: paths name it")
                .with_param("agent_name")
                .into());
        }
        let named = Filter::new().is("agent_name", name.to_owned());
        let rows = self.store_or_refuse()?.table::<AgentRow>().find(named).await?;
        let in_file = self.file_agents().iter().any(|agent| agent.text("agent_name") == Some(name));
        if in_file || rows.iter().any(|row| row.agent_id != id) {
            return Err(bad(format!("Agent with name {name} already exists")).with_param("agent_name").into());
        }
        Ok(())
    }

    /// The agents of the file, as it has them.
    fn file_agents(&self) -> Vec<Json> {
        let section = |name| self.serving().map(|serving| serving.section(name)).unwrap_or_default();
        let of = |list: &Json| list.as_array().map(<[Json]>::to_vec);
        let filled = of(&section("agents")).filter(|agents| !agents.is_empty());
        filled.or_else(|| of(&section("agent_list"))).unwrap_or_default()
    }

    /// The agent of the file with this id.
    fn file_agent(&self, id: &str) -> Option<Json> {
        let is = |agent: &Json| agent.text("agent_name").is_some_and(|name| agent_id_of_name(name) == id);
        self.file_agents().into_iter().find(is)
    }

    /// Refuses an agent that could not be served.
    async fn check_agent(&self, row: &AgentRow) -> Outcome<()> {
        let mut draft = self.stored().await?;
        draft.agents.retain(|known| known.id != row.agent_id);
        draft.agents.push(StoredAgent::of(row, self.seal().as_ref()));
        self.check_draft(&draft, Changed::Rest)
    }
}

fn no_agent(id: &str) -> Error {
    not_found(format!("Agent with ID {id} not found")).with_param("agent_id")
}

impl StoredAgent {
    /// A row with its secrets opened.
    pub(crate) fn of(row: &AgentRow, seal: Option<&Seal>) -> Self {
        let open = |raw: &Option<llm_types::RawJson>| raw.as_ref().map(|raw| secrets::opened(seal, raw));
        let texts = |list: &[String]| Json::Array(list.iter().map(|item| Json::from(item.as_str())).collect());
        let spec = Json::object([
            ("agent_name", Json::from(row.agent_name.as_str())),
            ("agent_card_params", object(Some(&row.agent_card_params))),
            ("litellm_params", open(&row.litellm_params).unwrap_or_default()),
            ("static_headers", object(row.static_headers.as_ref())),
            ("extra_headers", texts(&row.extra_headers)),
            ("agent_access_groups", texts(&row.agent_access_groups)),
        ]);
        Self { id: row.agent_id.clone(), name: row.agent_name.clone(), spec }
    }
}
