//! A secret manager that the database names: LiteLLM's `/config_overrides/hashicorp_vault` and `/config_overrides/cyberark`, rows
//! of `LiteLLM_ConfigOverrides`, texts sealed one by one. It stands in the place of the one that the configuration names. Call
//! these on the store's runtime.

use llm_credentials::VaultKind;
use llm_store::{ConfigOverridePatch, ConfigOverrideRow};
use llm_types::{Error, Json};

use super::form::{self, Field};
use crate::Accounts;
use crate::audit::{Action, keep};
use crate::keys::{Actor, bad};
use crate::mask;
use crate::request::Outcome;
use crate::seal::Seal;

/// A secret manager of the database: the variables that lead to it, those that it does not set empty.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredVault {
    /// Which.
    pub kind: VaultKind,
    /// Names and values.
    pub variables: Vec<(&'static str, String)>,
}

// What leads to a vault is secret.
impl std::fmt::Debug for StoredVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredVault").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A secret manager that may be named.
struct Form {
    kind: VaultKind,
    /// Its name in messages.
    title: &'static str,
    /// What the form is called.
    what: &'static str,
    address: (&'static str, &'static str),
    /// Fields of which one group has to be whole, and how that is said.
    ways: (&'static [&'static [&'static str]], &'static str),
    /// Fields and the variables that they stand for.
    fields: &'static [(Field, &'static str)],
}

const HASHICORP: Form = Form {
    kind: VaultKind::Hashicorp,
    title: "Hashicorp Vault",
    what: "Where HashiCorp Vault is, and who the gateway is there",
    address: ("vault_addr", "Vault Address is required"),
    ways: (
        &[&["vault_token"], &["approle_role_id", "approle_secret_id"], &["client_cert", "client_key"]],
        "At least one authentication method is required: provide a Token, both AppRole Role ID and Secret ID, or both Client \
         Certificate and Client Key",
    ),
    fields: &[
        (("vault_addr", "string", "Its address"), "HCP_VAULT_ADDR"),
        (("vault_token", "string", "A token"), "HCP_VAULT_TOKEN"),
        (("approle_role_id", "string", "Role of an AppRole login"), "HCP_VAULT_APPROLE_ROLE_ID"),
        (("approle_secret_id", "string", "Secret of an AppRole login"), "HCP_VAULT_APPROLE_SECRET_ID"),
        (("approle_mount_path", "string", "Where AppRole is mounted; approle"), "HCP_VAULT_APPROLE_MOUNT_PATH"),
        (("client_cert", "string", "File of the gateway's certificate"), "HCP_VAULT_CLIENT_CERT"),
        (("client_key", "string", "File of that certificate's key"), "HCP_VAULT_CLIENT_KEY"),
        (("vault_cert_role", "string", "Role of a login with the certificate"), "HCP_VAULT_CERT_ROLE"),
        (("vault_namespace", "string", "Namespace of logins and secrets"), "HCP_VAULT_NAMESPACE"),
        (
            ("vault_login_namespace", "string", "Namespace of logins, where it is another one"),
            "HCP_VAULT_LOGIN_NAMESPACE",
        ),
        (
            ("vault_secret_namespace", "string", "Namespace of secrets, where it is another one"),
            "HCP_VAULT_SECRET_NAMESPACE",
        ),
        (("vault_mount_name", "string", "Where the KV engine is mounted; secret"), "HCP_VAULT_MOUNT_NAME"),
        (("vault_path_prefix", "string", "In front of the names of secrets"), "HCP_VAULT_PATH_PREFIX"),
    ],
};

const CONJUR: Form = Form {
    kind: VaultKind::Conjur,
    title: "CyberArk",
    what: "Where CyberArk Conjur is, and who the gateway is there",
    address: ("cyberark_api_base", "CyberArk API Base is required"),
    ways: (
        &[&["cyberark_api_key"], &["client_cert", "client_key"]],
        "At least one authentication method is required: provide an API Key, or both Client Certificate and Client Key",
    ),
    fields: &[
        (("cyberark_api_base", "string", "Its address"), "CYBERARK_API_BASE"),
        (("cyberark_account", "string", "The account; default"), "CYBERARK_ACCOUNT"),
        (("cyberark_username", "string", "Who the gateway is; admin"), "CYBERARK_USERNAME"),
        (("cyberark_api_key", "string", "The API key of that user or host"), "CYBERARK_API_KEY"),
        (("client_cert", "string", "File of the gateway's certificate"), "CYBERARK_CLIENT_CERT"),
        (("client_key", "string", "File of that certificate's key"), "CYBERARK_CLIENT_KEY"),
        (("ssl_verify", "string", "false: its certificate is not checked"), "CYBERARK_SSL_VERIFY"),
        (("refresh_interval", "string", "Seconds for which secrets are believed; 300"), "CYBERARK_REFRESH_INTERVAL"),
    ],
};

