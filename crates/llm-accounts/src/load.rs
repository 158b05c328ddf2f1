//! From the rows of a key, its team and its user to an [`Identity`].

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::HeaderValue;
use llm_store::{
    AccessGroupRow, AgentRow, BudgetRow, ModelAliasRow, OrganizationMembershipRow, OrganizationRow, ProjectRow, Store,
    StoreError, TeamMembershipRow, TeamRow, UserRow, VerificationToken,
};
use llm_types::record::{Caller, OwnCallback};
use llm_types::{Json, RawJson};

use crate::accounts::Inner;
use crate::allow::ModelList;
use crate::callbacks;
use crate::grants::{self, Grants};
use crate::identity::{Alias, Freshness, Identity, LimitTexts, Lists, Rank};
use crate::special::Wanted;
use crate::switches::{GuardWish, Switches};
use crate::{KeyDigest, Role, refusal};

/// The guardrails of a key, a team or a project, in its metadata.
pub(crate) const GUARDRAILS: &str = "guardrails";
/// Their policies: in a column of their own, or, where LiteLLM wrote them, in their metadata.
pub(crate) const POLICIES: &str = "policies";

/// Lets a key or a team keep what it says in logs whose content the operator leaves out, in their metadata.
pub(crate) const REDACTION_OPT_OUT: &str = "allow_client_message_redaction_opt_out";

/// The budget of end users that have none, in a key's metadata.
pub(crate) const END_USER_BUDGET: &str = "end_user_budget_id";

/// Fields that bodies have to have, in a key's metadata.
pub(crate) const ENFORCED: &str = "enforced_params";

/// The rows that a key stands on.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) key: VerificationToken,
    pub(crate) budget: Option<BudgetRow>,
    pub(crate) team: Option<TeamRow>,
    team_aliases: Option<RawJson>,
    pub(crate) user: Option<UserRow>,
    pub(crate) membership: Option<(TeamMembershipRow, Option<BudgetRow>)>,
    pub(crate) organization: Option<(OrganizationRow, Option<BudgetRow>)>,
    /// Of the key's user in the organization.
    pub(crate) organization_member: Option<(OrganizationMembershipRow, Option<BudgetRow>)>,
    pub(crate) project: Option<(ProjectRow, Option<BudgetRow>)>,
    pub(crate) agent: Option<AgentRow>,
    /// Access groups of the key, its team and its agent, which may use nothing else.
    groups: HashMap<String, AccessGroupRow>,
    grants: Grants,
    /// There is no key: its row was made up.
    pub(crate) keyless: bool,
}

