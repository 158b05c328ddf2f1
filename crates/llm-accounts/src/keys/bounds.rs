//! Nobody hands out more than they have: what a key may get from the key that makes the call.

use chrono::{DateTime, Utc};
use llm_store::{BudgetRow, ProjectRow, VerificationToken};
use llm_types::Json;

use super::body::KeyBody;
use super::entries;
use super::fill::routes_of;
use super::rights::forbidden;
use super::throughput;
use super::within::{within_budget, within_lifetime, within_models, within_rates, within_routes};
use crate::load::{END_USER_BUDGET, REDACTION_OPT_OUT};
use crate::period::Period;
use crate::request::{Given, Outcome};
use crate::rights::Standing;
use crate::{Accounts, Identity};

/// Metadata fields that give something which its maker may not have.
const ADMIN_METADATA: [&str; 14] = [
    END_USER_BUDGET,
    "allow_client_mock_response",
    REDACTION_OPT_OUT,
    "allow_client_pricing_override",
    "temp_budget_increase",
    "temp_budget_expiry",
    "allowed_passthrough_routes",
    "allowed_vector_store_indexes",
    "disable_global_guardrails",
    "opted_out_global_guardrails",
    "priority",
    "throttle_on_budget_exceeded",
    "default_estimated_output_tokens",
    "default_estimated_output_tokens_per_model",
];

/// The first field for administrators that one of these objects sets to something.
pub(crate) fn admin_metadata<'j>(places: impl IntoIterator<Item = Option<&'j Json>>) -> Option<&'static str> {
    let places: Vec<&Json> = places.into_iter().flatten().collect();
    let set = |value: &Json| !value.is_null() && value.as_bool() != Some(false);
    ADMIN_METADATA.iter().find(|name| places.iter().any(|place| place.get(name).is_some_and(set))).copied()
}

/// What is asked for a key: a new one, or `row` with changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) body: &'a Json,
    pub(super) asked: &'a KeyBody,
    /// The key that is changed; none for a new one, where absent fields mean "no limit".
    pub(super) row: Option<&'a VerificationToken>,
    pub(super) now: DateTime<Utc>,
}

/// The limits of the key that makes the call.
#[derive(Debug, Default)]
pub(super) struct Own {
    row: VerificationToken,
    budget: Option<BudgetRow>,
}

impl Own {
    pub(super) fn rates(&self) -> [(&'static str, Option<i64>); 4] {
        let budget = self.budget.as_ref();
        [
            ("tpm_limit", self.row.tpm_limit.or_else(|| budget?.tpm_limit)),
            ("rpm_limit", self.row.rpm_limit.or_else(|| budget?.rpm_limit)),
            ("tpd_limit", self.row.tpd_limit.or_else(|| budget?.tpd_limit)),
            ("max_parallel_requests", self.row.max_parallel_requests.or_else(|| budget?.max_parallel_requests)),
        ]
    }

    /// The limits that metadata which replace a key's lose, where the key that makes the call has such limits, back into them.
    pub(super) fn keep_entries(&self, body: &Json, before: &Json, after: &mut Json) {
        if body.get("metadata").is_some() {
            entries::keep(&self.entries(), body, before, after);
        }
    }

    fn entries(&self) -> Json {
        entries::of_row(&self.row, self.budget.as_ref())
    }

    pub(super) fn window(&self) -> Option<Period> {
        let budget = self.budget.as_ref();
        self.row.budget_duration.as_deref().or_else(|| budget?.budget_duration.as_deref()).and_then(Period::parse)
    }
}

impl Accounts {
    /// Checks that what is asked for a key is no more than its maker has; gives what that is.
    ///
    /// # Errors
    /// 403 naming what is too much.
    pub(super) async fn no_more_than(&self, by: &Identity, ask: Ask<'_>) -> Outcome<Own> {
        if by.is_admin() {
            return Ok(Own::default());
        }
        let own = self.own_limits(by).await?;
        only_for_admins(by, ask)?;
        if own.rates().iter().any(|(_, limit)| limit.is_some()) && throughput::lifts(ask.body) {
            return Err(forbidden("A key with limits makes no key whose limits are dynamic.").into());
        }
        self.same_places(by, ask).await?;
        let new = ask.row.is_none();
        within_routes(by, ask.asked, new)?;
        within_models(by, ask.asked, new)?;
        within_budget(by, ask.asked, &own, new)?;
        within_rates(ask.asked, &own)?;
        entries::within(&own.entries(), ask.row.map(|row| entries::of_row(row, None)).as_ref(), ask.body)?;
        within_lifetime(by, ask.asked, new, ask.now)?;
        Ok(own)
    }

