//! Tags with budgets. Call these on the store's runtime.

use std::collections::HashSet;

use llm_store::{DailyFilter, DailyScope, Filter, TagPatch, TagRow};
use llm_types::Json;

use crate::audit::Action;
use crate::budgets::BudgetBody;
use crate::keys::{Actor, not_found};
use crate::request::{Map, Outcome, body, required, unless_taken};
use crate::{Accounts, Problem};

body! {
    /// `/tag/new`, `/tag/update` and `/tag/delete`.
    struct TagBody {
        name: String,
        description: String,
        models: Vec<String>,
        model_info: Map,
    }
}

body! {
    /// `/tag/info`.
    struct TagNames {
        names: Vec<String>,
    }
}

/// How a tag without a row is described in the list; LiteLLM's words.
const SEEN: &str =
    "This is just a spend tag that was passed dynamically in a request. It does not control any LLM models.";

impl Accounts {
    /// `POST /tag/new`.
    ///
    /// # Errors
    /// 400 for a name that exists.
    pub async fn new_tag(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = TagBody::read(body)?;
        let name = required(asked.name.clone(), "name", body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = TagRow { tag_name: name.clone(), created_by: actor.name(), ..TagRow::default() };
        unless_taken(tx.table().insert(&row).await, format!("Tag {name} already exists"), "name")?;
        let budget = self.link_budget(&mut tx, actor, &BudgetBody::read(body)?, None).await?;
        let row = self.write(&mut tx, actor, Action::Created, &name, None, &patch(&asked, budget)).await?;
        tx.commit().await?;
        self.changed_tag(row, "created").await
    }

    /// `POST /tag/update`: a field that is given is set, null clears it.
    ///
    /// # Errors
    /// 404 for an unknown tag.
    pub async fn update_tag(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = TagBody::read(body)?;
        let name = required(asked.name.clone(), "name", body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<TagRow>().get([name.as_str()]).await?.ok_or_else(|| no_tag(&name))?;
        let budget = self.link_budget(&mut tx, actor, &BudgetBody::read(body)?, row.budget_id.as_deref()).await?;
        let row = self.write(&mut tx, actor, Action::Updated, &name, Some(&row), &patch(&asked, budget)).await?;
        tx.commit().await?;
        self.changed_tag(row, "updated").await
    }

    async fn changed_tag(&self, row: TagRow, what: &str) -> Outcome<Json> {
        self.forget_keys(|_| true);
        Ok(Json::object([
            ("message", Json::from(format!("Tag {} {what} successfully", row.tag_name))),
            ("tag", named(self.with_budget(row).await?)),
        ]))
    }

    /// `POST /tag/info`: the tags of these names, by name.
    ///
    /// # Errors
    /// 404 when there is none of them.
    pub async fn tags_info(&self, body: &Json) -> Outcome<Json> {
        let names = required(TagNames::read(body)?.names, "names", body)?;
        let rows = self.store_or_refuse()?.table::<TagRow>().get_many(&names).await?;
        if rows.is_empty() {
            return Err(not_found("No tags found").with_param("names").into());
        }
        let shown = self.with_budgets(&rows).await?;
        Ok(Json::object(rows.into_iter().map(|row| row.tag_name).zip(shown.into_iter().map(named))))
    }

    /// `GET /tag/list`: all tags, and those that calls were made with between two days (`YYYY-MM-DD`).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_tags(&self, from: Option<String>, until: Option<String>) -> Outcome<Json> {
        let store = self.store_or_refuse()?;
        let rows = store.table::<TagRow>().find(Filter::new()).await?;
        let mut out: Vec<Json> = self.with_budgets(&rows).await?.into_iter().map(named).collect();
        let known: HashSet<&str> = rows.iter().map(|row| row.tag_name.as_str()).collect();
        let filter = DailyFilter { from, until, ..DailyFilter::default() };
        for seen in store.daily_entities(DailyScope::Tag, &filter).await? {
            if !known.contains(seen.as_str()) {
                let mut tag = Json::object([("name", seen.as_str()), ("description", SEEN)]);
                for field in ["models", "model_info", "litellm_budget_table", "created_by", "created_at", "updated_at"]
                {
                    tag.set(field, Json::Null);
                }
                out.push(tag);
            }
        }
        Ok(Json::Array(out))
    }

    /// `POST /tag/delete`.
    ///
    /// # Errors
    /// 404 for an unknown tag.
    pub async fn delete_tag(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let name = required(TagBody::read(body)?.name, "name", body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<TagRow>().get([name.as_str()]).await?.ok_or_else(|| no_tag(&name))?;
        self.erase(&mut tx, actor, &name, &row).await?;
        tx.commit().await?;
        self.forget_keys(|_| true);
        Ok(Json::object([("message", format!("Tag {name} deleted successfully"))]))
    }
}

fn patch(asked: &TagBody, budget: Option<String>) -> TagPatch {
    TagPatch {
        description: asked.description.clone(),
        models: asked.models.clone().map(Option::unwrap_or_default),
        model_info: asked.model_info.as_ref().map(|m| m.as_ref().map(|m| m.0.to_raw())),
        budget_id: Some(budget),
        ..TagPatch::default()
    }
}

/// LiteLLM shows the name of a tag as `name`.
fn named(mut shown: Json) -> Json {
    if let Some(name) = shown.remove("tag_name") {
        shown.set("name", name);
    }
    shown
}

fn no_tag(name: &str) -> Problem {
    not_found(format!("Tag {name} not found")).with_param("name").into()
}