impl Rows {
    /// Reads the rows of the key with this hash; nothing when there is no such key.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn read(store: &Store, hash: &str) -> Result<Option<Self>, StoreError> {
        let Some(key) = store.keys().resolve(hash).await? else { return Ok(None) };
        Self::below(store, key).await.map(Some)
    }

    /// These rows for a caller who has no key: nothing is counted for one.
    pub(crate) fn keyless(self) -> Self {
        Self { keyless: true, ..self }
    }

    /// Reads the rows that a key stands on.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn below(store: &Store, key: VerificationToken) -> Result<Self, StoreError> {
        let own = budget(store, key.budget_id.as_deref()).await?;
        let mut rows = Self { budget: own, ..Self::default() };
        if let Some(id) = &key.team_id {
            rows.team = store.table::<TeamRow>().get([id.as_str()]).await?;
        }
        if let Some(id) = rows.team.as_ref().and_then(|t| t.model_id) {
            let found = store.table::<ModelAliasRow>().find(llm_store::Filter::new().is("id", id)).await?;
            rows.team_aliases = found.into_iter().next().and_then(|row| row.aliases);
        }
        if let Some(id) = &key.user_id {
            rows.user = store.table::<UserRow>().get([id.as_str()]).await?;
        }
        if let (Some(user), Some(team)) = (&key.user_id, &key.team_id)
            && let Some(membership) = store.table::<TeamMembershipRow>().get([user.as_str(), team.as_str()]).await?
        {
            // The team has one for members without their own.
            let team = object(rows.team.as_ref().map(|t| &t.metadata));
            let default = team.text("team_member_budget_id");
            let budget = budget(store, membership.budget_id.as_deref().or(default)).await?;
            rows.membership = Some((membership, budget));
        }
        let organization = key.organization_id.as_ref();
        if let Some(id) = organization.or_else(|| rows.team.as_ref().and_then(|t| t.organization_id.as_ref()))
            && let Some(row) = store.table::<OrganizationRow>().get([id.as_str()]).await?
        {
            let own = budget(store, Some(&row.budget_id)).await?;
            if let Some(user) = &key.user_id
                && let Some(member) =
                    store.table::<OrganizationMembershipRow>().get([user.as_str(), id.as_str()]).await?
            {
                let own = budget(store, member.budget_id.as_deref()).await?;
                rows.organization_member = Some((member, own));
            }
            rows.organization = Some((row, own));
        }
        if let Some(id) = &key.project_id
            && let Some(row) = store.table::<ProjectRow>().get([id.as_str()]).await?
        {
            let budget = budget(store, row.budget_id.as_deref()).await?;
            rows.project = Some((row, budget));
        }
        if let Some(id) = &key.agent_id {
            rows.agent = store.table::<AgentRow>().get([id.as_str()]).await?;
        }
        rows.key = key;
        let ids: Vec<String> = rows.group_ids().into_iter().flatten().cloned().collect();
        let groups = store.table::<AccessGroupRow>().get_many(&ids).await?;
        rows.groups = groups.into_iter().map(|group| (group.access_group_id.clone(), group)).collect();
        rows.grants = rows.granted(store).await?;
        Ok(rows)
    }

    /// The ids of the access groups of the key, its team, its agent.
    fn group_ids(&self) -> [&[String]; 3] {
        let team = self.team.as_ref().map_or(&[][..], |team| &team.access_group_ids);
        let agent = self.agent.as_ref().map_or(&[][..], |agent| &agent.access_group_ids);
        [&self.key.access_group_ids, team, agent]
    }

    /// The access groups with these ids.
    fn groups_of(&self, ids: &[String]) -> impl Iterator<Item = &AccessGroupRow> {
        ids.iter().filter_map(|id| self.groups.get(id))
    }

    /// The agents of access groups; nothing where no group is named.
    fn agents_of(&self, ids: &[String]) -> Option<Vec<String>> {
        let agents = || self.groups_of(ids).flat_map(|group| group.access_agent_ids.iter().cloned()).collect();
        (!ids.is_empty()).then(agents)
    }

    /// The object permissions that the rows refer to.
    async fn granted(&self, store: &Store) -> Result<Grants, StoreError> {
        let ids = [
            self.key.object_permission_id.as_ref(),
            self.team.as_ref().and_then(|row| row.object_permission_id.as_ref()),
            self.user.as_ref().and_then(|row| row.object_permission_id.as_ref()),
            self.project.as_ref().and_then(|(row, _)| row.object_permission_id.as_ref()),
            self.organization.as_ref().and_then(|(row, _)| row.object_permission_id.as_ref()),
            self.agent.as_ref().and_then(|row| row.object_permission_id.as_ref()),
        ];
        let [key, team, user, project, organization, agent] = grants::read(store, ids).await?;
        let [of_key, of_team, of_agent] = self.group_ids();
        Ok(Grants {
            key,
            team,
            user,
            project,
            organization,
            agent,
            group_mcp_servers: self.groups_of(of_key).flat_map(|g| g.access_mcp_server_ids.iter().cloned()).collect(),
            group_agents: self.agents_of(of_key),
            team_group_agents: self.agents_of(of_team),
            agent_group_agents: self.agents_of(of_agent),
        })
    }

    /// What the metadata of key, team and project say of guardrails, and the rows of their policies.
    fn guards(&self, [key, team, project]: [&Json; 3]) -> GuardWish {
        let all = |places: &[&Json], name: &str| places.iter().flat_map(|of| texts(of, name)).collect();
        let mut policies: Vec<String> = all(&[key, team, project], POLICIES);
        let of_rows = [
            Some(&self.key.policies),
            self.team.as_ref().map(|team| &team.policies),
            self.user.as_ref().map(|user| &user.policies),
        ];
        policies.extend(of_rows.into_iter().flatten().flatten().cloned());
        GuardWish {
            names: all(&[key, team, project], GUARDRAILS),
            opted_out: all(&[key, team], "opted_out_global_guardrails"),
            policies,
            no_global: flag(key, "disable_global_guardrails") || flag(team, "disable_global_guardrails"),
        }
    }

    /// The identity that follows from the rows. `clean` says that no flush ran while they were read.
    /// What the configuration says of the team's callbacks (`default_team_settings`).
    fn configured_callbacks(&self, inner: &Inner) -> Option<Arc<[OwnCallback]>> {
        let (settings, team) = (inner.settings(), self.key.team_id.as_deref()?);
        let (_, said) = settings.team_callbacks.iter().find(|(id, _)| id == team)?;
        callbacks::own(&Json::Null, said, || None)
    }

    pub(crate) fn identity(mut self, inner: &Inner, digest: KeyDigest, clean: bool) -> Identity {
        let now = Utc::now();
        if let (None, Some(id)) = (&self.agent, &self.key.agent_id) {
            self.agent = inner.directory.load().agents.get(id).cloned();
        }
        let key = &self.key;
        let metadata = object(Some(&key.metadata));
        let team_metadata = object(self.team.as_ref().map(|t| &t.metadata));
        let project_metadata = object(self.project.as_ref().map(|(project, _)| &project.metadata));
        let shown: Arc<str> = key.key_name.as_deref().or(key.key_alias.as_deref()).unwrap_or("sk-...").into();
        let switches = Switches {
            mock: flag(&metadata, "allow_client_mock_response") || flag(&team_metadata, "allow_client_mock_response"),
            may_unredact: flag(&metadata, REDACTION_OPT_OUT) || flag(&team_metadata, REDACTION_OPT_OUT),
            disabled_callbacks: texts(&metadata, "litellm_disabled_callbacks")
                .into_iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            no_fallbacks: flag(&metadata, "disable_fallbacks") || flag(&team_metadata, "disable_fallbacks"),
            tags: [&metadata, &team_metadata, &project_metadata].into_iter().flat_map(|of| texts(of, "tags")).collect(),
            spend_logs_metadata: metadata.get("spend_logs_metadata").filter(|m| !m.is_null()).map(Json::to_raw),
            cache: metadata.get("cache").filter(|m| !m.is_null()).map(Json::to_raw),
            passthrough: [&metadata, &team_metadata]
                .into_iter()
                .flat_map(|of| texts(of, "allowed_passthrough_routes"))
                .collect(),
            indexes: [&metadata, &team_metadata].into_iter().flat_map(indexes).collect(),
            guards: self.guards([&metadata, &team_metadata, &project_metadata]),
            enforced: texts(&metadata, ENFORCED),
            expiries: crate::expiry::enforced(&team_metadata),
            marks_prompts: flag(&metadata, "enable_prompt_caching"),
            sees_spend: object(Some(&key.permissions))
                .get("get_spend_routes")
                .is_some_and(|value| !value.is_null() && value.as_bool() != Some(false)),
            cache_controls: key.allowed_cache_controls.clone(),
            prompts: [&metadata, &team_metadata]
                .map(|of| of.get("prompts").filter(|named| !named.is_null()).map(|_| texts(of, "prompts"))),
            end_user_budget: metadata.text(END_USER_BUDGET).filter(|id| !id.is_empty()).map(Into::into),
            service_account: metadata.get("service_account_id").is_some_and(|id| !id.is_null()),
        };
        let callbacks = callbacks::own(&metadata, &team_metadata, || inner.settings().seal());
        let callbacks = callbacks.or_else(|| self.configured_callbacks(inner));
        let role = self.user.as_ref().and_then(|u| u.user_role.as_deref()).and_then(Role::parse);
        let max_budget = self.max_budget(&metadata, now);
        let mut identity = Identity::bare(Rank::Key, &shown, Arc::clone(&inner.directory));
        identity.digest = Some(digest);
        identity.role = role;
        identity.lists = self.lists();
        identity.aliases = aliases(Some(&key.aliases));
        identity.team_aliases = aliases(self.team_aliases.as_ref());
        identity.allowed_routes.clone_from(&key.allowed_routes);
        identity.expires = key.expires;
        identity.refusal = self.refusal();
        identity.team_blocked = self.team.as_ref().is_some_and(|t| t.blocked);
        identity.project_blocked = self.project.as_ref().is_some_and(|(project, _)| project.blocked);
        identity.throttle = self.throttle(inner, &metadata);
        identity.bounds = self.bounds(inner, &shown, (max_budget, identity.throttle.is_some()), clean);
        let team = self.team.as_ref().map(|team| (&*team.team_id, &team_metadata));
        let wanted = Wanted { key: (&key.token, &shown), metadata: &metadata, team, agent: self.agent.as_ref() };
        identity.special = wanted.special(&inner.kv);
        let priority = |of: &Json| of.text("priority").map(Box::from);
        identity.priority = priority(&team_metadata).or_else(|| priority(&metadata));
        identity.budget_fallbacks = fallbacks(&object(Some(&key.budget_fallbacks)));
        identity.texts = self.texts(max_budget);
        identity.switches = switches;
        let filled =
            |raw: Option<&RawJson>| raw.filter(|r| r.get().trim_start().starts_with('{') && r.get().len() > 2).cloned();
        identity.router_settings.key = filled(key.router_settings.as_ref());
        identity.router_settings.team = filled(self.team.as_ref().and_then(|t| t.router_settings.as_ref()));
        identity.fresh = Freshness { loaded: inner.kv.now().0, ..Freshness::default() };
        identity.grants = std::mem::take(&mut self.grants);
        identity.caller = Caller { callbacks, ..self.caller() };
        identity
    }

    /// The key's limit with what an administrator added for a while.
    fn max_budget(&self, metadata: &Json, now: DateTime<Utc>) -> Option<f64> {
        let own = self
            .key
            .max_budget
            .or_else(|| self.budget.as_ref().and_then(|b| b.max_budget))
            .filter(|b| b.is_finite())?;
        let until = metadata.text("temp_budget_expiry").and_then(crate::keys::instant);
        Some(own + increase(metadata.get("temp_budget_increase").and_then(Json::as_f64), until, now))
    }

    /// The part of its limits that a key keeps once its budget is spent, when it is throttled in place of being refused: it
    /// has to have limits for that.
    fn throttle(&self, inner: &Inner, metadata: &Json) -> Option<f64> {
        let limits = self.key_limits();
        let wanted = flag(metadata, "throttle_on_budget_exceeded") && (limits.rpm.is_some() || limits.tpm.is_some());
        inner.settings().budget_exceeded_throttle.filter(|part| wanted && *part > 0.0 && *part <= 1.0)
    }

    fn lists(&self) -> Lists {
        let mut key = ModelList::new(&self.key.models);
        let models = |ids| self.groups_of(ids).flat_map(|group| group.access_model_names.iter().cloned());
        key.add(models(&self.key.access_group_ids));
        Lists {
            key,
            team: self.team.as_ref().map(|t| ModelList::new(&t.models)),
            member: self.membership.as_ref().and_then(|(_, b)| b.as_ref()).map(|b| ModelList::new(&b.allowed_models)),
            project: self.project.as_ref().map(|(project, _)| ModelList::new(&project.models)),
            agent: self.agent.as_ref().filter(|agent| !agent.access_group_ids.is_empty()).map(|agent| {
                let mut list = ModelList::nothing();
                list.add(models(&agent.access_group_ids));
                list
            }),
            user: self.user.as_ref().map(|u| ModelList::new(&u.models)),
            nothing_personal: self.user.as_ref().is_some_and(|u| u.models.iter().any(|m| m == "no-default-models")),
        }
    }

    fn refusal(&self) -> Option<llm_types::Error> {
        if self.key.blocked == Some(true) {
            return Some(refusal::blocked_key());
        }
        self.user.as_ref().is_some_and(crate::sessions::inactive).then(refusal::inactive_user)
    }

    fn texts(&self, max_budget: Option<f64>) -> LimitTexts {
        let limits = self.key_limits();
        LimitTexts {
            tpm: limits.tpm.map(HeaderValue::from),
            rpm: limits.rpm.map(HeaderValue::from),
            max_budget: max_budget.and_then(|n| HeaderValue::try_from(n.to_string()).ok()),
        }
    }

    fn caller(self) -> Caller {
        let some = |text: Option<String>| text.filter(|t| !t.is_empty()).map(Arc::<str>::from);
        let organization =
            self.key.organization_id.or_else(|| self.team.as_ref().and_then(|t| t.organization_id.clone()));
        Caller {
            key_hash: Some(self.key.token.into()),
            key_alias: some(self.key.key_alias),
            user_id: some(self.key.user_id),
            user_email: some(self.user.and_then(|u| u.user_email)),
            team_id: some(self.key.team_id),
            team_alias: some(self.team.and_then(|t| t.team_alias)),
            organization_id: some(organization),
            project_id: some(self.key.project_id),
            agent_id: some(self.key.agent_id),
            end_user: None,
            callbacks: None,
        }
    }
}

