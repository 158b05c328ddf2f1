//! Managed prompts as they are shown.

use llm_store::{Filter, PromptRow};
use llm_types::{Error, Json, Kind};

use super::{prompt_version, serving_environment, shown};
use crate::keys::{Actor, bad, not_found};
use crate::request::Outcome;
use crate::{Accounts, mask};

impl Accounts {
    /// `GET /prompts/list`: the newest version of each prompt in each environment, of file and database. Keys that name
    /// prompts see those; others see some when they administer, or read everything.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prompts(&self, actor: Actor<'_>, environment: Option<&str>) -> Outcome<Json> {
        let who = actor.who;
        let named = who.prompt_lists().next().is_some();
        if !named && !who.sees_all() {
            return Ok(listed(Vec::new()));
        }
        let mut rows = self.store_or_refuse()?.table::<PromptRow>().find(Filter::new()).await?;
        rows.sort_by(|a, b| (&a.prompt_id, &a.environment, b.version).cmp(&(&b.prompt_id, &b.environment, a.version)));
        rows.dedup_by(|later, kept| later.prompt_id == kept.prompt_id && later.environment == kept.environment);
        let fits = |id: &str, of: &str| {
            (!named || who.may_prompt(id)) && environment.is_none_or(|environment| environment == of)
        };
        let of_file = self.serving()?.prompts().into_iter().filter(|prompt| prompt.in_file);
        let of_file = of_file.filter(|prompt| fits(&prompt.id, &prompt.environment)).map(|prompt| of_the_file(&prompt));
        let stored = rows.iter().filter(|row| fits(&row.prompt_id, &row.environment)).map(|row| shown(row, false));
        Ok(listed(of_file.chain(stored).collect()))
    }

    /// `GET /prompts/{prompt_id}/versions`, newest first.
    ///
    /// # Errors
    /// 404 for a prompt that is not there.
    pub async fn prompt_versions(&self, id: &str, environment: Option<&str>) -> Outcome<Json> {
        let (base, _) = prompt_version(id);
        let rows = self.prompt_rows(base, environment).await?;
        let mut all: Vec<Json> = rows.iter().map(|row| shown(row, false)).collect();
        let of_file = self.serving()?.prompts().into_iter().filter(|prompt| prompt.in_file && prompt.id == base);
        all.extend(
            of_file.filter(|p| environment.is_none_or(|name| name == p.environment)).map(|prompt| of_the_file(&prompt)),
        );
        if all.is_empty() {
            return Err(not_found(format!("No versions found for prompt ID {base}")).with_param("prompt_id").into());
        }
        Ok(listed(all))
    }

    /// `GET /prompts/{prompt_id}` and `/prompts/{prompt_id}/info`: one version, with its template.
    ///
    /// # Errors
    /// 400 for a prompt that is not there, as in LiteLLM; 403 where the key names others.
    pub async fn prompt(&self, actor: Actor<'_>, id: &str, environment: Option<&str>) -> Outcome<Json> {
        let (base, version) = prompt_version(id);
        if !actor.who.may_prompt(base) {
            return Err(Error::new(Kind::PermissionDenied, "You are not authorized to access this prompt.").into());
        }
        let rows = self.prompt_rows(base, None).await?;
        let mut environments: Vec<&str> = rows.iter().map(|row| row.environment.as_str()).collect();
        environments.sort_unstable();
        environments.dedup();
        let served = self.serving()?.prompts();
        let place = environment.or_else(|| serving_environment(environments.iter().copied()));
        let row = rows.iter().find(|row| {
            Some(row.environment.as_str()) == place && version.is_none_or(|version| row.version == version)
        });
        let template = |prompt: &crate::ServedPrompt| {
            Json::object([
                ("litellm_prompt_id", Json::from(base)),
                ("content", Json::from(prompt.content.as_str())),
                ("metadata", prompt.metadata.clone()),
            ])
        };
        let (spec, raw) = if let Some(row) = row {
            let is = |prompt: &&crate::ServedPrompt| {
                !prompt.in_file
                    && prompt.id == base
                    && prompt.version == row.version
                    && prompt.environment == row.environment
            };
            (shown(row, false), served.iter().find(is).map_or(Json::Null, template))
        } else {
            let fits = |prompt: &&crate::ServedPrompt| {
                prompt.in_file
                    && prompt.id == base
                    && version.is_none_or(|version| prompt.version == version)
                    && environment.is_none_or(|environment| prompt.environment == environment)
            };
            let prompt = served.iter().find(fits).ok_or_else(|| bad(format!("Prompt {id} not found")))?;
            (of_the_file(prompt), template(prompt))
        };
        let environments = environments.into_iter().map(Json::from).collect();
        Ok(Json::object([
            ("prompt_spec", spec),
            ("raw_prompt_template", raw),
            ("environments", Json::Array(environments)),
        ]))
    }
}

fn listed(prompts: Vec<Json>) -> Json {
    Json::object([("prompts", Json::Array(prompts))])
}

/// A prompt of the file, for people.
fn of_the_file(prompt: &crate::ServedPrompt) -> Json {
    let info = [("prompt_type", "config"), ("environment", prompt.environment.as_str())];
    Json::object([
        ("prompt_id", Json::from(prompt.id.as_str())),
        ("litellm_params", mask::tree(&prompt.params)),
        ("prompt_info", Json::object(info)),
        ("created_at", Json::Null),
        ("updated_at", Json::Null),
        ("version", Json::from(prompt.version)),
        ("environment", Json::from(prompt.environment.as_str())),
        ("created_by", Json::Null),
    ])
}
