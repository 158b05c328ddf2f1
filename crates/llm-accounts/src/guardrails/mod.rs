//! Guardrails in the database: making, changing and deleting them. Call these on the store's runtime.

mod judged;
mod submissions;
mod units;
mod usage;

use chrono::Utc;
use llm_store::{Filter, GuardrailRow};
use llm_types::{Json, RawJson};

use crate::audit::Action;
use crate::keys::{Actor, bad, not_found, view};
use crate::models::merged;
use crate::request::{Map, Outcome, body, required, unless_taken};
use crate::seal::{Seal, opened};
use crate::serving::Changed;
use crate::stored::StoredGuardrail;
use crate::{Accounts, mask};
pub use judged::JudgedQuery;
pub use submissions::SubmissionQuery;
pub use usage::UsageDays;

body! {
    /// `POST /guardrails`, `PUT /guardrails/{guardrail_id}`.
    struct WholeBody {
        guardrail: Map,
    }
}

body! {
    /// What stands in it; the body of `PATCH /guardrails/{guardrail_id}`.
    struct GuardrailBody {
        guardrail_name: String,
        litellm_params: Map,
        guardrail_info: Map,
    }
}

/// The section of the file.
const SECTION: &str = "guardrails";
/// Rows that are in force; others wait for approval, or were rejected.
const ACTIVE: &str = "active";
/// Parameters that callers who are no administrators see.
const OPEN: [&str; 3] = ["guardrail", "mode", "default_on"];

impl Accounts {
    /// `POST /guardrails`: a new guardrail, in force when this returns.
    ///
    /// # Errors
    /// 400 for what could not be served and names that exist; 422 without a name or parameters.
    pub async fn new_guardrail(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let row = self.whole(body, GuardrailRow::default())?;
        self.name_is_free(&row).await?;
        self.check_guardrail(&row).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        unless_taken(tx.table().insert(&row).await, taken(&row.guardrail_name), "guardrail_name")?;
        self.audit(tx.table(), actor, Action::Created, &row.guardrail_id, None, Some(&masked(&row))).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&row))
    }

    /// `PUT /guardrails/{guardrail_id}`: replaces all of it.
    ///
    /// # Errors
    /// As [`Accounts::new_guardrail`]; 404 for a guardrail that is not in the database.
    pub async fn replace_guardrail(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let before = self.guardrail_row(id).await?;
        let row = self.whole(body, before.clone())?;
        self.write_guardrail(actor, before, row).await
    }

    /// `PATCH /guardrails/{guardrail_id}`: parameters that are given are set, null takes one away.
    ///
    /// # Errors
    /// As [`Accounts::replace_guardrail`].
    pub async fn change_guardrail(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let asked = GuardrailBody::read(body)?;
        let before = self.guardrail_row(id).await?;
        let mut row = before.clone();
        if let Some(name) = asked.guardrail_name.flatten() {
            row.guardrail_name = name;
        }
        if let Some(Map(given)) = asked.litellm_params.flatten() {
            let there: Json = row.litellm_params.read().unwrap_or_default();
            row.litellm_params = self.sealed_params(&merged(&there, &given))?;
        }
        if let Some(given) = asked.guardrail_info {
            row.guardrail_info = given.map(|Map(info)| info.to_raw());
        }
        self.write_guardrail(actor, before, row).await
    }

    /// `DELETE /guardrails/{guardrail_id}`.
    ///
    /// # Errors
    /// 404 for a guardrail that is not in the database.
    pub async fn delete_guardrail(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        self.stores_models()?;
        let row = self.guardrail_row(id).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table::<GuardrailRow>().delete([id]).await?;
        self.audit(tx.table(), actor, Action::Deleted, id, Some(&masked(&row)), None).await?;
        self.commit_and_serve(tx).await?;
        let message = format!("Guardrail {id} deleted successfully");
        Ok(Json::object([("success", Json::from(true)), ("message", Json::from(message))]))
    }

    /// `GET /guardrails/{guardrail_id}` and `/guardrails/{guardrail_id}/info`.
    ///
    /// # Errors
    /// 404 for a guardrail that is not in the database.
    pub async fn guardrail(&self, id: &str) -> Outcome<Json> {
        Ok(shown(&self.guardrail_row(id).await?))
    }

    /// `GET /guardrails/list` and `/v2/guardrails/list`: those of the file and those of the database. Callers who are no
    /// administrators see what they are and when they run.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn guardrails(&self, actor: Actor<'_>) -> Outcome<Json> {
        let file = self.serving()?.section(SECTION);
        let of_file = file.as_array().unwrap_or_default().iter().map(|entry| {
            let mut out = mask::tree(entry);
            out.set("guardrail_definition_location", "config");
            out
        });
        let rows = self.store_or_refuse()?.table::<GuardrailRow>().find(Filter::new().is("status", ACTIVE)).await?;
        let mut all: Vec<Json> = of_file.chain(rows.iter().map(shown)).collect();
        if !actor.who.sees_all() {
            all.iter_mut().for_each(narrowed);
        }
        Ok(Json::object([(SECTION, Json::Array(all))]))
    }

    /// The row that a whole guardrail makes of another one.
    fn whole(&self, body: &Json, row: GuardrailRow) -> Outcome<GuardrailRow> {
        let Map(given) = required(WholeBody::read(body)?.guardrail, "guardrail", body)?;
        let asked = GuardrailBody::read(&given)?;
        let Map(params) = required(asked.litellm_params, "litellm_params", &given)?;
        Ok(GuardrailRow {
            guardrail_name: required(asked.guardrail_name, "guardrail_name", &given)?,
            litellm_params: self.sealed_params(&params)?,
            guardrail_info: asked.guardrail_info.flatten().map(|Map(info)| info.to_raw()),
            ..row
        })
    }

    async fn write_guardrail(&self, actor: Actor<'_>, before: GuardrailRow, row: GuardrailRow) -> Outcome<Json> {
        let row = GuardrailRow { updated_at: Utc::now(), ..row };
        self.name_is_free(&row).await?;
        self.check_guardrail(&row).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table().put(&row).await?;
        let (old, new) = (masked(&before), masked(&row));
        self.audit(tx.table(), actor, Action::Updated, &row.guardrail_id, Some(&old), Some(&new)).await?;
        self.commit_and_serve(tx).await?;
        Ok(shown(&row))
    }

    async fn guardrail_row(&self, id: &str) -> Outcome<GuardrailRow> {
        let row = self.store_or_refuse()?.table::<GuardrailRow>().get([id]).await?;
        let why = || not_found(format!("Guardrail with ID {id} not found")).with_param("guardrail_id");
        Ok(row.ok_or_else(why)?)
    }

    /// Two guardrails of one name would take turns: whoever makes the second would halve the first.
    async fn name_is_free(&self, row: &GuardrailRow) -> Outcome<()> {
        self.stores_models()?;
        let file = self.serving()?.section(SECTION);
        let named = |entry: &Json| entry.text("guardrail_name") == Some(&row.guardrail_name);
        let same = Filter::new().is("guardrail_name", row.guardrail_name.clone());
        let known = self.store_or_refuse()?.table::<GuardrailRow>().find(same).await?;
        let other = known.iter().any(|known| known.guardrail_id != row.guardrail_id);
        if other || file.as_array().unwrap_or_default().iter().any(named) {
            return Err(bad(taken(&row.guardrail_name)).with_param("guardrail_name").into());
        }
        Ok(())
    }

    /// Refuses a guardrail that could not be served.
    async fn check_guardrail(&self, row: &GuardrailRow) -> Outcome<()> {
        let mut draft = self.stored().await?;
        draft.guardrails.retain(|known| known.id != row.guardrail_id);
        draft.guardrails.extend(StoredGuardrail::of(row, self.seal().as_ref()));
        self.check_draft(&draft, Changed::Rest)
    }

    /// Parameters as they are stored: what is secret among them sealed.
    ///
    /// # Errors
    /// 500 when there is no key to seal them with.
    pub(crate) fn sealed_params(&self, params: &Json) -> Outcome<RawJson> {
        let (secret, open): (Vec<_>, Vec<_>) =
            params.as_object().unwrap_or_default().iter().cloned().partition(|(name, value)| {
                mask::sensitive(name) && value.as_str().is_some_and(|text| !text.is_empty())
            });
        if secret.is_empty() {
            return Ok(Json::Object(open).to_raw());
        }
        let seal = self.seal_or_refuse()?;
        // What was sealed before comes back as it is.
        let (known, fresh): (Vec<_>, Vec<_>) =
            secret.into_iter().partition(|(_, value)| value.as_str().is_some_and(|text| seal.open(text).is_some()));
        let sealed = seal.seal_fields(&Json::Object(fresh))?;
        let sealed = sealed.as_object().unwrap_or_default().to_vec();
        Ok(Json::Object([open, known, sealed].concat()).to_raw())
    }
}

