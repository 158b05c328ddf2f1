//! Which letters are written: `/email/event_settings`, LiteLLM's `email_settings` among the general settings. Call these on the
//! store's runtime.

use llm_store::{ConfigRow, Store};
use llm_types::Json;
use llm_types::letter::Occasion;

use super::GENERAL;
use crate::Accounts;
use crate::keys::Actor;
use crate::request::{FieldProblem, Outcome, Problem};

/// Among the general settings; names of events to truth values.
const EMAIL_SETTINGS: &str = "email_settings";

impl Accounts {
    /// `GET /email/event_settings`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn email_events(&self) -> Outcome<Json> {
        let said = said(self.store_or_refuse()?).await?;
        let row = |occasion: Occasion| {
            Json::object([("event", Json::from(occasion.name())), ("enabled", Json::from(is_on(&said, occasion)))])
        };
        Ok(Json::object([("settings", Json::Array(Occasion::all().map(row).collect()))]))
    }

    /// `PATCH /email/event_settings`: what is not named stays as it is.
    ///
    /// # Errors
    /// 422 for what is no list of events.
    pub async fn set_email_events(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let given = events(body)?;
        self.edit_email_events(actor, |mut said| {
            for (occasion, enabled) in given {
                said.set(occasion.name(), enabled);
            }
            said
        })
        .await?;
        Ok(Json::object([("message", "Email event settings updated successfully"), ("status", "success")]))
    }

    /// `POST /email/event_settings/reset`: as where nobody said anything.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reset_email_events(&self, actor: Actor<'_>) -> Outcome<Json> {
        let usual = Json::object(Occasion::all().map(|occasion| (occasion.name(), occasion.by_default())));
        self.edit_email_events(actor, |_| usual).await?;
        Ok(Json::object([("message", "Email event settings reset to defaults"), ("status", "success")]))
    }

    async fn edit_email_events(&self, actor: Actor<'_>, edit: impl FnOnce(Json) -> Json) -> Outcome<()> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let mut general = self.section_row(tx.table(), GENERAL).await?;
        general.set(EMAIL_SETTINGS, edit(said_in(&general)));
        self.write_section(&mut tx, actor, GENERAL, general).await?;
        Ok(tx.commit().await?)
    }
}

/// What was said about letters.
///
/// # Errors
/// When the store fails.
pub(crate) async fn said(store: &Store) -> Outcome<Json> {
    let row = store.table::<ConfigRow>().get([GENERAL]).await?;
    Ok(said_in(&row.and_then(|row| row.param_value?.read().ok()).unwrap_or_default()))
}

fn said_in(general: &Json) -> Json {
    let said = general.get(EMAIL_SETTINGS).filter(|said| said.as_object().is_some());
    said.cloned().unwrap_or_else(|| Json::Object(Vec::new()))
}

/// True when letters are written about this.
pub(crate) fn is_on(said: &Json, occasion: Occasion) -> bool {
    said.get(occasion.name()).and_then(Json::as_bool).unwrap_or_else(|| occasion.by_default())
}

/// The events of a body, and whether letters are written about them.
fn events(body: &Json) -> Outcome<Vec<(Occasion, bool)>> {
    let wrong = |field: String, kind, message, input: Option<&Json>| {
        Problem::Fields(vec![FieldProblem { field, kind, message, input: input.cloned().unwrap_or_default() }])
    };
    let Some(list) = body.get("settings") else {
        return Err(wrong("settings".to_owned(), "missing", "Field required", Some(body)));
    };
    let Some(items) = list.as_array() else {
        return Err(wrong("settings".to_owned(), "list_type", "Input should be a valid list", Some(list)));
    };
    let one = |(at, item): (usize, &Json)| {
        let field = |name: &str| format!("settings.{at}.{name}");
        let occasion = item.text("event").and_then(Occasion::parse);
        let occasion = occasion.ok_or_else(|| {
            let message = "Input should be 'Virtual Key Created', 'New User Invitation', 'Virtual Key Rotated', 'Soft Budget Crossed' or 'Max Budget Alert'";
            wrong(field("event"), "enum", message, item.get("event"))
        })?;
        let enabled = item.get("enabled").and_then(Json::as_bool);
        let enabled = enabled.ok_or_else(|| {
            wrong(field("enabled"), "bool_type", "Input should be a valid boolean", item.get("enabled"))
        })?;
        Ok((occasion, enabled))
    };
    items.iter().enumerate().map(one).collect()
}
