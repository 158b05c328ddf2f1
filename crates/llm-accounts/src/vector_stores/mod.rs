//! Vector stores that are registered in the database, beside those of the file. Secrets of their parameters are sealed one by
//! one. Call these on the store's runtime.

pub(crate) mod indexes;

use llm_store::{Filter, RegisteredVectorStorePatch, RegisteredVectorStoreRow};
use llm_types::{Error, Json, Kind, RawJson};

use crate::audit::Action;
use crate::keys::{Actor, bad, forbidden, not_found, view};
use crate::mask;
use crate::request::{Map, Outcome, body, required, unless_taken, without_references};
use crate::seal::opened;
use crate::serving::Changed;
use crate::{Accounts, Identity};

/// The file's stores.
const SECTION: &str = "vector_store_registry";

/// Stores of one page at the most.
const LARGEST: u32 = 500;

body! {
    /// `/vector_store/new`, `/vector_store/update`, `/vector_store/info`, `/vector_store/delete`.
    struct StoreBody {
        vector_store_id: String,
        custom_llm_provider: String,
        vector_store_name: String,
        vector_store_description: String,
        vector_store_metadata: Map,
        litellm_params: Map,
        litellm_credential_name: String,
    }
}

/// What a configuration would say of a store.
pub(crate) fn entry(row: &RegisteredVectorStoreRow, params: Option<Json>) -> Json {
    let mut inner = Json::object([
        ("vector_store_id", Json::from(row.vector_store_id.as_str())),
        ("custom_llm_provider", Json::from(row.custom_llm_provider.as_str())),
    ]);
    if let Some(name) = &row.litellm_credential_name {
        inner.set("litellm_credential_name", name.as_str());
    }
    let given = params.unwrap_or_default();
    for (name, value) in given.as_object().unwrap_or_default() {
        if inner.get(name).is_none() {
            inner.set(name, value.clone());
        }
    }
    let name = row.vector_store_name.as_deref().unwrap_or(&row.vector_store_id);
    Json::object([("vector_store_name", Json::from(name)), ("litellm_params", inner)])
}

fn unknown(id: &str) -> Error {
    not_found(format!("Vector store with ID {id} not found")).with_param("vector_store_id")
}

impl Accounts {
    fn store_params(&self, row: &RegisteredVectorStoreRow) -> Option<Json> {
        Some(opened(self.seal().as_ref(), row.litellm_params.as_ref()?))
    }

    fn store_shown(&self, row: &RegisteredVectorStoreRow) -> Json {
        let mut out = view::row(row);
        out.set("litellm_params", self.store_params(row).map(|params| mask::tree(&params)));
        out.set("is_config", false);
        out
    }

    fn stores_of_file(&self) -> Vec<Json> {
        let file = self.serving().map(|serving| serving.section(SECTION)).unwrap_or_default();
        let shown = |entry: &Json| {
            let params = entry.get("litellm_params").cloned().unwrap_or_default();
            let field = |name: &str| params.get(name).cloned().unwrap_or_default();
            let told = |name: &str| entry.get(name).cloned().unwrap_or_default();
            Json::object([
                ("vector_store_id", field("vector_store_id")),
                ("custom_llm_provider", field("custom_llm_provider")),
                ("vector_store_name", told("vector_store_name")),
                ("vector_store_description", told("vector_store_description")),
                ("vector_store_metadata", told("vector_store_metadata")),
                ("created_at", Json::Null),
                ("updated_at", Json::Null),
                ("litellm_credential_name", field("litellm_credential_name")),
                ("litellm_params", mask::tree(&params)),
                ("team_id", Json::Null),
                ("user_id", Json::Null),
                ("is_config", Json::from(true)),
            ])
        };
        file.as_array().unwrap_or_default().iter().map(shown).collect()
    }

