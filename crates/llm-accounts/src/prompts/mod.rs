//! Managed prompts of the database: versions by environment. Call these on the store's runtime. `shown` has what lists and
//! single prompts say.

mod shown;

use chrono::Utc;
use llm_store::{Filter, PromptRow, StoreTx, defaults::new_id};
use llm_types::{Error, Json};

use crate::audit::Action;
use crate::keys::{Actor, bad, not_found, view};
use crate::request::{Map, Outcome, body, required, unless_taken};
use crate::seal::{Seal, opened};
use crate::serving::Changed;
use crate::stored::StoredPrompt;
use crate::{Accounts, Identity, mask};

body! {
    /// `POST /prompts`, `PUT` and `PATCH /prompts/{prompt_id}`.
    struct PromptBody {
        prompt_id: String,
        litellm_params: Map,
        prompt_info: Map,
    }
}

/// The environment of a prompt that names none.
pub const PROMPT_ENVIRONMENT: &str = "development";
/// Which environment callers get that name none, first match.
const SERVES: [&str; 3] = ["production", "staging", PROMPT_ENVIRONMENT];
/// Longest id and longest name of an environment, in bytes.
const LONGEST: usize = 256;

/// The id of a prompt without the version that may end it (`.v2`, `_v2`), and that version.
#[must_use]
pub fn prompt_version(id: &str) -> (&str, Option<i64>) {
    let digits = id.trim_end_matches(|c: char| c.is_ascii_digit());
    let version = id.get(digits.len()..).and_then(|text| text.parse().ok());
    match digits.strip_suffix(".v").or_else(|| digits.strip_suffix("_v")).filter(|base| !base.is_empty()) {
        Some(base) if version.is_some() => (base, version),
        _ => (id, None),
    }
}

/// Of the environments that a prompt is in, the one that callers get who name none.
pub fn serving_environment<'e>(all: impl Iterator<Item = &'e str> + Clone) -> Option<&'e str> {
    SERVES.into_iter().find_map(|name| all.clone().find(|known| *known == name)).or_else(|| all.min())
}

impl Identity {
    /// True when the caller may use a prompt: keys and teams may name theirs (`prompts` in their metadata).
    #[must_use]
    pub fn may_prompt(&self, id: &str) -> bool {
        self.prompt_lists().all(|list| list.iter().any(|named| prompt_version(named).0 == id))
    }

    /// The lists that hold for the caller.
    fn prompt_lists(&self) -> impl Iterator<Item = &Vec<String>> {
        self.switches.prompts.iter().flatten()
    }
}

impl Accounts {
    /// `POST /prompts`: a prompt, or its next version, served when this returns.
    ///
    /// # Errors
    /// 400 for what could not be served, and for prompts of the file; 422 without an id or parameters.
    pub async fn new_prompt(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = PromptBody::read(body)?;
        let id = required(asked.prompt_id.clone(), "prompt_id", body)?;
        if id.is_empty() || id.len() > LONGEST || prompt_version(&id).1.is_some() {
            let why = format!("prompt_id is a text of 1 to {LONGEST} bytes that does not end with a version");
            return Err(bad(why).with_param("prompt_id").into());
        }
        self.next_version(actor, &id, &asked, body).await
    }

    /// `PUT /prompts/{prompt_id}`: the next version.
    ///
    /// # Errors
    /// As [`Accounts::new_prompt`]; 404 for a prompt that is not in the database.
    pub async fn replace_prompt(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let (id, _) = prompt_version(id);
        let asked = PromptBody::read(body)?;
        if self.prompt_rows(id, None).await?.is_empty() {
            self.not_of_the_file(id)?;
            return Err(missing(id).into());
        }
        self.next_version(actor, id, &asked, body).await
    }

    /// `PATCH /prompts/{prompt_id}`: parameters or info of one version, the newest unless the id says which.
    ///
    /// # Errors
    /// As [`Accounts::replace_prompt`].
    pub async fn change_prompt(
        &self,
        actor: Actor<'_>,
        id: &str,
        environment: Option<&str>,
        body: &Json,
    ) -> Outcome<Json> {
        let (base, version) = prompt_version(id);
        let asked = PromptBody::read(body)?;
        self.not_of_the_file(base)?;
        let rows = self.prompt_rows(base, Some(environment.unwrap_or(PROMPT_ENVIRONMENT))).await?;
        let before = rows.into_iter().find(|row| version.is_none_or(|version| row.version == version));
        let before = before.ok_or_else(|| missing(id))?;
        let mut row = PromptRow { updated_at: Utc::now(), ..before.clone() };
        if let Some(Map(params)) = asked.litellm_params.flatten() {
            row.litellm_params = self.sealed_params(&params)?;
        }
        if let Some(Map(info)) = asked.prompt_info.flatten() {
            row.prompt_info = Some(info.to_raw());
        }
        row.created_by = actor.who.user_id().map(str::to_owned).or(row.created_by);
        self.check_prompt(&row).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table().put(&row).await?;
        let (old, new) = (masked(&before), masked(&row));
        self.audit(tx.table(), actor, Action::Updated, &row.id, Some(&old), Some(&new)).await?;
        self.prompts_in_force(tx).await?;
        Ok(shown(&row, true))
    }

