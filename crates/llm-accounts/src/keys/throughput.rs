//! Limits of keys that live in their metadata: that they are some, and that what is guaranteed is there to be had.

use llm_store::{BudgetRow, Filter, OrganizationRow, TeamRow, VerificationToken};
use llm_types::{Json, RawJson};

use super::bad;
use super::bounds::Ask;
use crate::Accounts;
use crate::load::object;
use crate::request::{FieldProblem, Outcome, Problem};

/// Kinds of limits, as LiteLLM names them.
const TYPES: [&str; 3] = ["best_effort_throughput", "guaranteed_throughput", "dynamic"];
const TYPE_FIELDS: [&str; 2] = ["rpm_limit_type", "tpm_limit_type"];
const GUARANTEED: &str = "guaranteed_throughput";

/// What is shared out: its name for people, its column, the map of models.
const SHARED: [(&str, fn(&VerificationToken) -> Option<i64>, &str); 2] =
    [("RPM", |row| row.rpm_limit, "model_rpm_limit"), ("TPM", |row| row.tpm_limit, "model_tpm_limit")];

/// Checks the fields of a body that say how much, but are kept as they are.
///
/// # Errors
/// 422 naming every field of a wrong type.
pub(crate) fn read(body: &Json) -> Outcome<()> {
    let mut problems = Vec::new();
    let mut problem = |field: &str, kind, message, input: &Json| {
        problems.push(FieldProblem { field: field.to_owned(), kind, message, input: input.clone() });
    };
    let given = |name: &str| body.get(name).filter(|value| !value.is_null());
    for name in TYPE_FIELDS {
        if let Some(value) = given(name).filter(|value| !value.as_str().is_some_and(|text| TYPES.contains(&text))) {
            let message = "Input should be 'guaranteed_throughput', 'best_effort_throughput' or 'dynamic'";
            problem(name, "literal_error", message, value);
        }
    }
    let maps = ["model_rpm_limit", "model_tpm_limit", "tag_rpm_limit", "mcp_rpm_limit"].map(|name| (name, 0));
    for (name, least) in maps.into_iter().chain([("default_estimated_output_tokens_per_model", 1)]) {
        let Some(value) = given(name) else { continue };
        let Some(map) = value.as_object() else {
            problem(name, "dict_type", "Input should be a valid dictionary", value);
            continue;
        };
        for (key, number) in map.iter().filter(|(_, number)| number.as_i64().is_none_or(|number| number < least)) {
            problem(
                &format!("{name}.{key}"),
                "int_type",
                "Input should be a valid integer that is not too small",
                number,
            );
        }
    }
    let name = "default_estimated_output_tokens";
    if let Some(value) = given(name).filter(|value| value.as_i64().is_none_or(|number| number < 1)) {
        problem(name, "greater_than", "Input should be greater than 0", value);
    }
    if problems.is_empty() { Ok(()) } else { Err(Problem::Fields(problems)) }
}

/// True when a body makes a limit hold only while the model fails.
pub(super) fn lifts(body: &Json) -> bool {
    let places = [Some(body), body.get("metadata")];
    let dynamic = |place: &Json| TYPE_FIELDS.iter().any(|name| crate::special::is_dynamic(place, name));
    places.into_iter().flatten().any(dynamic)
}

impl Accounts {
    /// Checks that a guaranteed throughput is no more than its team and organization have left beside those of their other
    /// keys. `metadata`: those of the key after the change.
    ///
    /// # Errors
    /// 400 in LiteLLM's words.
    pub(super) async fn guarantee(&self, ask: Ask<'_>, metadata: Option<&Json>) -> Outcome<()> {
        let there = ask.row.map(|row| object(Some(&row.metadata)));
        let Some(metadata) = metadata.or(there.as_ref()) else { return Ok(()) };
        let guaranteed = |name: &&str| metadata.text(name) == Some(GUARANTEED);
        let names = ["rpm_limit", "tpm_limit", "model_rpm_limit", "model_tpm_limit", "team_id", "metadata"];
        let touches = names.iter().chain(&TYPE_FIELDS).any(|name| ask.body.get(name).is_some());
        if !touches || !TYPE_FIELDS.iter().any(guaranteed) {
            return Ok(());
        }
        let after = VerificationToken {
            token: ask.row.map(|row| row.token.clone()).unwrap_or_default(),
            rpm_limit: ask.asked.rpm_limit.unwrap_or_else(|| ask.row.and_then(|row| row.rpm_limit)),
            tpm_limit: ask.asked.tpm_limit.unwrap_or_else(|| ask.row.and_then(|row| row.tpm_limit)),
            team_id: ask.asked.team_id.clone().unwrap_or_else(|| ask.row.and_then(|row| row.team_id.clone())),
            organization_id: ask
                .asked
                .organization_id
                .clone()
                .unwrap_or_else(|| ask.row.and_then(|row| row.organization_id.clone())),
            metadata: metadata.to_raw(),
            ..VerificationToken::default()
        };
        let store = self.store_or_refuse()?;
        if let Some(id) = &after.team_id
            && let Some(team) = store.table::<TeamRow>().get([id.as_str()]).await?
        {
            let limits = [team.rpm_limit, team.tpm_limit];
            self.fits(&after, ("team", "team_id", id), limits, &team.metadata).await?;
        }
        if let Some(id) = &after.organization_id
            && let Some(row) = store.table::<OrganizationRow>().get([id.as_str()]).await?
        {
            let budget = store.table::<BudgetRow>().get([row.budget_id.as_str()]).await?;
            let limits = budget.map_or([None; 2], |budget| [budget.rpm_limit, budget.tpm_limit]);
            self.fits(&after, ("organization", "organization_id", id), limits, &row.metadata).await?;
        }
        Ok(())
    }

    async fn fits(
        &self,
        key: &VerificationToken,
        (entity, column, id): (&str, &'static str, &str),
        limits: [Option<i64>; 2],
        metadata: &RawJson,
    ) -> Outcome<()> {
        let mut others = self.store_or_refuse()?.keys().find(Filter::new().is(column, id.to_owned())).await?;
        others.retain(|other| other.token != key.token);
        let maps: Vec<Json> = others.iter().map(|other| object(Some(&other.metadata))).collect();
        let (own, entity_map) = (object(Some(&key.metadata)), object(Some(metadata)));
        for ((what, column, map), limit) in SHARED.into_iter().zip(limits) {
            let allocated = others.iter().filter_map(column).fold(0, i64::saturating_add);
            room(what, entity, allocated, column(key), limit)?;
            for (model, asked) in own.get(map).and_then(Json::as_object).unwrap_or_default() {
                let of_model = |json: &Json| json.get(map)?.get(model)?.as_i64();
                let allocated = maps.iter().filter_map(of_model).fold(0, i64::saturating_add);
                room(what, entity, allocated, asked.as_i64(), limit.or_else(|| of_model(&entity_map)))?;
            }
        }
        Ok(())
    }
}

fn room(what: &str, entity: &str, allocated: i64, asked: Option<i64>, limit: Option<i64>) -> Outcome<()> {
    match (asked, limit) {
        (Some(asked), Some(limit)) if allocated.saturating_add(asked) > limit => Err(bad(format!(
            "Allocated {what} limit={allocated} + Key {what} limit={asked} is greater than {entity} {what} limit={limit}"
        ))
        .into()),
        _ => Ok(()),
    }
}
