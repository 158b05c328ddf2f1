//! Setting what a key has spent, and whether it is well.

use llm_store::KeyPatch;
use llm_types::Json;

use super::body::KeyBody;
use super::{Actor, bad};
use crate::Accounts;
use crate::audit::Action;
use crate::budgets::not_negative;
use crate::purse::{Owner, nanos};
use crate::request::{Outcome, body, required};

body! {
    /// `/key/{key}/reset_spend`.
    struct ResetBody {
        reset_to: f64,
    }
}

impl Accounts {
    /// `POST /key/{key}/reset_spend`: the key has spent so much and no more.
    ///
    /// # Errors
    /// 404 for an unknown key, 400 for more than was spent and for less than nothing.
    pub async fn reset_key_spend(&self, actor: Actor<'_>, key: &str, body: &Json) -> Outcome<Json> {
        let asked = ResetBody::read(body)?;
        let to = required(asked.reset_to, "reset_to", body)?;
        not_negative("reset_to", Some(Some(to)))?;
        // What is still on its way must not come on top of the new figure.
        self.inner().flush().await?;
        let row = self.key_row(key).await?;
        if to > row.spend {
            let why = format!("reset_to ({to}) must not be above the current spend ({}).", row.spend);
            return Err(bad(why).with_param("reset_to").into());
        }
        let patch = KeyPatch { spend: Some(to), updated_by: Some(actor.name()), ..KeyPatch::default() };
        let after = self.write_key(actor, Action::Updated, &row, patch, (&KeyBody::default(), None)).await?;
        if let Some(purse) = self.inner().purses.known(Owner::Key, &row.token) {
            purse.learn(nanos(to), true);
        }
        Ok(Json::object([
            ("key_hash", Json::from(after.token.as_str())),
            ("spend", Json::from(after.spend)),
            ("previous_spend", Json::from(row.spend)),
            ("max_budget", Json::from(after.max_budget)),
            ("budget_reset_at", Json::from(after.budget_reset_at.map(|at| at.to_rfc3339()))),
        ]))
    }

    /// `POST /key/health`: who got here has a good key; callbacks of its own are sent the record of a call that was never made.
    ///
    /// # Errors
    /// 500 when nothing is served.
    pub async fn key_health(&self, actor: Actor<'_>) -> Outcome<Json> {
        let own = actor.who.caller.callbacks.as_deref().unwrap_or_default();
        if own.is_empty() {
            return Ok(Json::object([("key", Json::from("healthy")), ("logging_callbacks", Json::Null)]));
        }
        let serving = self.serving()?;
        let (mut names, mut faults) = (Vec::new(), Vec::new());
        for callback in own {
            names.push(Json::from(&*callback.name));
            faults.extend(serving.try_callback(callback.clone()).await.err());
        }
        let status = if faults.is_empty() { "healthy" } else { "unhealthy" };
        let told = "A record of a mock call was taken by each of them.";
        let details = if faults.is_empty() { told.to_owned() } else { faults.join("; ") };
        let callbacks = Json::object([
            ("callbacks", Json::Array(names)),
            ("status", Json::from(status)),
            ("details", Json::from(details)),
        ]);
        Ok(Json::object([("key", Json::from(status)), ("logging_callbacks", callbacks)]))
    }
}
