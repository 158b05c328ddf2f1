//! End users, whom LiteLLM calls customers. Call these on the store's runtime.

mod blocked;

use llm_store::{EndUserPatch, EndUserRow, Filter};
use llm_types::Json;

use crate::audit::Action;
use crate::budgets::{BudgetBody, not_negative};
use crate::grants;
use crate::keys::{Actor, bad, not_found, view};
use crate::request::{FieldProblem, Given, Map, Outcome, body, required, unless_taken};
use crate::{Accounts, Problem};

pub(crate) use blocked::BlockedCustomers;

body! {
    /// `/customer/new` and `/customer/update`.
    struct CustomerBody {
        user_id: String,
        alias: String,
        blocked: bool,
        spend: f64,
        allowed_model_region: String,
        default_model: String,
        object_permission: Map,
    }
}

body! {
    /// `/customer/delete`, `/customer/block`, `/customer/unblock`.
    struct CustomerIds {
        user_ids: Vec<String>,
    }
}

impl Accounts {
    /// `POST /customer/new`.
    ///
    /// # Errors
    /// 400 for an id that exists, 422 for an unknown region.
    pub async fn new_customer(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = read(body)?;
        let id = required(asked.user_id.clone(), "user_id", body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let done = tx.table().insert(&EndUserRow { user_id: id.clone(), ..EndUserRow::default() }).await;
        let why = format!("Customer already exists, passed user_id={id}. Please pass a new user_id.");
        unless_taken(done, why, "user_id")?;
        let budget = self.link_budget(&mut tx, actor, &BudgetBody::read(body)?, None).await?;
        let grants = self.link_grants(&mut tx, actor, grants::asked(&asked.object_permission)?.as_ref(), None).await?;
        self.write(&mut tx, actor, Action::Created, &id, None, &patch(&asked, budget, grants)).await?;
        tx.commit().await?;
        self.changed_customers().await?;
        self.customer_info(&id).await
    }

    /// `POST /customer/update`: a field that is given is set, null clears it.
    ///
    /// # Errors
    /// 404 for an unknown customer.
    pub async fn update_customer(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = read(body)?;
        let id = required(asked.user_id.clone(), "user_id", body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<EndUserRow>().get([id.as_str()]).await?.ok_or_else(|| no_customer(&id))?;
        let budget = self.link_budget(&mut tx, actor, &BudgetBody::read(body)?, row.budget_id.as_deref()).await?;
        let (given, there) = (grants::asked(&asked.object_permission)?, row.object_permission_id.as_deref());
        let grants = self.link_grants(&mut tx, actor, given.as_ref(), there).await?;
        self.write(&mut tx, actor, Action::Updated, &id, Some(&row), &patch(&asked, budget, grants)).await?;
        tx.commit().await?;
        self.changed_customers().await?;
        self.customer_info(&id).await
    }

    /// `GET /customer/info`.
    ///
    /// # Errors
    /// 404 for an unknown customer.
    pub async fn customer_info(&self, id: &str) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<EndUserRow>().get([id]).await?;
        self.with_grants(self.with_budget(row.ok_or_else(|| no_customer(id))?).await?).await
    }

    /// `GET /customer/list`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_customers(&self) -> Outcome<Json> {
        let rows = self.store_or_refuse()?.table::<EndUserRow>().find(Filter::new()).await?;
        let mut shown = self.with_budgets(&rows).await?;
        self.show_grants(&mut shown).await?;
        Ok(Json::Array(shown))
    }

    /// `POST /customer/delete`. All or none.
    ///
    /// # Errors
    /// 404 when one of them does not exist.
    pub async fn delete_customers(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = some_ids(body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let there = tx.table::<EndUserRow>().get_many(&ids).await?;
        if let Some(missing) = ids.iter().find(|id| !there.iter().any(|row| row.user_id == **id)) {
            return Err(no_customer(missing));
        }
        for row in &there {
            self.erase(&mut tx, actor, &row.user_id, row).await?;
        }
        let gone = there.len() as u64;
        tx.commit().await?;
        self.changed_customers().await?;
        Ok(Json::object([
            ("deleted_customers", Json::from(gone)),
            ("message", Json::from(format!("Successfully deleted customers with ids: {}", ids.join(", ")))),
        ]))
    }

    /// `POST /customer/block`: their calls are refused from now on. Those who were not known are made.
    ///
    /// # Errors
    /// 400 without ids.
    pub async fn block_customers(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = some_ids(body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let there = tx.table::<EndUserRow>().get_many(&ids).await?;
        let mut new: Vec<&String> = ids.iter().filter(|id| !there.iter().any(|row| row.user_id == **id)).collect();
        new.sort_unstable();
        new.dedup();
        for id in new {
            tx.table().insert(&EndUserRow { user_id: id.clone(), ..EndUserRow::default() }).await?;
        }
        let mut rows = Vec::new();
        for before in tx.table::<EndUserRow>().get_many(&ids).await? {
            let patch = EndUserPatch { blocked: Some(true), ..EndUserPatch::default() };
            rows.push(self.write(&mut tx, actor, Action::Blocked, &before.user_id, Some(&before), &patch).await?);
        }
        tx.commit().await?;
        self.changed_customers().await?;
        Ok(Json::object([("blocked_users", Json::Array(rows.iter().map(view::row).collect()))]))
    }

    /// `POST /customer/unblock`; the answer has those who are still blocked.
    ///
    /// # Errors
    /// 400 without ids.
    pub async fn unblock_customers(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = some_ids(body)?;
        let store = self.store_or_refuse()?;
        let mut tx = store.begin().await?;
        for before in tx.table::<EndUserRow>().get_many(&ids).await? {
            let patch = EndUserPatch { blocked: Some(false), ..EndUserPatch::default() };
            self.write(&mut tx, actor, Action::Unblocked, &before.user_id, Some(&before), &patch).await?;
        }
        tx.commit().await?;
        self.changed_customers().await?;
        let left = store.table::<EndUserRow>().find(Filter::new().is("blocked", true)).await?;
        let left = left.into_iter().map(|row| Json::from(row.user_id)).collect();
        Ok(Json::object([("blocked_users", Json::Array(left))]))
    }
}

fn read(body: &Json) -> Outcome<CustomerBody> {
    let asked = CustomerBody::read(body)?;
    not_negative("spend", asked.spend)?;
    if let Some(Some(region)) = &asked.allowed_model_region
        && !["eu", "us"].contains(&region.as_str())
    {
        return Err(Problem::Fields(vec![FieldProblem {
            field: "allowed_model_region".to_owned(),
            kind: "enum",
            message: "Input should be 'eu' or 'us'",
            input: Json::from(region.as_str()),
        }]));
    }
    Ok(asked)
}

fn some_ids(body: &Json) -> Outcome<Vec<String>> {
    let ids = required(CustomerIds::read(body)?.user_ids, "user_ids", body)?;
    if ids.is_empty() {
        return Err(bad("user_id is required, passed user_id = []").with_param("user_ids").into());
    }
    Ok(ids)
}

fn patch(asked: &CustomerBody, budget: Option<String>, grants: Given<String>) -> EndUserPatch {
    EndUserPatch {
        alias: asked.alias.clone(),
        blocked: asked.blocked.flatten(),
        spend: asked.spend.flatten(),
        allowed_model_region: asked.allowed_model_region.clone(),
        default_model: asked.default_model.clone(),
        budget_id: Some(budget),
        object_permission_id: grants,
        ..EndUserPatch::default()
    }
}

fn no_customer(id: &str) -> Problem {
    not_found(format!("End User Id={id} does not exist in db")).with_param("user_id").into()
}