    /// Checks that a whole key is no more than its caller has: its new secret is about to be told.
    ///
    /// # Errors
    /// As [`Accounts::no_more_than`].
    pub(super) async fn no_more_than_row(&self, by: &Identity, row: &VerificationToken) -> Outcome<()> {
        if by.is_admin() || by.key_hash() == Some(row.token.as_str()) {
            return Ok(());
        }
        let as_asked = KeyBody {
            models: Some(Some(row.models.clone())),
            allowed_routes: Some(Some(row.allowed_routes.clone())),
            max_budget: Some(row.max_budget),
            budget_duration: Some(row.budget_duration.clone()),
            tpm_limit: Some(row.tpm_limit),
            rpm_limit: Some(row.rpm_limit),
            tpd_limit: Some(row.tpd_limit),
            max_parallel_requests: Some(row.max_parallel_requests),
            ..KeyBody::default()
        };
        let own = self.own_limits(by).await?;
        within_routes(by, &as_asked, true)?;
        within_models(by, &as_asked, true)?;
        within_budget(by, &as_asked, &own, true)?;
        within_rates(&as_asked, &own)?;
        let budget = own.budget.as_ref().filter(|_| own.row.budget_id == row.budget_id);
        entries::within(&own.entries(), None, &entries::of_row(row, budget))?;
        acts_as_another(by, row.user_id.as_deref(), &row.allowed_routes)?;
        same_team(by, row.team_id.as_deref())?;
        self.grants_within(by, row).await?;
        match (lifetime(by), row.expires) {
            (Some(end), until) if until.is_none_or(|until| until > end) => Err(too_long()),
            _ => Ok(()),
        }
    }

    /// A new key without rate limits of its own has those of the key that makes it.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn inherit_rates(&self, by: &Identity, asked: &mut KeyBody) -> Outcome<()> {
        if by.is_admin() {
            return Ok(());
        }
        for (name, own) in self.own_limits(by).await?.rates() {
            let field = rate_mut(asked, name);
            if field.flatten().is_none() && own.is_some() {
                *field = Some(own);
            }
        }
        Ok(())
    }

    /// The limits of the key that makes the call which are lists and objects, into the body of a new key that names none.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn inherit_entries(&self, by: &Identity, body: &mut Json) -> Outcome<()> {
        if !by.is_admin() {
            entries::inherit(&self.own_limits(by).await?.entries(), body);
        }
        Ok(())
    }

    async fn own_limits(&self, by: &Identity) -> Outcome<Own> {
        let (Some(hash), true) = (by.key_hash(), by.is_key()) else { return Ok(Own::default()) };
        let row = self.key_row(hash).await?;
        let budget = match &row.budget_id {
            Some(id) => self.store_or_refuse()?.table::<BudgetRow>().get([id.as_str()]).await?,
            None => None,
        };
        Ok(Own { row, budget })
    }

    /// Organization, project and budget of a key: where its limits come from.
    async fn same_places(&self, by: &Identity, ask: Ask<'_>) -> Outcome<()> {
        let (asked, row) = (ask.asked, ask.row);
        if row.is_none() {
            same_team(by, asked.team_id.as_ref().and_then(Option::as_deref))?;
        }
        let there = |of: fn(&VerificationToken) -> &Option<String>| row.and_then(|row| of(row).clone());
        for (name, given, old) in [
            ("organization_id", &asked.organization_id, there(|row| &row.organization_id)),
            ("project_id", &asked.project_id, there(|row| &row.project_id)),
            ("budget_id", &asked.budget_id, there(|row| &row.budget_id)),
        ] {
            let Some(given) = given else { continue };
            if *given == old {
                continue;
            }
            let fine = match (name, given) {
                // Without it the key would escape its limits.
                (_, None) => false,
                ("organization_id", Some(id)) => {
                    by.caller.organization_id.as_deref() == Some(id)
                        || self.standing_in_organization(by, id).await? >= Standing::OrgAdmin
                }
                ("project_id", Some(id)) => {
                    by.caller.project_id.as_deref() == Some(id) || self.project_of_team(ask, id).await?
                }
                _ => false,
            };
            if !fine {
                return Err(forbidden(format!("You may not set this {name}.")).with_param(name).into());
            }
        }
        Ok(())
    }

    /// True when the project belongs to the team of the key, which is checked elsewhere.
    async fn project_of_team(&self, ask: Ask<'_>, project: &str) -> Outcome<bool> {
        let team = match &ask.asked.team_id {
            Some(team) => team.clone(),
            None => ask.row.and_then(|row| row.team_id.clone()),
        };
        let row = self.store_or_refuse()?.table::<ProjectRow>().get([project]).await?;
        Ok(team.is_some() && row.is_some_and(|row| row.team_id == team))
    }
}