    /// `DELETE /prompts/{prompt_id}`: all its versions, of one environment or of all.
    ///
    /// # Errors
    /// 400 for a prompt of the file, 404 for one that is not there.
    pub async fn delete_prompt(&self, actor: Actor<'_>, id: &str, environment: Option<&str>) -> Outcome<Json> {
        self.stores_models()?;
        let (base, _) = prompt_version(id);
        self.not_of_the_file(base)?;
        let rows = self.prompt_rows(base, environment).await?;
        if rows.is_empty() {
            return Err(missing(id).into());
        }
        let mut tx = self.store_or_refuse()?.begin().await?;
        for row in &rows {
            tx.table::<PromptRow>().delete([row.id.as_str()]).await?;
            self.audit(tx.table(), actor, Action::Deleted, &row.id, Some(&masked(row)), None).await?;
        }
        self.prompts_in_force(tx).await?;
        let place = environment.map(|name| format!(" from {name}")).unwrap_or_default();
        Ok(Json::object([("message", format!("Prompt {base} deleted successfully{place}"))]))
    }

    async fn next_version(&self, actor: Actor<'_>, id: &str, asked: &PromptBody, body: &Json) -> Outcome<Json> {
        self.stores_models()?;
        self.not_of_the_file(id)?;
        let Map(params) = required(asked.litellm_params.clone(), "litellm_params", body)?;
        let info =
            asked.prompt_info.clone().flatten().map_or_else(|| Json::object([("prompt_type", "db")]), |Map(info)| info);
        let named = info.text("environment").filter(|name| !name.is_empty());
        let environment = named.unwrap_or(PROMPT_ENVIRONMENT).to_owned();
        if environment.len() > LONGEST {
            return Err(bad(format!("an environment has at most {LONGEST} bytes")).with_param("prompt_info").into());
        }
        let newest = self.prompt_rows(id, Some(&environment)).await?.first().map_or(0, |row| row.version);
        let row = PromptRow {
            id: new_id(),
            prompt_id: id.to_owned(),
            version: newest + 1,
            environment,
            created_by: actor.who.user_id().map(str::to_owned),
            litellm_params: self.sealed_params(&params)?,
            prompt_info: Some(info.to_raw()),
            ..PromptRow::default()
        };
        self.check_prompt(&row).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let taken = format!("Prompt {id} got this version from somebody else meanwhile; try again");
        unless_taken(tx.table().insert(&row).await, taken, "prompt_id")?;
        self.audit(tx.table(), actor, Action::Created, &row.id, None, Some(&masked(&row))).await?;
        self.prompts_in_force(tx).await?;
        Ok(shown(&row, true))
    }

    /// The versions of a prompt, newest first.
    async fn prompt_rows(&self, id: &str, environment: Option<&str>) -> Outcome<Vec<PromptRow>> {
        let filter = Filter::new().is("prompt_id", id.to_owned()).maybe("environment", environment.map(str::to_owned));
        let mut rows = self.store_or_refuse()?.table::<PromptRow>().find(filter).await?;
        rows.sort_by_key(|row| std::cmp::Reverse(row.version));
        Ok(rows)
    }

    /// Refuses to write what the file says.
    fn not_of_the_file(&self, id: &str) -> Outcome<()> {
        if self.serving()?.prompts().iter().any(|prompt| prompt.in_file && prompt.id == id) {
            return Err(bad("Cannot update config prompts.").with_param("prompt_id").into());
        }
        Ok(())
    }

    /// Refuses a prompt that could not be served.
    async fn check_prompt(&self, row: &PromptRow) -> Outcome<()> {
        let mut draft = self.stored().await?;
        draft.prompts.retain(|known| known.key != row.id);
        draft.prompts.push(StoredPrompt::of(row, self.seal().as_ref()));
        self.check_draft(&draft, Changed::Rest)
    }

    async fn prompts_in_force(&self, tx: StoreTx) -> Outcome<()> {
        self.commit_and_serve(tx).await
    }
}

impl StoredPrompt {
    /// A row with its secrets opened.
    pub(crate) fn of(row: &PromptRow, seal: Option<&Seal>) -> Self {
        Self {
            key: row.id.clone(),
            id: row.prompt_id.clone(),
            version: row.version,
            environment: row.environment.clone(),
            params: opened(seal, &row.litellm_params),
        }
    }
}

fn missing(id: &str) -> Error {
    not_found(format!("Prompt with ID {id} not found")).with_param("prompt_id")
}

/// A row whose secrets are masked.
fn masked(row: &PromptRow) -> PromptRow {
    let params: Json = row.litellm_params.read().unwrap_or_default();
    PromptRow { litellm_params: mask::tree(&params).to_raw(), ..row.clone() }
}

/// A row for people; `versioned` puts its version behind its id, as answers to changes have it.
fn shown(row: &PromptRow, versioned: bool) -> Json {
    let mut out = view::row(&masked(row));
    drop(out.remove("id"));
    if versioned {
        out.set("prompt_id", format!("{}.v{}", row.prompt_id, row.version));
    }
    if row.prompt_info.is_none() {
        out.set("prompt_info", Json::object([("prompt_type", "db")]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_end_ids() {
        for (id, base, version) in [
            ("a", "a", None),
            ("a.v2", "a", Some(2)),
            ("a_v12", "a", Some(12)),
            ("my_very_own", "my_very_own", None),
            ("a.v", "a.v", None),
            (".v2", ".v2", None),
            ("a2", "a2", None),
            ("a.v99999999999999999999", "a.v99999999999999999999", None),
        ] {
            assert_eq!(prompt_version(id), (base, version), "{id}");
        }
    }
}
