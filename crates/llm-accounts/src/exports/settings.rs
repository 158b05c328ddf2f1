//! Settings of exports that live in the database, in LiteLLM's rows of `LiteLLM_Config`. What is secret in them is sealed.

use llm_store::ConfigRow;
use llm_types::{Error, Json, Secret};

use super::{CloudZero, Export, ExportPlan, Vantage};
use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, not_found};
use crate::mask;
use crate::request::{FieldProblem, Outcome, Problem};
use crate::stored::{is_web, settings_of, shown};

/// Where an export's settings are.
pub(super) struct Place {
    /// The row, as LiteLLM names it.
    row: &'static str,
    /// For people.
    name: &'static str,
    /// Its fields, what stands where one is not given (empty: it must be), whether it is sealed.
    fields: &'static [(&'static str, &'static str, bool)],
}

const CLOUDZERO_PLACE: Place = Place {
    row: "cloudzero_settings",
    name: "CloudZero",
    fields: &[("api_key", "", true), ("connection_id", "", false), ("timezone", "UTC", false)],
};

const VANTAGE_PLACE: Place = Place {
    row: "vantage_settings",
    name: "Vantage",
    fields: &[("api_key", "", true), ("integration_token", "", true), ("base_url", Vantage::URL, false)],
};

impl Place {
    /// # Errors
    /// 404 for an export whose settings are those of the environment alone.
    pub(super) fn of(export: Export) -> Outcome<&'static Self> {
        match export {
            Export::CloudZero => Ok(&CLOUDZERO_PLACE),
            Export::Vantage => Ok(&VANTAGE_PLACE),
            Export::Focus => Err(not_found("FOCUS exports are set up in the environment").into()),
        }
    }

    pub(super) fn missing(&self) -> Error {
        let init = self.name.to_ascii_lowercase();
        not_found(format!("{} settings not found. Please initialize settings first using /{init}/init", self.name))
    }

    fn said(&self, what: &str) -> Json {
        let message = format!("{} settings {what} successfully", self.name);
        Json::object([("message", message.as_str()), ("status", "success")])
    }
}

impl Accounts {
    /// `POST /cloudzero/init`, `POST /vantage/init`: all of the settings.
    ///
    /// # Errors
    /// 422 for what is missing, 400 for what cannot be, 500 without a key to seal secrets with.
    pub async fn init_export(&self, actor: Actor<'_>, export: Export, body: &Json) -> Outcome<Json> {
        let place = Place::of(export)?;
        let settings = read(place, body, None)?;
        self.write_export(actor, place, &settings).await?;
        Ok(place.said("initialized"))
    }

    /// `PUT /cloudzero/settings`, `PUT /vantage/settings`: what is given changes.
    ///
    /// # Errors
    /// 404 before there are any; as [`Accounts::init_export`] otherwise.
    pub async fn update_export(&self, actor: Actor<'_>, export: Export, body: &Json) -> Outcome<Json> {
        let place = Place::of(export)?;
        let given = |(name, ..): &(&str, &str, bool)| body.text(name).is_some_and(|text| !text.is_empty());
        if !place.fields.iter().any(given) {
            return Err(bad("At least one field must be provided for update").into());
        }
        let there = self.export_settings(place).await?.ok_or_else(|| place.missing())?;
        let settings = read(place, body, Some(&there))?;
        self.write_export(actor, place, &settings).await?;
        Ok(place.said("updated"))
    }

