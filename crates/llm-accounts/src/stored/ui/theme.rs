//! Logos: `litellm_settings.ui_theme_config`, else variables of the environment. They are public, so only addresses of the web
//! are told, and the one that was uploaded; nothing is fetched here.

use llm_types::Json;

use super::super::form::{self, Field};
use super::super::sso::is_web;
use super::logo::is_uploaded;
use crate::Accounts;
use crate::keys::{Actor, bad};
use crate::request::{Outcome, body};

pub(super) const SETTING: &str = "ui_theme_config";

const FIELDS: &[Field] = &[
    ("logo_url", "string", "Address of the logo"),
    ("logo_url_dark", "string", "Address of the logo on dark pages; without one the other is shown"),
    ("favicon_url", "string", "Address of the little picture in the browser's tab"),
];

const VARIABLES: [(&str, &str); 3] =
    [("logo_url", "UI_LOGO_PATH"), ("logo_url_dark", "UI_LOGO_PATH_DARK"), ("favicon_url", "LITELLM_FAVICON_URL")];

body! {
    /// `PATCH /update/ui_theme_settings`.
    struct ThemeBody {
        logo_url: String,
        logo_url_dark: String,
        favicon_url: String,
    }
}

impl Accounts {
    /// The address of the first of these pictures (`logo_url`, `logo_url_dark`, `favicon_url`) that there is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn theme_url(&self, names: &[&str]) -> Outcome<Option<String>> {
        let theme = self.theme().await?;
        Ok(names.iter().find_map(|wanted| theme.iter().find(|(name, _)| name == wanted)?.1.clone()))
    }

    /// The addresses of all pictures.
    async fn theme(&self) -> Outcome<[(&'static str, Option<String>); 3]> {
        let stored = self.section_row(self.store_or_refuse()?.table(), "litellm_settings").await?;
        let serving = self.serving().ok();
        let configured = serving.as_ref().map(|serving| serving.section("litellm_settings")).unwrap_or_default();
        let told = |section: &Json, name: &str| {
            section.get(SETTING)?.text(name).map(str::to_owned).filter(|url| is_web(url.trim()) || is_uploaded(url))
        };
        let variable = |variable: &str| {
            serving.as_ref().and_then(|serving| serving.environment()(variable)).filter(|url| is_web(url.trim()))
        };
        let picture = |name, of| told(&stored, name).or_else(|| told(&configured, name)).or_else(|| variable(of));
        Ok(VARIABLES.map(|(name, of)| (name, picture(name, of))))
    }

    /// `GET /get/ui_theme_settings`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn theme_settings(&self) -> Outcome<Json> {
        let values = self.theme().await?.map(|(name, url)| (name, Json::from(url)));
        Ok(Json::object([
            ("values", Json::object(values)),
            ("field_schema", form::schema("Logos of the pages", FIELDS)),
        ]))
    }

    /// `PATCH /update/ui_theme_settings`: replaces all of it; what is not given is taken away. The logo that was uploaded stays
    /// if its address comes back.
    ///
    /// # Errors
    /// 400 for what is no address of the web.
    pub async fn set_theme(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = ThemeBody::read(body)?;
        let given =
            [("logo_url", asked.logo_url), ("logo_url_dark", asked.logo_url_dark), ("favicon_url", asked.favicon_url)];
        let uploaded = self.theme_url(&["logo_url"]).await?.filter(|url| is_uploaded(url));
        let mut theme = Vec::new();
        for (name, url) in given {
            let Some(url) = url.flatten().filter(|url| !url.trim().is_empty()) else { continue };
            let stays = name == "logo_url" && uploaded.as_ref() == Some(&url);
            if !(stays || is_web(url.trim())) {
                let why = format!("Invalid {name}: must be an http(s) URL with a host.");
                return Err(bad(why).with_param(name).into());
            }
            theme.push((name, Json::from(url)));
        }
        let theme = Json::object(theme);
        self.change_litellm(actor, &Json::object([(SETTING, theme.clone())])).await?;
        Ok(Json::object([
            ("message", Json::from("UI theme settings updated successfully.")),
            ("status", Json::from("success")),
            ("theme_config", theme),
        ]))
    }
}