fn only_for_admins(by: &Identity, ask: Ask<'_>) -> Outcome<()> {
    let asked = ask.asked;
    let refuse = |what: &str| Err(forbidden(format!("Only proxy admins can set `{what}`.")).with_param(what).into());
    // On a new key 0 is what it has anyway; later it would be a reset.
    if asked.spend.flatten().is_some_and(|spend| ask.row.is_some() || spend != 0.0) {
        return refuse("spend");
    }
    if ask.row.is_some_and(|row| row.blocked == Some(true)) && asked.blocked.is_some_and(|given| given != Some(true)) {
        return refuse("blocked");
    }
    for (name, given) in [("permissions", &asked.permissions), ("config", &asked.config)] {
        if given.as_ref().and_then(Option::as_ref).is_some_and(|m| m.0.as_object().is_some_and(|o| !o.is_empty())) {
            return refuse(name);
        }
    }
    if let Some(name) = leads_elsewhere(ask) {
        return refuse(name);
    }
    let metadata = asked.metadata.as_ref().and_then(Option::as_ref).map(|m| &m.0);
    if let Some(name) = admin_metadata([Some(ask.body), metadata]) {
        return refuse(name);
    }
    // With it a key would make administrators.
    if routes_asked(asked).flatten().is_some_and(|routes| routes.iter().any(|route| route.starts_with("/scim"))) {
        return refuse("allowed_routes");
    }
    // A group adds models to the key's list.
    let groups = asked.access_group_ids.clone().flatten().unwrap_or_default();
    if !(groups.is_empty() || by.lists.key.allows_all() || by.lists.key.is_teams()) {
        return refuse("access_group_ids");
    }
    Ok(())
}

/// What of a body's `router_settings` lets models answer that nobody asks the lists of the key for, and is not there already.
fn leads_elsewhere(ask: Ask<'_>) -> Option<&'static str> {
    const NAMING: [&str; 4] =
        ["model_group_alias", "fallbacks", "context_window_fallbacks", "content_policy_fallbacks"];
    let given = &ask.asked.router_settings.as_ref()?.as_ref()?.0;
    let there: Option<Json> = ask.row.and_then(|row| row.router_settings.as_ref()?.read().ok());
    let old = |name: &str| there.as_ref().and_then(|there| there.get(name));
    let empty = |value: &Json| value.is_null() || value.to_string().len() <= 2;
    let newly = |name: &&str| given.get(name).is_some_and(|value| !empty(value) && old(name) != Some(value));
    NAMING.into_iter().find(newly)
}

/// A team's key makes keys of that team: others would escape the team's models and money.
fn same_team(by: &Identity, team: Option<&str>) -> Outcome<()> {
    if by.lists.team.is_none() || by.team_id() == team {
        return Ok(());
    }
    Err(forbidden("A team's key may only make keys of that team.").with_param("team_id").into())
}

/// A key in somebody else's name calls models and nothing more: with it its maker could act as that person.
///
/// # Errors
/// 403 for other routes.
pub(super) fn acts_as_another(by: &Identity, owner: Option<&str>, routes: &[String]) -> Outcome<()> {
    if by.is_admin() || owner.is_none() || owner == by.user_id() {
        return Ok(());
    }
    let groups = ["llm_api_routes", "openai_routes", "anthropic_routes", "google_routes"];
    let models_only =
        |route: &String| groups.contains(&route.as_str()) || !route.contains('*') && crate::in_routes(&groups, route);
    if !routes.is_empty() && routes.iter().all(models_only) {
        return Ok(());
    }
    let why = "A key of another user may only call models: set `allowed_routes` to [\"llm_api_routes\"].";
    Err(forbidden(why).with_param("allowed_routes").into())
}

/// The routes that follow from a body; its `key_type` names some where `allowed_routes` does not.
pub(super) fn routes_asked(asked: &KeyBody) -> Given<Vec<String>> {
    let given = asked.allowed_routes.as_ref();
    match asked.key_type.as_ref().and_then(Option::as_deref).and_then(routes_of) {
        Some(routes) if given.is_none_or(|given| given.as_ref().is_none_or(Vec::is_empty)) => Some(Some(routes)),
        _ => given.cloned(),
    }
}

fn rate_mut<'a>(asked: &'a mut KeyBody, name: &str) -> &'a mut Given<i64> {
    match name {
        "tpm_limit" => &mut asked.tpm_limit,
        "rpm_limit" => &mut asked.rpm_limit,
        "tpd_limit" => &mut asked.tpd_limit,
        _ => &mut asked.max_parallel_requests,
    }
}

/// When the key that makes the call ends. A person's token
/// or session is no such key: it says who they are, and their keys are their own.
pub(super) fn lifetime(by: &Identity) -> Option<DateTime<Utc>> {
    by.expires.filter(|_| by.is_key() && !by.is_session())
}

pub(super) fn too_long() -> crate::Problem {
    forbidden("`duration` must end with that of the key that makes the call.").with_param("duration").into()
}
