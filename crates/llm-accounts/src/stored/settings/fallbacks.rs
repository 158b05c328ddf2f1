//! Fallbacks of single models, as `/fallback` changes them. They lie in the database's `router_settings`, over those of the
//! file.

use llm_store::ConfigRow;
use llm_types::Json;

use super::replaced;
use crate::Accounts;
use crate::keys::{Actor, bad, not_found};
use crate::request::{Outcome, body, required};

body! {
    /// `POST /fallback`.
    struct FallbackBody {
        model: String,
        fallback_models: Vec<String>,
        fallback_type: String,
    }
}

const ROUTER: &str = "router_settings";

/// The setting of a kind of fallback.
fn setting(kind: &str) -> Outcome<&'static str> {
    match kind {
        "general" => Ok("fallbacks"),
        "context_window" => Ok("context_window_fallbacks"),
        "content_policy" => Ok("content_policy_fallbacks"),
        _ => {
            let why = "fallback_type is one of general, context_window, content_policy";
            Err(bad(why).with_param("fallback_type").into())
        }
    }
}

/// The models that stand in for `model` in a list of `{model: [...]}`.
fn of<'l>(list: &'l Json, model: &str) -> Option<&'l Json> {
    list.as_array()?.iter().find_map(|entry| entry.get(model))
}

/// The list with `models` for `model`; without it when there are none.
fn with(list: &Json, model: &str, models: Option<Json>) -> Json {
    let others = list.as_array().unwrap_or_default().iter().filter(|entry| entry.get(model).is_none());
    let own = models.map(|models| Json::object([(model, models)]));
    Json::Array(others.cloned().chain(own).collect())
}

impl Accounts {
    /// `POST /fallback`: makes or replaces the fallbacks of a model.
    ///
    /// # Errors
    /// 404 for a model that is not served, 400 for fallbacks that are not, or are the model itself.
    pub async fn set_fallback(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = FallbackBody::read(body)?;
        let model = required(asked.model, "model", body)?;
        let models = required(asked.fallback_models, "fallback_models", body)?;
        let kind = asked.fallback_type.flatten().unwrap_or_else(|| "general".to_owned());
        let name = setting(&kind)?;
        let serving = self.serving()?;
        if !serving.serves_group(&model) {
            return Err(not_found(format!("Model '{model}' not found in router")).with_param("model").into());
        }
        if models.is_empty() || models.iter().any(|m| *m == model || models.iter().filter(|o| *o == m).count() > 1) {
            let why = "fallback_models must name other models, each once";
            return Err(bad(why).with_param("fallback_models").into());
        }
        if let Some(unknown) = models.iter().find(|m| !serving.serves_group(m)) {
            let why = format!("Fallback model '{unknown}' is not served");
            return Err(bad(why).with_param("fallback_models").into());
        }
        let list = Json::Array(models.iter().map(|m| Json::from(m.as_str())).collect());
        let had = self.write_fallbacks(actor, name, &model, Some(list.clone())).await?;
        let done = if had { "updated" } else { "created" };
        Ok(Json::object([
            ("model", Json::from(model.as_str())),
            ("fallback_models", list),
            ("fallback_type", Json::from(kind)),
            ("message", Json::from(format!("Fallback configuration {done} successfully for model: {model}"))),
        ]))
    }

    /// `GET /fallback/{model}`.
    ///
    /// # Errors
    /// 404 for a model without fallbacks of this kind.
    pub async fn fallback(&self, model: &str, kind: &str) -> Outcome<Json> {
        let list = self.fallbacks(setting(kind)?).await?;
        let models = of(&list, model).ok_or_else(|| none(model, kind))?;
        Ok(Json::object([
            ("model", Json::from(model)),
            ("fallback_models", models.clone()),
            ("fallback_type", Json::from(kind)),
        ]))
    }

    /// `DELETE /fallback/{model}`.
    ///
    /// # Errors
    /// As [`Accounts::fallback`].
    pub async fn delete_fallback(&self, actor: Actor<'_>, model: &str, kind: &str) -> Outcome<Json> {
        let name = setting(kind)?;
        if of(&self.fallbacks(name).await?, model).is_none() {
            return Err(none(model, kind));
        }
        self.write_fallbacks(actor, name, model, None).await?;
        Ok(Json::object([
            ("model", Json::from(model)),
            ("fallback_type", Json::from(kind)),
            ("message", Json::from(format!("Fallback configuration deleted successfully for model: {model}"))),
        ]))
    }

    /// The list in force: the database's, else the file's.
    async fn fallbacks(&self, name: &str) -> Outcome<Json> {
        let stored = self.section_row(self.store_or_refuse()?.table::<ConfigRow>(), ROUTER).await?;
        let file = || self.serving().map(|s| s.section(ROUTER)).unwrap_or_default();
        Ok(stored.get(name).cloned().unwrap_or_else(|| file().get(name).cloned().unwrap_or_default()))
    }

    /// Writes the list; whether there were fallbacks of the model.
    async fn write_fallbacks(&self, actor: Actor<'_>, name: &str, model: &str, models: Option<Json>) -> Outcome<bool> {
        self.stores_models()?;
        let list = self.fallbacks(name).await?;
        let had = of(&list, model).is_some();
        let mut draft = self.stored().await?;
        let there = self.section_row(self.store_or_refuse()?.table(), ROUTER).await?;
        let given = Json::object([(name, with(&list, model, models))]);
        let after = self.change(ROUTER, &there, &given, replaced)?;
        self.write_sections(actor, &mut draft, vec![(ROUTER, after)]).await?;
        Ok(had)
    }
}

fn none(model: &str, kind: &str) -> crate::Problem {
    not_found(format!("No {kind} fallbacks configured for model '{model}'")).with_param("model").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_model_s_fallbacks_change_and_the_others_stay() {
        let list: Json = serde_json::from_str(r#"[{"a":["b"]},{"c":["d"]}]"#).unwrap();
        let models = Json::Array(vec![Json::from("x")]);
        assert_eq!(with(&list, "a", Some(models)).to_string(), r#"[{"c":["d"]},{"a":["x"]}]"#);
        assert_eq!(with(&list, "c", None).to_string(), r#"[{"a":["b"]}]"#);
        assert_eq!(of(&list, "c").unwrap().to_string(), r#"["d"]"#);
        assert!(of(&Json::Null, "a").is_none() && setting("other").is_err());
    }
}