impl Form {
    fn of(kind: VaultKind) -> Option<&'static Self> {
        [&HASHICORP, &CONJUR].into_iter().find(|form| form.kind == kind)
    }

    fn field_names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|((name, ..), _)| *name)
    }

    fn stored(&self, settings: &Json) -> StoredVault {
        let value = |name: &str| settings.text(name).unwrap_or_default().to_owned();
        let variables = self.fields.iter().map(|((name, ..), variable)| (*variable, value(name))).collect();
        StoredVault { kind: self.kind, variables }
    }

    /// Whether it says enough.
    fn checked(&self, settings: &Json) -> Outcome<()> {
        let said = |name: &&str| settings.text(name).is_some();
        let (address, missing) = self.address;
        if !said(&address) {
            return Err(bad(missing).with_param(address).into());
        }
        let (ways, none) = self.ways;
        if ways.iter().any(|way| way.iter().all(said)) { Ok(()) } else { Err(bad(none).into()) }
    }
}

/// What a row says, opened. Nothing when some of it was not sealed here: who can write rows must not choose where secrets come
/// from.
fn opened(row: &ConfigOverrideRow, seal: Option<&Seal>) -> Option<Json> {
    let fields = form::object(Some(&row.config_value), |raw| raw.read().unwrap_or_default());
    let open = |(name, value): &(String, Json)| Some((name.clone(), Json::from(seal?.open(value.as_str()?)?)));
    let told = fields.as_object().unwrap_or_default().iter().filter(|(_, value)| !value.is_null());
    let opened: Option<Vec<_>> = told.map(open).collect();
    if opened.is_none() {
        tracing::warn!(kind = row.config_type, "a secret manager of the database was not sealed here: it is left out");
    }
    Some(Json::Object(opened?))
}

/// The secret manager that rows name: of several the one that was changed last.
pub(super) fn of(rows: &[ConfigOverrideRow], seal: Option<&Seal>) -> Option<StoredVault> {
    let mut rows: Vec<&ConfigOverrideRow> = rows.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.updated_at));
    let form = |row: &ConfigOverrideRow| Form::of(VaultKind::parse(&row.config_type)?);
    rows.into_iter().find_map(|row| {
        let (form, settings) = (form(row)?, opened(row, seal)?);
        form.checked(&settings).ok()?;
        Some(form.stored(&settings))
    })
}

