//! How the secrets of the database are sealed, and sealing them anew in the format that is set. Each row is a change of its own:
//! a run that breaks off leaves rows of both kinds, which all open, and the next one goes on. Call these on the store's runtime.

use llm_store::{
    AgentPatch, AgentRow, CacheConfigPatch, CacheConfigRow, ConfigOverridePatch, ConfigOverrideRow, ConfigPatch,
    ConfigRow, CredentialPatch, CredentialRow, Filter, GuardrailPatch, GuardrailRow, KeyPatch, ListQuery,
    McpServerPatch, McpServerRow, McpUserCredentialPatch, McpUserCredentialRow, Patch, PromptPatch, PromptRow,
    ProxyModelPatch, ProxyModelRow, RegisteredVectorStorePatch, RegisteredVectorStoreRow, SearchToolPatch,
    SearchToolRow, SsoConfigPatch, SsoConfigRow, Store, Table, TeamPatch, TeamRow, VerificationToken,
};
use llm_types::{Json, RawJson};

use super::form;
use crate::Accounts;
use crate::callbacks;
use crate::keys::bad;
use crate::request::Outcome;
use crate::seal::{Seal, SealFormat};

/// Rows that are looked at together.
const PAGE: u32 = 500;

/// What was found in one place.
#[derive(Debug, Default, Clone, Copy)]
struct Found {
    /// Texts.
    scanned: u64,
    /// Sealed anew.
    migrated: u64,
    /// Sealed in the newer format before.
    newer: u64,
    /// Not sealed.
    plain: u64,
    /// Sealed with another key.
    closed: u64,
    /// Sealed in the older format.
    older: u64,
}

impl Found {
    fn shown(self) -> Json {
        Json::object([
            ("scanned", self.scanned),
            ("migrated", self.migrated),
            ("already_v2", self.newer),
            ("plaintext", self.plain),
            ("undecryptable", self.closed),
            ("legacy", self.older),
        ])
    }

    /// Looks at a text; the text sealed anew, where it is of the older format and that is asked for.
    fn text(&mut self, text: &str, seal: &Seal, anew: bool) -> Outcome<Option<String>> {
        self.scanned += 1;
        // Parameters of callbacks stand behind a mark.
        let (mark, sealed) = match text.strip_prefix(callbacks::SEALED) {
            Some(rest) => (callbacks::SEALED, rest),
            None => ("", text),
        };
        match (seal.open(sealed), Seal::is_newer(sealed)) {
            (Some(_), true) => self.newer += 1,
            (None, true) => self.closed += 1,
            (None, false) => self.plain += 1,
            (Some(open), false) if anew => {
                let again = format!("{mark}{}", seal.seal(&open)?);
                self.migrated += 1;
                return Ok(Some(again));
            }
            (Some(_), false) => self.older += 1,
        }
        Ok(None)
    }

    /// Looks at every text of a value, and seals those of the older format anew where that is asked for.
    fn walk(&mut self, value: &mut Json, seal: &Seal, anew: bool) -> Outcome<()> {
        match value {
            Json::String(text) => {
                if let Some(sealed) = self.text(text, seal, anew)? {
                    *text = sealed;
                }
            }
            Json::Array(items) => items.iter_mut().try_for_each(|item| self.walk(item, seal, anew))?,
            Json::Object(fields) => fields.iter_mut().try_for_each(|(_, value)| self.walk(value, seal, anew))?,
            _ => {}
        }
        Ok(())
    }

    /// The same for a column; LiteLLM gives some of them a text of JSON. The column as it is then, where it changed.
    fn column(&mut self, raw: &RawJson, seal: &Seal, anew: bool) -> Outcome<Option<RawJson>> {
        let before = self.migrated;
        let inner = form::inner(raw);
        let mut value: Json = inner.as_ref().unwrap_or(raw).read().unwrap_or_default();
        self.walk(&mut value, seal, anew)?;
        Ok((self.migrated > before).then(|| match inner {
            Some(_) => Json::from(value.to_string()).to_raw(),
            None => value.to_raw(),
        }))
    }
}