    /// `GET /cloudzero/settings`, `GET /vantage/settings`; nulls where there are none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn show_export(&self, export: Export) -> Outcome<Json> {
        let place = Place::of(export)?;
        let there = self.export_settings(place).await?;
        let shown = there.as_ref().map(mask::tree).unwrap_or_default();
        let mut out = Json::Object(Vec::new());
        for (name, _, secret) in place.fields {
            let key = if *secret { format!("{name}_masked") } else { (*name).to_owned() };
            out.set(&key, shown.get(name).cloned().unwrap_or_default());
        }
        out.set("status", there.map_or(Json::Null, |_| Json::from("configured")));
        Ok(out)
    }

    /// `DELETE /cloudzero/delete`, `DELETE /vantage/delete`.
    ///
    /// # Errors
    /// 404 when there are none.
    pub async fn delete_export(&self, actor: Actor<'_>, export: Export) -> Outcome<Json> {
        let place = Place::of(export)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<ConfigRow>().get([place.row]).await?;
        let row = row.ok_or_else(|| not_found(format!("{} settings not found", place.name)))?;
        tx.table::<ConfigRow>().delete([place.row]).await?;
        self.audit(tx.table(), actor, Action::Deleted, place.row, Some(&shown(&row)), None).await?;
        tx.commit().await?;
        Ok(place.said("deleted"))
    }

    /// CloudZero in force: that of the database, else that of the environment.
    pub(super) async fn cloudzero(&self, plan: &ExportPlan) -> Outcome<Option<CloudZero>> {
        let Some(there) = self.export_settings(&CLOUDZERO_PLACE).await? else { return Ok(plan.cloudzero.clone()) };
        let text = |name: &str| there.text(name).unwrap_or_default().to_owned();
        let api_key = Secret::new(text("api_key"));
        Ok(Some(CloudZero { api_key, connection_id: text("connection_id"), timezone: text("timezone") }))
    }

    /// Vantage in force, in the same way.
    pub(super) async fn vantage(&self, plan: &ExportPlan) -> Outcome<Option<Vantage>> {
        let Some(there) = self.export_settings(&VANTAGE_PLACE).await? else { return Ok(plan.vantage.clone()) };
        let text = |name: &str| there.text(name).unwrap_or_default().to_owned();
        let (api_key, token) = (Secret::new(text("api_key")), Secret::new(text("integration_token")));
        let base_url = Some(text("base_url")).filter(|url| !url.is_empty()).unwrap_or_else(|| Vantage::URL.to_owned());
        Ok(Some(Vantage { api_key, integration_token: token, base_url }))
    }

    /// The settings of a row, opened.
    async fn export_settings(&self, place: &Place) -> Outcome<Option<Json>> {
        let row = self.store_or_refuse()?.table::<ConfigRow>().get([place.row]).await?;
        let (value, seal) = (row.and_then(|row| row.param_value), self.seal());
        let opened = settings_of(value.as_ref(), |raw| crate::seal::opened(seal.as_ref(), raw));
        Ok(opened.as_object().is_some_and(|fields| !fields.is_empty()).then_some(opened))
    }

    async fn write_export(&self, actor: Actor<'_>, place: &Place, settings: &Json) -> Outcome<()> {
        let seal = self.seal_or_refuse()?;
        let mut sealed = settings.clone();
        for (name, ..) in place.fields.iter().filter(|(.., secret)| *secret) {
            let text = seal.seal(settings.text(name).unwrap_or_default())?;
            sealed.set(name, text);
        }
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.write_config(&mut tx, actor, place.row, &sealed).await?;
        Ok(tx.commit().await?)
    }
}

/// The settings of a body, over those that are there.
fn read(place: &Place, body: &Json, there: Option<&Json>) -> Outcome<Json> {
    let mut problems = Vec::new();
    let mut problem = |field: &str, kind, message, input: Json| {
        problems.push(FieldProblem { field: field.to_owned(), kind, message, input });
    };
    let mut out = Json::Object(Vec::new());
    for (name, usual, _) in place.fields {
        let kept = there.and_then(|there| there.text(name)).filter(|text| !text.is_empty());
        let value = match body.get(name).filter(|value| !value.is_null()) {
            None => kept.or(Some(*usual).filter(|usual| !usual.is_empty())),
            Some(Json::String(text)) if text.trim().is_empty() => {
                problem(name, "value_error", "Value error, must be a non-empty string", Json::from(text.as_str()));
                continue;
            }
            Some(Json::String(text)) => Some(text.as_str()),
            Some(other) => {
                problem(name, "string_type", "Input should be a valid string", other.clone());
                continue;
            }
        };
        match value {
            Some(value) => out.set(name, value),
            None => problem(name, "missing", "Field required", body.clone()),
        }
    }
    if !problems.is_empty() {
        return Err(Problem::Fields(problems));
    }
    if let Some(zone) = out.text("timezone")
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        return Err(bad(format!("timezone: `{zone}` is not an IANA time zone")).with_param("timezone").into());
    }
    if let Some(address) = out.text("base_url")
        && !is_web(address)
    {
        return Err(bad("base_url: expected an http or https URL").with_param("base_url").into());
    }
    Ok(out)
}
