//! Changing users.

use chrono::Utc;
use llm_store::{Filter, UserRow};
use llm_types::Json;

use super::body::{BulkBody, UserBody};
use super::make::address_is_free;
use crate::Accounts;
use crate::audit::Action;
use crate::grants;
use crate::keys::{Actor, bad, not_found, view};
use crate::members;
use crate::purse::{Owner, nanos};
use crate::request::Outcome;

/// Users of one `/user/bulk_update` at the most, as in LiteLLM.
const MOST: usize = 500;

impl Accounts {
    /// `POST /user/update`: the user of an id or an address; a field that is given is set, null clears it.
    ///
    /// # Errors
    /// 404 for an unknown user, 400 for wrong values.
    pub async fn update_user(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let after = self.changed_user(actor, body).await?;
        Ok(Json::object([
            ("user_id", Json::from(after.user_id.as_str())),
            ("data", self.with_grants(view::row(&after)).await?),
        ]))
    }

    async fn changed_user(&self, actor: Actor<'_>, body: &Json) -> Outcome<UserRow> {
        let asked = UserBody::read(body)?;
        let (id, email) = (asked.user_id.clone().flatten(), asked.user_email.clone().flatten());
        if asked.spend.flatten().is_some() {
            // What is still on its way must not come on top of the new figure.
            self.inner().flush().await?;
        }
        let password = match asked.password.clone() {
            Some(Some(password)) => Some(Some(self.new_password(&password).await?)),
            other => other.map(|_| None),
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = members::user(&mut tx, id.as_deref(), email.as_deref()).await?;
        let row = row.ok_or_else(|| not_found("User not found").with_param("user_id"))?;
        if let Some(email) = &email {
            address_is_free(&mut tx, email, &row.user_id).await?;
        }
        let mut patch = self.user_patch(body, &asked, row.metadata.read().unwrap_or_default())?;
        patch.spend = asked.spend.flatten();
        patch.updated_at = Some(Some(Utc::now()));
        let (given, there) = (grants::asked(&asked.object_permission)?, row.object_permission_id.as_deref());
        patch.object_permission_id = self.link_grants(&mut tx, actor, given.as_ref(), there).await?;
        patch.password = password;
        let after = self.write(&mut tx, actor, Action::Updated, &row.user_id, Some(&row), &patch).await?;
        let ended = match after.user_role != row.user_role || patch.password.is_some() {
            true => self.end_sessions(&mut tx, actor, &row.user_id, None).await?,
            false => Vec::new(),
        };
        tx.commit().await?;
        ended.iter().for_each(|hash| self.forget_hash(hash));
        if let Some(spend) = patch.spend
            && let Some(purse) = self.inner().purses.known(Owner::User, &row.user_id)
        {
            purse.learn(nanos(spend), true);
        }
        self.forget_user(&row.user_id);
        Ok(after)
    }

    /// `POST /user/bulk_update`: each user for itself; the answer says what became of each.
    ///
    /// # Errors
    /// 400 when nobody is named, or too many.
    pub async fn bulk_update_users(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = BulkBody::read(body)?;
        let changes: Vec<Json> = if asked.all_users.flatten() == Some(true) {
            let Some(Some(updates)) = asked.user_updates else {
                return Err(bad("`all_users` needs `user_updates`").with_param("user_updates").into());
            };
            let users = self.store_or_refuse()?.table::<UserRow>().find(Filter::new()).await?;
            let change = |user: UserRow| {
                let mut change = updates.0.clone();
                change.remove("user_email");
                change.set("user_id", user.user_id);
                change
            };
            users.into_iter().map(change).collect()
        } else {
            asked.users.flatten().and_then(|users| users.as_array().map(<[Json]>::to_vec)).unwrap_or_default()
        };
        if changes.is_empty() {
            return Err(bad("Name users in `users`, or set `all_users` and `user_updates`.")
                .with_param("users")
                .into());
        }
        if asked.all_users.flatten() != Some(true) && changes.len() > MOST {
            return Err(bad(format!("At most {MOST} users can be updated at once.")).with_param("users").into());
        }
        let (mut results, mut good) = (Vec::new(), 0_usize);
        for change in &changes {
            let done = self.changed_user(actor, change).await;
            good += usize::from(done.is_ok());
            let named = |name: &str| change.get(name).cloned().unwrap_or_default();
            let (user, error) = match done {
                Ok(row) => (view::row(&row), Json::Null),
                Err(problem) => (Json::Null, Json::from(problem.text())),
            };
            results.push(Json::object([
                ("user_id", named("user_id")),
                ("user_email", named("user_email")),
                ("success", Json::from(error.is_null())),
                ("error", error),
                ("updated_user", user),
            ]));
        }
        Ok(Json::object([
            ("total_requested", Json::from(results.len() as u64)),
            ("successful_updates", Json::from(good as u64)),
            ("failed_updates", Json::from((results.len() - good) as u64)),
            ("results", Json::Array(results)),
        ]))
    }
}
