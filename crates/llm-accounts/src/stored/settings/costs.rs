//! Discounts and margins of providers, and callbacks that are taken out: settings that have calls of their own.

use llm_types::Json;

use super::replaced;
use crate::Accounts;
use crate::keys::{Actor, bad, not_found};
use crate::request::{FieldProblem, Map, Outcome, Problem, body, required};

const LITELLM: &str = "litellm_settings";

/// Lists of callbacks.
const LISTS: [&str; 3] = ["callbacks", "success_callback", "failure_callback"];

body! {
    /// `POST /config/callback/delete`.
    struct CallbackBody {
        callback_name: String,
    }
}

body! {
    /// `POST /model_group/make_public`, `POST /model_hub/update_useful_links`.
    struct PublicBody {
        model_groups: Vec<String>,
        useful_links: Map,
    }
}

body! {
    /// `PATCH /config/block_requests_for_models_without_pricing`.
    struct SwitchBody {
        enabled: bool,
    }
}

const ONLY_PRICED: &str = "block_requests_for_models_without_pricing";

impl Accounts {
    /// `GET /config/cost_discount_config` and `/config/cost_margin_config`: the setting in force.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cost_config(&self, name: &str) -> Outcome<Json> {
        let values = self.litellm_setting(name).await?;
        let values = if values.as_object().is_some() { values } else { Json::Object(Vec::new()) };
        Ok(Json::object([("values", values)]))
    }

    /// `PATCH` of the same: replaces all of it.
    ///
    /// # Errors
    /// 422 unless it is a map; 400 for amounts that are none and providers that nobody knows.
    pub async fn set_cost_config(&self, actor: Actor<'_>, name: &str, body: &Json) -> Outcome<Json> {
        let Some(fields) = body.as_object() else {
            let message = "Input should be a valid dictionary";
            let field = String::new();
            return Err(Problem::Fields(vec![FieldProblem { field, kind: "dict_type", message, input: body.clone() }]));
        };
        let discount = name == "cost_discount_config";
        for (provider, value) in fields {
            let share = |value: &Json| {
                value.as_f64().is_some_and(|share| (0.0..=if discount { 1.0 } else { 10.0 }).contains(&share))
            };
            let amount = |value: &Json| value.as_f64().is_some_and(|amount| amount >= 0.0 && amount.is_finite());
            let parts = value.as_object().unwrap_or_default();
            let map = !discount
                && !parts.is_empty()
                && parts.iter().all(|(part, value)| match part.as_str() {
                    "percentage" => share(value),
                    "fixed_amount" => amount(value),
                    _ => false,
                });
            if !(share(value) || map) {
                return Err(bad(format!("{provider}: {value} is no share")).with_param(provider.as_str()).into());
            }
        }
        self.change_litellm(actor, &Json::object([(name, body.clone())])).await?;
        let what = if discount { "discount" } else { "margin" };
        Ok(Json::object([
            ("message", Json::from(format!("Cost {what} configuration updated successfully"))),
            ("status", Json::from("success")),
            ("values", body.clone()),
        ]))
    }

    /// `POST /config/callback/delete`: takes a callback that the database names out of every list.
    ///
    /// # Errors
    /// 404 for a callback that the database does not name.
    pub async fn delete_callback(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let name = required(CallbackBody::read(body)?.callback_name, "callback_name", body)?;
        let there = self.section_row(self.store_or_refuse()?.table(), LITELLM).await?;
        let has = |list: &Json| list.as_array().unwrap_or_default().iter().any(|item| item.as_str() == Some(&name));
        let lists: Vec<(&str, Json)> = LISTS
            .iter()
            .filter_map(|list| {
                let items = there.get(list).filter(|items| has(items))?;
                let left = items.as_array().unwrap_or_default().iter().filter(|item| item.as_str() != Some(&name));
                Some((*list, Json::Array(left.cloned().collect())))
            })
            .collect();
        if lists.is_empty() {
            let why = format!("Callback '{name}' not found in active callbacks of the database");
            return Err(not_found(why).with_param("callback_name").into());
        }
        self.change_litellm(actor, &Json::object(lists)).await?;
        Ok(Json::object([
            ("message", Json::from(format!("Successfully deleted callback: {name}"))),
            ("removed_callback", Json::from(name)),
        ]))
    }

    /// `POST /model_group/make_public`: the model groups that everybody may know of; all others are not told.
    ///
    /// # Errors
    /// 404 for a group that is not served.
    pub async fn make_groups_public(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let groups = required(PublicBody::read(body)?.model_groups, "model_groups", body)?;
        let serving = self.serving()?;
        if let Some(unknown) = groups.iter().find(|group| !serving.serves_group(group)) {
            return Err(not_found(format!("Model group '{unknown}' is not served")).with_param("model_groups").into());
        }
        let list = Json::Array(groups.into_iter().map(Json::from).collect());
        self.change_litellm(actor, &Json::object([("public_model_groups", list.clone())])).await?;
        Ok(Json::object([
            ("message", Json::from("Successfully updated public model groups")),
            ("public_model_groups", list),
            ("updated_by", Json::from(actor.name())),
        ]))
    }

    /// `POST /model_hub/update_useful_links`: links of the public page, by their titles.
    ///
    /// # Errors
    /// 400 for what is no web address.
    pub async fn set_useful_links(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let Map(links) = required(PublicBody::read(body)?.useful_links, "useful_links", body)?;
        let address = |link: &Json| {
            let text = link.as_str().or_else(|| link.text("url")).unwrap_or_default();
            text.starts_with("https://") || text.starts_with("http://")
        };
        if let Some((title, _)) = links.as_object().unwrap_or_default().iter().find(|(_, link)| !address(link)) {
            return Err(bad(format!("{title}: expected an address with https://")).with_param("useful_links").into());
        }
        self.change_litellm(actor, &Json::object([("public_model_groups_links", links.clone())])).await?;
        Ok(Json::object([("message", Json::from("Successfully updated useful links")), ("useful_links", links)]))
    }

    /// `GET /config/block_requests_for_models_without_pricing`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn only_priced(&self) -> Outcome<Json> {
        let enabled = self.litellm_setting(ONLY_PRICED).await?.as_bool().unwrap_or_default();
        Ok(Json::object([("enabled", enabled)]))
    }

    /// `PATCH` of the same.
    ///
    /// # Errors
    /// 422 without `enabled`.
    pub async fn set_only_priced(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let enabled = required(SwitchBody::read(body)?.enabled, "enabled", body)?;
        self.change_litellm(actor, &Json::object([(ONLY_PRICED, enabled)])).await?;
        Ok(Json::object([("enabled", enabled)]))
    }

    /// A setting of `litellm_settings` in force: the database's, else the file's.
    pub(crate) async fn litellm_setting(&self, name: &str) -> Outcome<Json> {
        let stored = self.section_row(self.store_or_refuse()?.table(), LITELLM).await?;
        let file = || self.serving().map(|s| s.section(LITELLM)).unwrap_or_default();
        Ok(stored.get(name).cloned().unwrap_or_else(|| file().get(name).cloned().unwrap_or_default()))
    }

    pub(crate) async fn change_litellm(&self, actor: Actor<'_>, given: &Json) -> Outcome<()> {
        let changes = self.checked_litellm(given).await?;
        self.commit_sections(self.store_or_refuse()?.begin().await?, actor, changes).await
    }

    /// What the section becomes, checked: for [`Accounts::commit_sections`].
    pub(crate) async fn checked_litellm(&self, given: &Json) -> Outcome<Vec<(&'static str, Json)>> {
        self.stores_models()?;
        let mut draft = self.stored().await?;
        let there = self.section_row(self.store_or_refuse()?.table(), LITELLM).await?;
        let changes = vec![(LITELLM, self.change(LITELLM, &there, given, replaced)?)];
        self.check_sections(&mut draft, &changes)?;
        Ok(changes)
    }
}