/// One run over the database.
struct Run<'a> {
    store: &'a Store,
    seal: &'a Seal,
    anew: bool,
    places: Vec<(&'static str, Found)>,
}

impl Run<'_> {
    /// Every row of a table; `change` makes the patch of a row, if it is to be changed.
    async fn table<T: Table, P: Patch<Row = T>>(
        &mut self,
        place: &'static str,
        filter: Filter,
        id: fn(&T) -> &str,
        mut change: impl FnMut(&T, &mut Found, &Seal, bool) -> Outcome<Option<P>>,
    ) -> Outcome<()> {
        let (mut found, mut last) = (Found::default(), None::<String>);
        let key = T::KEY.first().copied().unwrap_or_default();
        loop {
            let behind = match &last {
                Some(last) => filter.clone().at_least(key, last.clone()).is_not(key, last.clone()),
                None => filter.clone(),
            };
            let rows = self.store.table::<T>().rows(&ListQuery::page(behind, 1, PAGE).sorted(key, false)).await?;
            for row in &rows {
                if let Some(patch) = change(row, &mut found, self.seal, self.anew)? {
                    self.store.table::<T>().update([id(row)], &patch).await?;
                }
            }
            last = rows.last().map(|row| id(row).to_owned());
            if rows.len() < PAGE as usize {
                break;
            }
        }
        self.places.push((place, found));
        Ok(())
    }
}

/// A place whose rows have one column of secrets, which may be null (`?`).
macro_rules! place {
    ($run:ident, $place:literal, $filter:expr, $row:ident . $id:ident, $patch:ident . $column:ident) => {
        $run.table::<$row, $patch>(
            $place,
            $filter,
            |row| &row.$id,
            |row, found, seal, anew| {
                let changed = found.column(&row.$column, seal, anew)?;
                Ok(changed.map(|column| $patch { $column: Some(column), ..$patch::default() }))
            },
        )
        .await?;
    };
    ($run:ident, $place:literal, $filter:expr, $row:ident . $id:ident, $patch:ident . $column:ident ?) => {
        $run.table::<$row, $patch>(
            $place,
            $filter,
            |row| &row.$id,
            |row, found, seal, anew| {
                let Some(column) = &row.$column else { return Ok(None) };
                let changed = found.column(column, seal, anew)?;
                Ok(changed.map(|column| $patch { $column: Some(Some(column)), ..$patch::default() }))
            },
        )
        .await?;
    };
}

/// The callbacks of a key or a team are all of their metadata that is sealed.
fn of_callbacks(raw: &RawJson, found: &mut Found, seal: &Seal, anew: bool) -> Outcome<Option<RawJson>> {
    let mut metadata: Json = raw.read().unwrap_or_default();
    let before = found.migrated;
    for entry in metadata.get_mut(callbacks::LOGGING).and_then(as_list).into_iter().flatten() {
        if let Some(vars) = entry.get_mut(callbacks::VARS) {
            found.walk(vars, seal, anew)?;
        }
    }
    if let Some(vars) = metadata.get_mut(callbacks::SETTINGS).and_then(|settings| settings.get_mut(callbacks::VARS)) {
        found.walk(vars, seal, anew)?;
    }
    Ok((found.migrated > before).then(|| metadata.to_raw()))
}

fn as_list(value: &mut Json) -> Option<&mut Vec<Json>> {
    if let Json::Array(items) = value { Some(items) } else { None }
}

impl Accounts {
    /// `GET /credentials/migrate-encryption/check`: how many secrets are sealed in which format.
    ///
    /// # Errors
    /// 500 without a key.
    pub async fn check_encryption(&self) -> Outcome<Json> {
        let report = self.seal_anew(false).await?;
        Ok(Json::object([("status", Json::from("success")), ("report", report)]))
    }

