//! Indexes of vector stores under names of the gateway: a key may have rights on one (`allowed_vector_store_indexes`).

use llm_store::{Filter, VectorStoreIndexRow};
use llm_types::Json;

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, view};
use crate::request::{Map, Outcome, body, required, unless_taken};

body! {
    /// `POST /v1/indexes`.
    struct IndexBody {
        index_name: String,
        litellm_params: Map,
        index_info: Map,
    }
}

/// What a configuration would say of an index.
pub(crate) fn entry(row: &VectorStoreIndexRow) -> Json {
    let params = row.litellm_params.read::<Json>().unwrap_or_default();
    Json::object([("index_name", Json::from(row.index_name.as_str())), ("litellm_params", params)])
}

impl Accounts {
    /// `GET /v1/indexes`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn vector_indexes(&self) -> Outcome<Json> {
        let rows = self.store_or_refuse()?.table::<VectorStoreIndexRow>().find(Filter::new()).await?;
        let all = rows.iter().map(view::row).collect();
        Ok(Json::object([("object", Json::from("list")), ("data", Json::Array(all))]))
    }

    /// `POST /v1/indexes`. Served at once, on other gateways within seconds. Nothing is made at the vector store.
    ///
    /// # Errors
    /// 400 for a name that exists, 422 without name, store and index of the store.
    pub async fn new_vector_index(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = IndexBody::read(body)?;
        let name = required(asked.index_name, "index_name", body)?;
        let given = required(asked.litellm_params, "litellm_params", body)?.0;
        let field =
            |name: &'static str| required(Some(given.text(name).map(Json::from)), name, body).map(|v| (name, v));
        let params = Json::object([field("vector_store_index")?, field("vector_store_name")?]);
        let who = actor.who.user_id().map(str::to_owned);
        let row = VectorStoreIndexRow {
            index_name: name.clone(),
            litellm_params: params.to_raw(),
            index_info: asked.index_info.flatten().map(|info| info.0.to_raw()),
            created_by: who.clone(),
            updated_by: who,
            ..VectorStoreIndexRow::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        unless_taken(tx.table().insert(&row).await, format!("Index {name} already exists"), "index_name")?;
        self.audit(tx.table(), actor, Action::Created, &row.id, None, Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        Ok(view::row(&row))
    }
}
