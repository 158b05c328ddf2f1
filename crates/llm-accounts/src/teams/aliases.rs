//! Names that a team has for models (`model_aliases`). They stand in a table of their own, as in LiteLLM.

use chrono::Utc;
use llm_store::{Filter, ModelAliasRow, Serial, StoreTx};
use llm_types::Json;

use super::body::TeamBody;
use crate::Accounts;
use crate::keys::{Actor, bad};
use crate::request::{Map, Outcome};

impl Accounts {
    /// Stores the aliases that a body gives, and gives the row that the team has to name; nothing when it gives none. `linked` is
    /// the row that the team names already.
    ///
    /// # Errors
    /// 400 for aliases that stand for anything but a name.
    pub(super) async fn link_aliases(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        asked: &TeamBody,
        linked: Option<i64>,
    ) -> Outcome<Option<Option<i64>>> {
        let aliases = match &asked.model_aliases {
            None => return Ok(None),
            Some(None) => Json::Object(Vec::new()),
            Some(Some(Map(given))) => given.clone(),
        };
        if aliases.as_object().is_some_and(|all| all.iter().any(|(_, to)| to.as_str().is_none_or(str::is_empty))) {
            return Err(bad("model_aliases must be names that stand for names of models")
                .with_param("model_aliases")
                .into());
        }
        let by = actor.name().unwrap_or_default();
        let found = match linked {
            Some(id) => tx.table::<ModelAliasRow>().find(Filter::new().is("id", id)).await?.into_iter().next(),
            None => None,
        };
        let row = match found {
            Some(row) => {
                ModelAliasRow { aliases: Some(aliases.to_raw()), updated_by: by, updated_at: Utc::now(), ..row }
            }
            None => {
                let fresh = ModelAliasRow {
                    aliases: Some(aliases.to_raw()),
                    created_by: by.clone(),
                    updated_by: by,
                    ..ModelAliasRow::default()
                };
                let stored = tx.table().insert_returning(&fresh).await?;
                return Ok(stored.map(|row| Some(row.id.0)));
            }
        };
        tx.table().put(&row).await?;
        let Serial(id) = row.id;
        Ok(Some(Some(id)))
    }

    /// A team as it is shown, with the aliases that it names.
    pub(super) async fn with_aliases(&self, mut shown: Json, linked: Option<i64>) -> Outcome<Json> {
        let Some(id) = linked else { return Ok(shown) };
        let found = self.store_or_refuse()?.table::<ModelAliasRow>().find(Filter::new().is("id", id)).await?;
        if let Some(row) = found.into_iter().next() {
            let aliases = row.aliases.as_ref().and_then(|raw| raw.read::<Json>().ok()).unwrap_or_default();
            shown.set(
                "litellm_model_table",
                Json::object([
                    ("id", Json::from(id)),
                    ("model_aliases", aliases),
                    ("created_by", Json::from(row.created_by)),
                    ("updated_by", Json::from(row.updated_by)),
                ]),
            );
        }
        Ok(shown)
    }
}