    /// `GET /vector_store/list`: those that the caller may search, in pages.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn vector_stores(&self, who: &Identity, page: u32, size: u32) -> Outcome<Json> {
        let rows = self.store_or_refuse()?.table::<RegisteredVectorStoreRow>().find(Filter::new()).await?;
        let all = self.stores_of_file().into_iter().chain(rows.iter().map(|row| self.store_shown(row)));
        let seen: Vec<Json> = all.filter(|store| sees(who, store)).collect();
        let (total, size) = (seen.len() as u64, size.clamp(1, LARGEST));
        let before = usize::try_from(u64::from(page.saturating_sub(1)) * u64::from(size)).unwrap_or(usize::MAX);
        Ok(Json::object([
            ("object", Json::from("list")),
            ("data", Json::Array(seen.into_iter().skip(before).take(size as usize).collect())),
            ("total_count", Json::from(total)),
            ("current_page", Json::from(page)),
            ("total_pages", Json::from(total.div_ceil(size.into()))),
        ]))
    }

    /// `POST /vector_store/info`.
    ///
    /// # Errors
    /// 404 for an unknown store, 403 for one that the caller may not search.
    pub async fn vector_store_info(&self, who: &Identity, body: &Json) -> Outcome<Json> {
        let id = required(StoreBody::read(body)?.vector_store_id, "vector_store_id", body)?;
        let of_file = self.stores_of_file().into_iter().find(|store| store.text("vector_store_id") == Some(&id));
        let store = match of_file {
            Some(store) => store,
            None => self.store_shown(&self.store_row(&id).await?),
        };
        if !sees(who, &store) {
            let why = "Access denied: You do not have permission to access this vector store";
            return Err(forbidden(why).with_param("vector_store_id").into());
        }
        Ok(Json::object([("vector_store", store)]))
    }

    async fn store_row(&self, id: &str) -> Outcome<RegisteredVectorStoreRow> {
        let row = self.store_or_refuse()?.table::<RegisteredVectorStoreRow>().get([id]).await?;
        row.ok_or_else(|| unknown(id).into())
    }

    /// `POST /vector_store/new`. Served at once, on other gateways within seconds.
    ///
    /// # Errors
    /// 400 for an id that exists and for stores that could not be served.
    pub async fn new_vector_store(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = StoreBody::read(body)?;
        self.stores_models()?;
        let filled = |text: &Option<Option<String>>| text.clone().flatten().filter(|text| !text.is_empty());
        let (Some(id), Some(provider)) = (filled(&asked.vector_store_id), filled(&asked.custom_llm_provider)) else {
            return Err(bad("vector_store_id and custom_llm_provider are required").into());
        };
        self.not_of_file(&id)?;
        let params = asked.litellm_params.flatten().map(|params| params.0);
        without_references(params.as_ref())?;
        let sealed = match &params {
            Some(params) => Some(self.seal_or_refuse()?.seal_fields(params)?.to_raw()),
            None => None,
        };
        let row = RegisteredVectorStoreRow {
            vector_store_id: id.clone(),
            custom_llm_provider: provider,
            vector_store_name: asked.vector_store_name.flatten(),
            vector_store_description: asked.vector_store_description.flatten(),
            vector_store_metadata: asked.vector_store_metadata.flatten().map(|map| map.0.to_raw()),
            litellm_credential_name: asked.litellm_credential_name.flatten(),
            litellm_params: sealed,
            team_id: actor.who.team_id().map(str::to_owned),
            user_id: actor.who.user_id().map(str::to_owned),
            ..RegisteredVectorStoreRow::default()
        };
        self.store_fits(&row, params).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let why = format!("Vector store with ID {id} already exists");
        unless_taken(tx.table().insert(&row).await, why, "vector_store_id")?;
        self.audit(tx.table(), actor, Action::Created, &id, None, Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        Ok(Json::object([
            ("status", Json::from("success")),
            ("message", Json::from(format!("Vector store {id} created successfully"))),
            ("vector_store", self.store_shown(&row)),
        ]))
    }

    /// `POST /vector_store/update`: fields that are given change.
    ///
    /// # Errors
    /// As [`Accounts::new_vector_store`]; 404 for an unknown store.
    pub async fn update_vector_store(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = StoreBody::read(body)?;
        self.stores_models()?;
        let id = required(asked.vector_store_id, "vector_store_id", body)?;
        self.not_of_file(&id)?;
        let before = self.store_row(&id).await?;
        let given = asked.litellm_params.clone().map(|params| params.map(|params| params.0));
        without_references(given.as_ref().and_then(Option::as_ref))?;
        let sealed: Option<Option<RawJson>> = match &given {
            Some(Some(params)) => Some(Some(self.seal_or_refuse()?.seal_fields(params)?.to_raw())),
            Some(None) => Some(None),
            None => None,
        };
        let mut after = before.clone();
        if let Some(Some(provider)) = &asked.custom_llm_provider {
            after.custom_llm_provider.clone_from(provider);
        }
        if let Some(name) = &asked.litellm_credential_name {
            after.litellm_credential_name.clone_from(name);
        }
        let params = given.unwrap_or_else(|| self.store_params(&before));
        self.store_fits(&after, params).await?;
        let patch = RegisteredVectorStorePatch {
            custom_llm_provider: asked.custom_llm_provider.flatten(),
            vector_store_name: asked.vector_store_name,
            vector_store_description: asked.vector_store_description,
            vector_store_metadata: asked.vector_store_metadata.map(|map| map.map(|map| map.0.to_raw())),
            litellm_credential_name: asked.litellm_credential_name,
            litellm_params: sealed,
            ..RegisteredVectorStorePatch::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = self.write(&mut tx, actor, Action::Updated, &id, Some(&before), &patch).await?;
        self.commit_and_serve(tx).await?;
        Ok(Json::object([("vector_store", self.store_shown(&row))]))
    }

    /// `POST /vector_store/delete`: the gateway forgets it; at its provider it stays.
    ///
    /// # Errors
    /// 404 for an unknown store, 400 for one of the file.
    pub async fn delete_vector_store(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let id = required(StoreBody::read(body)?.vector_store_id, "vector_store_id", body)?;
        self.not_of_file(&id)?;
        let row = self.store_row(&id).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.erase(&mut tx, actor, &id, &row).await?;
        self.commit_and_serve(tx).await?;
        let message = format!("Vector store {id} deleted successfully");
        Ok(Json::object([("status", "success".to_owned()), ("message", message)]))
    }

    fn not_of_file(&self, id: &str) -> Outcome<()> {
        if self.stores_of_file().iter().any(|store| store.text("vector_store_id") == Some(id)) {
            let why = format!("Vector store {id} stands in the configuration file.");
            return Err(Error::new(Kind::BadRequest, why).with_param("vector_store_id").into());
        }
        Ok(())
    }

    /// Refuses what could not be served.
    async fn store_fits(&self, row: &RegisteredVectorStoreRow, params: Option<Json>) -> Outcome<()> {
        let mut draft = self.stored().await?;
        draft.vector_stores.retain(|(known, _)| *known != row.vector_store_id);
        draft.vector_stores.push((row.vector_store_id.clone(), entry(row, params)));
        self.check_draft(&draft, Changed::Rest)
    }
}

/// True for a store that the caller may search.
fn sees(who: &Identity, store: &Json) -> bool {
    who.sees_all() || store.text("vector_store_id").is_some_and(|id| who.may_search(&[id]).is_ok())
}