async fn budget(store: &Store, id: Option<&str>) -> Result<Option<BudgetRow>, StoreError> {
    match id {
        Some(id) => store.table::<BudgetRow>().get([id]).await,
        None => Ok(None),
    }
}

/// What an administrator added for a while.
pub(crate) fn increase(by: Option<f64>, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> f64 {
    by.filter(|_| until.is_some_and(|until| until > now)).unwrap_or(0.0)
}

/// Model → the models that calls go on to.
fn fallbacks(map: &Json) -> Box<[(Box<str>, Box<[Box<str>]>)]> {
    let lists = map.as_object().unwrap_or_default().iter();
    let names =
        |list: &Json| list.as_array().unwrap_or_default().iter().filter_map(|to| to.as_str().map(Box::from)).collect();
    lists.map(|(from, to)| (from.as_str().into(), names(to))).collect()
}

pub(crate) fn object(raw: Option<&RawJson>) -> Json {
    raw.and_then(|r| r.read().ok()).unwrap_or_default()
}

fn flag(metadata: &Json, name: &str) -> bool {
    metadata.get(name).and_then(Json::as_bool) == Some(true)
}

pub(crate) fn texts(metadata: &Json, name: &str) -> Vec<String> {
    metadata.texts(name).map(str::to_owned).collect()
}

/// `allowed_vector_store_indexes`: names, and what may be done there.
fn indexes(metadata: &Json) -> Vec<(String, Vec<String>)> {
    let listed = metadata.get("allowed_vector_store_indexes").and_then(Json::as_array).unwrap_or_default();
    let named = |item: &Json| Some((item.text("index_name")?.to_owned(), texts(item, "index_permissions")));
    listed.iter().filter_map(named).collect()
}

fn aliases(raw: Option<&RawJson>) -> Box<[Alias]> {
    let map = crate::teams::aliases(raw);
    let pairs = map.as_object().unwrap_or_default().iter();
    pairs.filter_map(|(from, to)| Some((from.as_str().into(), to.as_str()?.into()))).collect()
}
