//! Reusable budgets. Call these on the store's runtime.

mod body;
mod fill;
mod linked;
mod lists;

use chrono::Utc;
use llm_store::defaults::new_id;
use llm_store::{BudgetRow, Filter};
use llm_types::Json;

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, view};
use crate::request::{Outcome, required, unless_taken};

pub(crate) use body::BudgetBody;
use body::{BudgetId, BudgetIds};
pub(crate) use fill::{fits_parallel, limits_not_negative, not_negative};
pub(crate) use linked::no_budget;
pub(crate) use lists::{MOST, WINDOW, amount, check, named, of_models};

/// The fields of a budget that a form shows: name, type, what it is.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("max_budget", "Float", "Requests are refused when this much (USD) was spent in a window."),
    ("soft_budget", "Float", "An alert is sent when this much (USD) was spent; nothing is refused."),
    ("budget_duration", "String", "Length of the window: 30s, 5m, 24h, 7d, 1mo."),
    ("tpm_limit", "Integer", "Tokens per minute."),
    ("rpm_limit", "Integer", "Requests per minute."),
    ("max_parallel_requests", "Integer", "Requests at the same time."),
    ("model_max_budget", "Dictionary", "Budgets of single models."),
];

impl Accounts {
    /// `POST /budget/new`.
    ///
    /// # Errors
    /// 400 for an id that exists and for wrong values.
    pub async fn new_budget(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = BudgetBody::read(body)?;
        let patch = fill::patch(&asked, &self.reset_clock()?, Utc::now())?;
        let id = asked.budget_id.flatten().filter(|id| !id.is_empty()).unwrap_or_else(new_id);
        let by = actor.name().unwrap_or_default();
        let row = BudgetRow { budget_id: id.clone(), created_by: by.clone(), updated_by: by, ..BudgetRow::default() };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let done = tx.table().insert(&row).await;
        unless_taken(done, format!("Budget already exists, passed budget_id={id}."), "budget_id")?;
        let row = self.write(&mut tx, actor, Action::Created, &id, None, &patch).await?;
        tx.commit().await?;
        Ok(view::row(&row))
    }

    /// `POST /budget/update`: a field that is given is set, null clears it.
    ///
    /// # Errors
    /// 404 for an unknown budget.
    pub async fn update_budget(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = BudgetBody::read(body)?;
        let id = required(asked.budget_id.clone(), "budget_id", body)?;
        let mut patch = fill::patch(&asked, &self.reset_clock()?, Utc::now())?;
        patch.updated_by = actor.name();
        let mut tx = self.store_or_refuse()?.begin().await?;
        let before = tx.table::<BudgetRow>().get([id.as_str()]).await?.ok_or_else(|| no_budget(&id))?;
        let row = self.write(&mut tx, actor, Action::Updated, &id, Some(&before), &patch).await?;
        tx.commit().await?;
        // Anybody may stand on it.
        self.forget_keys(|_| true);
        Ok(view::row(&row))
    }

    /// `POST /budget/info`: the budgets with these ids.
    ///
    /// # Errors
    /// 400 without ids.
    pub async fn budgets_info(&self, body: &Json) -> Outcome<Json> {
        let ids = required(BudgetIds::read(body)?.budgets, "budgets", body)?;
        if ids.is_empty() {
            return Err(bad("Specify list of budget id's to get information about. Passed in=[]")
                .with_param("budgets")
                .into());
        }
        let rows = self.store_or_refuse()?.table::<BudgetRow>().get_many(&ids).await?;
        Ok(Json::Array(rows.iter().map(view::row).collect()))
    }

    /// `GET /budget/list`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_budgets(&self) -> Outcome<Json> {
        let rows = self.store_or_refuse()?.table::<BudgetRow>().find(Filter::new()).await?;
        Ok(Json::Array(rows.iter().map(view::row).collect()))
    }

    /// `GET /budget/settings`: what can be set, and what is.
    ///
    /// # Errors
    /// 404 for an unknown budget.
    pub async fn budget_settings(&self, id: &str) -> Outcome<Json> {
        let row = self.budget_shown(id).await?;
        let field = |(name, kind, what): &(&str, &str, &str)| {
            let value = row.get(name).cloned().unwrap_or_default();
            Json::object([
                ("field_name", Json::from(*name)),
                ("field_type", Json::from(*kind)),
                ("field_description", Json::from(*what)),
                ("stored_in_db", Json::from(!value.is_null())),
                ("field_value", value),
                ("field_default_value", Json::Null),
            ])
        };
        Ok(Json::Array(SETTINGS.iter().map(field).collect()))
    }

    /// `POST /budget/delete`. What refers to it has no budget then.
    ///
    /// # Errors
    /// 404 for an unknown budget; 400 while organizations, which cannot be without one, refer to it.
    pub async fn delete_budget(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let id = required(BudgetId::read(body)?.id, "id", body)?;
        let store = self.store_or_refuse()?;
        let linked = || Filter::new().is("budget_id", id.clone());
        if store.table::<llm_store::OrganizationRow>().count(&linked()).await? > 0 {
            return Err(bad(format!("Budget {id} belongs to an organization.")).with_param("id").into());
        }
        let mut tx = store.begin().await?;
        let row = tx.table::<BudgetRow>().get([id.as_str()]).await?.ok_or_else(|| no_budget(&id))?;
        macro_rules! unlink {
            ($($patch:ident),+) => { $(
                let patch = llm_store::$patch { budget_id: Some(None), ..llm_store::$patch::default() };
                tx.table().update_where(&linked(), &patch).await?;
            )+ };
        }
        unlink!(
            KeyPatch,
            TeamMembershipPatch,
            OrganizationMembershipPatch,
            EndUserPatch,
            TagPatch,
            ProjectPatch,
            ModelAccessGroupBudgetPatch
        );
        self.erase(&mut tx, actor, &id, &row).await?;
        tx.commit().await?;
        self.forget_keys(|_| true);
        Ok(view::row(&row))
    }

    async fn budget_shown(&self, id: &str) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<BudgetRow>().get([id]).await?;
        row.as_ref().map(view::row).ok_or_else(|| no_budget(id))
    }
}
