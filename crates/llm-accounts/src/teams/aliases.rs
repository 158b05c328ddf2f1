//! `model_aliases` of teams: names that stand for model groups, in LiteLLM's own table.

use chrono::Utc;
use llm_store::{Filter, ModelAliasPatch, ModelAliasRow, Serial, StoreTx, TeamRow};
use llm_types::{Json, RawJson};

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, view};
use crate::request::{FieldProblem, Given, Map, Outcome, Problem};

/// The groups that a body's aliases stand for.
///
/// # Errors
/// 422 for what is no name.
pub(super) fn targets(given: &Given<Map>) -> Outcome<Vec<String>> {
    let Some(Some(Map(aliases))) = given else { return Ok(Vec::new()) };
    let target = |(name, target): &(String, Json)| match target.as_str() {
        Some(target) => Ok(target.to_owned()),
        None => {
            let (field, message) = (format!("model_aliases.{name}"), "Input should be a valid string");
            Err(Problem::Fields(vec![FieldProblem { field, kind: "string_type", message, input: target.clone() }]))
        }
    };
    aliases.as_object().unwrap_or_default().iter().map(target).collect()
}

/// What the column holds: an object, or a text of one.
pub(crate) fn aliases(column: Option<&RawJson>) -> Json {
    let json: Json = column.and_then(|raw| raw.read().ok()).unwrap_or_default();
    match json.as_str() {
        Some(text) => serde_json::from_str(text).unwrap_or_default(),
        None => json,
    }
}

impl Accounts {
    /// The targets of the aliases that a team has.
    pub(super) async fn alias_targets(&self, team: &TeamRow) -> Outcome<Vec<String>> {
        let Some(id) = team.model_id else { return Ok(Vec::new()) };
        let rows = self.store_or_refuse()?.table::<ModelAliasRow>().find(Filter::new().is("id", id)).await?;
        let aliases = rows.first().map(|row| aliases(row.aliases.as_ref())).unwrap_or_default();
        let targets = aliases.as_object().unwrap_or_default().iter();
        Ok(targets.filter_map(|(_, target)| target.as_str().map(str::to_owned)).collect())
    }

    /// Writes the aliases of a body, in place of those that were there; the row that the team then names.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn link_aliases(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        given: &Given<Map>,
        there: Option<i64>,
    ) -> Outcome<Option<Option<i64>>> {
        let Some(given) = given else { return Ok(None) };
        let aliases = given.as_ref().map_or_else(|| Json::Object(Vec::new()), |Map(aliases)| aliases.clone()).to_raw();
        let by = actor.name().unwrap_or_default();
        if let Some(id) = there
            && let Some(before) = tx.table::<ModelAliasRow>().find(Filter::new().is("id", id)).await?.into_iter().next()
        {
            let patch = ModelAliasPatch {
                aliases: Some(Some(aliases)),
                updated_at: Some(Utc::now()),
                updated_by: Some(by),
                ..ModelAliasPatch::default()
            };
            tx.table::<ModelAliasRow>().update_where(&Filter::new().is("id", id), &patch).await?;
            let after = tx.table::<ModelAliasRow>().find(Filter::new().is("id", id)).await?.into_iter().next();
            let trail = tx.table();
            self.audit(trail, actor, Action::Updated, &id.to_string(), Some(&before), after.as_ref()).await?;
            return Ok(None);
        }
        let row = ModelAliasRow {
            aliases: Some(aliases),
            created_by: by.clone(),
            updated_by: by,
            ..ModelAliasRow::default()
        };
        let Some(row) = tx.table::<ModelAliasRow>().insert_returning(&row).await? else { return Ok(None) };
        let Serial(id) = row.id;
        self.audit(tx.table(), actor, Action::Created, &id.to_string(), None, Some(&row)).await?;
        Ok(Some(Some(id)))
    }

    /// A team as it is shown: with its object permissions and its aliases.
    pub(super) async fn shown_team(&self, row: &TeamRow) -> Outcome<Json> {
        let mut out = self.with_grants(view::row(row)).await?;
        let rows = match row.model_id {
            Some(id) => self.store_or_refuse()?.table::<ModelAliasRow>().find(Filter::new().is("id", id)).await?,
            None => Vec::new(),
        };
        let told = |row: &ModelAliasRow| {
            Json::object([
                ("id", Json::from(row.id.0)),
                ("model_aliases", aliases(row.aliases.as_ref())),
                ("created_by", Json::from(row.created_by.as_str())),
                ("updated_by", Json::from(row.updated_by.as_str())),
            ])
        };
        out.set("litellm_model_table", rows.first().map(told).unwrap_or_default());
        Ok(out)
    }
}
