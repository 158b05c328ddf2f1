//! Limits of keys and teams that live in their metadata: that they are some, and that what is guaranteed is there to be had.

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

/// What is shared out: its name for people, the map of models.
const SHARED: [(&str, &str); 2] = [("RPM", "model_rpm_limit"), ("TPM", "model_tpm_limit")];

/// What a key or a team has, or is to have, in the order of [`SHARED`].
struct Part {
    limits: [Option<i64>; 2],
    metadata: Json,
}

/// Of whom it is a part.
struct Whole<'a> {
    /// For people: the part, and the whole.
    names: (&'a str, &'a str),
    limits: [Option<i64>; 2],
    metadata: &'a RawJson,
}

/// Checks the fields of a body that say how much, but are kept as they are.
///
/// # Errors
/// 422 naming every field of a wrong type; 400 for budgets of models and windows that are none.
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
    if problems.is_empty() { crate::budgets::check(body) } else { Err(Problem::Fields(problems)) }
}

/// True when a body makes a limit hold only while the model fails.
pub(super) fn lifts(body: &Json) -> bool {
    let places = [Some(body), body.get("metadata")];
    let dynamic = |place: &Json| TYPE_FIELDS.iter().any(|name| crate::special::is_dynamic(place, name));
    places.into_iter().flatten().any(dynamic)
}

/// True when limits are guaranteed and a body changes something of them.
fn is_guaranteed(body: &Json, more: &[&str], metadata: &Json) -> bool {
    let names = ["rpm_limit", "tpm_limit", "model_rpm_limit", "model_tpm_limit", "metadata"];
    let touches = names.iter().chain(more).chain(&TYPE_FIELDS).any(|name| body.get(name).is_some());
    touches && TYPE_FIELDS.iter().any(|name| metadata.text(name) == Some(GUARANTEED))
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
        if !is_guaranteed(ask.body, &["team_id"], metadata) {
            return Ok(());
        }
        let (asked, row) = (ask.asked, ask.row);
        let limits =
            [asked.rpm_limit.unwrap_or_else(|| row?.rpm_limit), asked.tpm_limit.unwrap_or_else(|| row?.tpm_limit)];
        let own = Part { limits, metadata: metadata.clone() };
        let team = asked.team_id.clone().unwrap_or_else(|| row?.team_id.clone());
        let organization = asked.organization_id.clone().unwrap_or_else(|| row?.organization_id.clone());
        if let Some(id) = &team
            && let Some(team) = self.store_or_refuse()?.table::<TeamRow>().get([id.as_str()]).await?
        {
            let limits = [team.rpm_limit, team.tpm_limit];
            let whole = Whole { names: ("Key", "team"), limits, metadata: &team.metadata };
            fits(&own, &self.key_parts("team_id", id, row).await?, &whole)?;
        }
        if let Some(id) = &organization
            && let Some((limits, organization)) = self.organization_limits(id).await?
        {
            let whole = Whole { names: ("Key", "organization"), limits, metadata: &organization.metadata };
            fits(&own, &self.key_parts("organization_id", id, row).await?, &whole)?;
        }
        Ok(())
    }

    /// What the keys of a team or an organization have, but for this one.
    async fn key_parts(&self, column: &'static str, id: &str, but: Option<&VerificationToken>) -> Outcome<Vec<Part>> {
        let keys = self.store_or_refuse()?.keys().find(Filter::new().is(column, id.to_owned())).await?;
        let others = keys.iter().filter(|key| but.is_none_or(|but| but.token != key.token));
        let part = |key: &VerificationToken| Part {
            limits: [key.rpm_limit, key.tpm_limit],
            metadata: object(Some(&key.metadata)),
        };
        Ok(others.map(part).collect())
    }

    /// The same for a team and the other teams of its organization. `after`: the team as it is to be.
    ///
    /// # Errors
    /// 400 in LiteLLM's words.
    pub(crate) async fn guarantee_team(&self, body: &Json, after: &TeamRow) -> Outcome<()> {
        let metadata = object(Some(&after.metadata));
        let Some(id) = &after.organization_id else { return Ok(()) };
        if !is_guaranteed(body, &["organization_id"], &metadata) {
            return Ok(());
        }
        let Some((limits, row)) = self.organization_limits(id).await? else { return Ok(()) };
        let of_organization = Filter::new().is("organization_id", id.clone());
        let teams = self.store_or_refuse()?.table::<TeamRow>().find(of_organization).await?;
        let others: Vec<Part> = teams
            .iter()
            .filter(|other| other.team_id != after.team_id)
            .map(|team| Part { limits: [team.rpm_limit, team.tpm_limit], metadata: object(Some(&team.metadata)) })
            .collect();
        let own = Part { limits: [after.rpm_limit, after.tpm_limit], metadata };
        fits(&own, &others, &Whole { names: ("Team", "organization"), limits, metadata: &row.metadata })
    }

    async fn organization_limits(&self, id: &str) -> Outcome<Option<([Option<i64>; 2], OrganizationRow)>> {
        let store = self.store_or_refuse()?;
        let Some(row) = store.table::<OrganizationRow>().get([id]).await? else { return Ok(None) };
        let budget = store.table::<BudgetRow>().get([row.budget_id.as_str()]).await?;
        Ok(Some((budget.map_or([None; 2], |budget| [budget.rpm_limit, budget.tpm_limit]), row)))
    }
}

/// Whether a part is no more than the others leave of the whole.
fn fits(own: &Part, others: &[Part], of: &Whole<'_>) -> Outcome<()> {
    let map_of_all = object(Some(of.metadata));
    for (at, (what, map)) in SHARED.into_iter().enumerate() {
        let limit_of = |part: &Part| part.limits.get(at).copied().flatten();
        let limit = of.limits.get(at).copied().flatten();
        let allocated = others.iter().filter_map(limit_of).fold(0, i64::saturating_add);
        room((what, of.names), allocated, limit_of(own), limit)?;
        for (model, asked) in own.metadata.get(map).and_then(Json::as_object).unwrap_or_default() {
            let of_model = |json: &Json| json.get(map)?.get(model)?.as_i64();
            let allocated = others.iter().filter_map(|part| of_model(&part.metadata)).fold(0, i64::saturating_add);
            room((what, of.names), allocated, asked.as_i64(), limit.or_else(|| of_model(&map_of_all)))?;
        }
    }
    Ok(())
}

fn room(
    (what, (part, whole)): (&str, (&str, &str)),
    allocated: i64,
    asked: Option<i64>,
    limit: Option<i64>,
) -> Outcome<()> {
    match (asked, limit) {
        (Some(asked), Some(limit)) if allocated.saturating_add(asked) > limit => Err(bad(format!(
            "Allocated {what} limit={allocated} + {part} {what} limit={asked} is greater than {whole} {what} limit={limit}"
        ))
        .into()),
        _ => Ok(()),
    }
}