    /// `POST /credentials/migrate-encryption`: seals everything in the newer format (`encryption_algorithm`).
    ///
    /// # Errors
    /// 400 while the older format is set, 500 without a key.
    pub async fn migrate_encryption(&self, dry: bool) -> Outcome<Json> {
        if self.settings().encryption_algorithm != SealFormat::Gcm {
            let why = "Set general_settings.encryption_algorithm to aes-256-gcm first: secrets are written in the older format.";
            return Err(bad(why).with_param("encryption_algorithm").into());
        }
        let report = self.seal_anew(!dry).await?;
        Ok(Json::object([("status", Json::from("success")), ("dry_run", Json::from(dry)), ("report", report)]))
    }

    async fn seal_anew(&self, anew: bool) -> Outcome<Json> {
        let seal = self.seal_or_refuse()?;
        let mut run = Run { store: self.store_or_refuse()?, seal: &seal, anew, places: Vec::new() };
        let all = Filter::new;
        let sections = ["environment_variables", "vantage_settings", "cloudzero_settings"].map(str::to_owned).to_vec();
        let with_callbacks = || Filter::new().contains_text("metadata", callbacks::VARS);
        place!(run, "model_table", all(), ProxyModelRow.model_id, ProxyModelPatch.litellm_params);
        place!(run, "credentials_table", all(), CredentialRow.credential_id, CredentialPatch.credential_values);
        place!(run, "mcp_servers", all(), McpServerRow.server_id, McpServerPatch.credentials?);
        place!(run, "guardrails", all(), GuardrailRow.guardrail_id, GuardrailPatch.litellm_params);
        place!(run, "prompts", all(), PromptRow.id, PromptPatch.litellm_params);
        place!(run, "config", all().any_of("param_name", sections), ConfigRow.param_name, ConfigPatch.param_value?);
        place!(run, "sso_config", all(), SsoConfigRow.id, SsoConfigPatch.sso_settings);
        place!(run, "search_tools", all(), SearchToolRow.search_tool_id, SearchToolPatch.litellm_params);
        place!(
            run,
            "vector_stores",
            all(),
            RegisteredVectorStoreRow.vector_store_id,
            RegisteredVectorStorePatch.litellm_params?
        );
        place!(run, "agents", all(), AgentRow.agent_id, AgentPatch.litellm_params?);
        place!(run, "agents_kill_switch", all(), AgentRow.agent_id, AgentPatch.kill_switch?);
        place!(run, "config_overrides", all(), ConfigOverrideRow.config_type, ConfigOverridePatch.config_value);
        place!(run, "cache_config", all(), CacheConfigRow.id, CacheConfigPatch.cache_settings);
        run.table::<McpUserCredentialRow, McpUserCredentialPatch>(
            "mcp_user_credentials",
            all(),
            |row| &row.id,
            |row, found, seal, anew| {
                let changed = found.text(&row.credential_b64, seal, anew)?;
                Ok(changed.map(|text| McpUserCredentialPatch {
                    credential_b64: Some(text),
                    ..McpUserCredentialPatch::default()
                }))
            },
        )
        .await?;
        run.table::<TeamRow, TeamPatch>(
            "team",
            with_callbacks(),
            |row| &row.team_id,
            |row, found, seal, anew| {
                let changed = of_callbacks(&row.metadata, found, seal, anew)?;
                Ok(changed.map(|metadata| TeamPatch { metadata: Some(metadata), ..TeamPatch::default() }))
            },
        )
        .await?;
        run.table::<VerificationToken, KeyPatch>(
            "verification_token",
            with_callbacks(),
            |row| &row.token,
            |row, found, seal, anew| {
                let changed = of_callbacks(&row.metadata, found, seal, anew)?;
                Ok(changed.map(|metadata| KeyPatch { metadata: Some(metadata), ..KeyPatch::default() }))
            },
        )
        .await?;
        let sum = |part: fn(&Found) -> u64| run.places.iter().map(|(_, found)| part(found)).sum::<u64>();
        let places = run.places.iter().map(|(place, found)| (*place, found.shown()));
        Ok(Json::object([
            ("residual_legacy", Json::from(sum(|found| found.older))),
            ("total_undecryptable", Json::from(sum(|found| found.closed))),
            ("locations", Json::object(places)),
        ]))
    }
}