impl Accounts {
    fn vault_form(kind: VaultKind) -> Outcome<&'static Form> {
        Form::of(kind).ok_or_else(|| Error::internal("a secret manager without a form").into())
    }

    /// The settings in the database, or what the environment says; whether there is a row.
    async fn vault_said(&self, form: &Form) -> Outcome<(Option<ConfigOverrideRow>, Json)> {
        let row = self.store_or_refuse()?.table::<ConfigOverrideRow>().get([form.kind.name()]).await?;
        if let Some(settings) = row.as_ref().and_then(|row| opened(row, self.seal().as_ref())) {
            return Ok((row, settings));
        }
        let env = self.serving()?.environment();
        let of_environment = |((name, ..), variable): &(Field, &str)| Some((*name, env(variable)?));
        Ok((row, Json::object(form.fields.iter().filter_map(of_environment))))
    }

    /// `GET /config_overrides/{kind}`: settings, secrets masked, and what a form needs to show them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn vault_settings(&self, kind: VaultKind) -> Outcome<Json> {
        let form = Self::vault_form(kind)?;
        let (_, settings) = self.vault_said(form).await?;
        let shown = mask::tree(&settings);
        let value = |name: &'static str| (name, shown.get(name).cloned().unwrap_or_default());
        Ok(Json::object([
            ("config_type", Json::from(kind.name())),
            ("values", Json::object(form.field_names().map(value))),
            ("field_schema", form::schema(form.what, form.fields.iter().map(|(field, _)| field))),
        ]))
    }

    /// `POST /config_overrides/{kind}`: what is left out stays, an empty text clears. The secret manager has to answer before
    /// anything is stored; it is used at once, on other gateways within seconds.
    ///
    /// # Errors
    /// 400 without an address or a way to log in, for another address without its own secrets, or when the secret manager
    /// cannot be asked.
    pub async fn set_vault(&self, actor: Actor<'_>, kind: VaultKind, body: &Json) -> Outcome<Json> {
        self.stores_models()?;
        let form = Self::vault_form(kind)?;
        let (there, mut settings) = self.vault_said(form).await?;
        let ours = there.as_ref().is_some_and(|row| opened(row, self.seal().as_ref()).is_some());
        if !ours {
            // Secrets of the environment are for where the environment leads.
            secrets(form).for_each(|name| drop(settings.remove(name)));
        }
        let shown = mask::tree(&settings);
        let (place, mut kept) = (form.address.0, secrets(form).collect::<Vec<_>>());
        let before = settings.text(place).map(str::to_owned);
        for name in form.field_names() {
            let given = match body.get(name) {
                None | Some(Json::Null) => continue,
                Some(Json::String(text)) => text.trim(),
                Some(_) => return Err(bad(format!("{name} is no text")).with_param(name).into()),
            };
            // What comes back as it was shown stays.
            if shown.text(name) != Some(given) {
                settings.set(name, given);
                kept.retain(|secret| *secret != name);
            }
        }
        if let Some(secret) = kept.iter().find(|name| settings.text(name).is_some_and(|text| !text.is_empty()))
            && settings.text(place).map(str::to_owned) != before
        {
            let why = format!("Give {secret} anew, or clear it: what is stored is for another {place}");
            return Err(bad(why).with_param(*secret).into());
        }
        let fields = settings.as_object().unwrap_or_default().iter();
        let settings = Json::Object(fields.filter(|(_, value)| value.as_str() != Some("")).cloned().collect());
        form.checked(&settings)?;
        let vault = form.stored(&settings);
        let failed = |why: String| bad(format!("Failed to initialize secret manager: {why}"));
        let opened = self.serving()?.open_vault(&vault).map_err(failed)?;
        opened.greet().await.map_err(|error| failed(error.message))?;
        let sealed = Json::from(self.seal_or_refuse()?.seal_fields(&settings)?.to_string()).to_raw();
        let patch = ConfigOverridePatch {
            config_value: Some(sealed.clone()),
            updated_at: Some(chrono::Utc::now()),
            ..ConfigOverridePatch::default()
        };
        let id = kind.name();
        let row =
            ConfigOverrideRow { config_type: id.to_owned(), config_value: sealed, ..ConfigOverrideRow::default() };
        let mut tx = self.store_or_refuse()?.begin().await?;
        keep(&mut tx, id, &row, &patch).await?;
        let (before, after) = (there.map(|row| named_only(&row, &settings)), named_only(&row, &settings));
        self.audit(tx.table(), actor, Action::over(before.as_ref()), id, before.as_ref(), Some(&after)).await?;
        self.commit_and_serve(tx).await?;
        Ok(done(format!("{} configuration updated successfully", form.title)))
    }

    /// `DELETE /config_overrides/{kind}`: that of the configuration counts again. One that is not there is fine.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete_vault(&self, actor: Actor<'_>, kind: VaultKind) -> Outcome<Json> {
        let form = Self::vault_form(kind)?;
        let (there, settings) = self.vault_said(form).await?;
        if let Some(row) = there {
            let mut tx = self.store_or_refuse()?.begin().await?;
            self.erase(&mut tx, actor, kind.name(), &named_only(&row, &settings)).await?;
            self.commit_and_serve(tx).await?;
        }
        Ok(done(format!("{} configuration deleted successfully", form.title)))
    }

    /// `POST /config_overrides/{kind}/test_connection`: logs in at the secret manager in use, and asks it who we are.
    ///
    /// # Errors
    /// 400 when another one, or none, is in use; 502 when it does not answer as it should.
    pub async fn try_vault(&self, kind: VaultKind) -> Outcome<Json> {
        let form = Self::vault_form(kind)?;
        let vault = self.serving()?.vault().filter(|vault| vault.kind() == kind);
        let none = || bad(format!("{} is not configured. Save a configuration first.", form.title));
        let failed = |error: Error| {
            Error::internal(format!("{} authentication failed: {}", form.title, error.message)).with_status(502)
        };
        let place = vault.ok_or_else(none)?.greet().await.map_err(failed)?;
        Ok(done(format!("Successfully connected to {} at {place}", form.title)))
    }
}

/// The fields that prove who the gateway is.
fn secrets(form: &Form) -> impl Iterator<Item = &'static str> {
    form.field_names().filter(|name| mask::sensitive(name))
}

fn done(message: String) -> Json {
    Json::object([("message", Json::from(message)), ("status", Json::from("success"))])
}

/// A row for the trail of changes: which fields there are, nothing of what they say.
fn named_only(row: &ConfigOverrideRow, settings: &Json) -> ConfigOverrideRow {
    let fields = settings.as_object().unwrap_or_default().iter();
    let names = Json::object(fields.map(|(name, _)| (name.clone(), "***REDACTED***")));
    ConfigOverrideRow { config_value: names.to_raw(), ..row.clone() }
}