impl StoredGuardrail {
    /// A row with its secrets opened; nothing for one that is not in force.
    pub(crate) fn of(row: &GuardrailRow, seal: Option<&Seal>) -> Option<Self> {
        if row.status != ACTIVE {
            return None;
        }
        let params = opened(seal, &row.litellm_params);
        let entry = Json::object([
            ("guardrail_name", Json::from(row.guardrail_name.as_str())),
            ("guardrail_id", Json::from(row.guardrail_id.as_str())),
            ("litellm_params", params),
        ]);
        Some(Self { id: row.guardrail_id.clone(), name: row.guardrail_name.clone(), entry })
    }
}

fn taken(name: &str) -> String {
    format!("A guardrail with the name {name} exists already")
}

/// A row whose secrets are masked.
fn masked(row: &GuardrailRow) -> GuardrailRow {
    let params: Json = row.litellm_params.read().unwrap_or_default();
    GuardrailRow { litellm_params: mask::tree(&params).to_raw(), ..row.clone() }
}

/// A row for people.
fn shown(row: &GuardrailRow) -> Json {
    let mut out = view::row(&masked(row));
    out.set("guardrail_definition_location", "db");
    out
}

/// What is not for everybody is taken out.
fn narrowed(entry: &mut Json) {
    let params = entry.get("litellm_params").and_then(Json::as_object).unwrap_or_default().iter();
    let open = params.filter(|(name, _)| OPEN.contains(&name.as_str())).cloned().collect();
    entry.set("litellm_params", Json::Object(open));
}
