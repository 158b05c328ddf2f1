//! Which claim of a token stands for which virtual key. Call these on the store's runtime.

use llm_store::defaults::new_id;
use llm_store::{Filter, JwtKeyMappingPatch, JwtKeyMappingRow};
use llm_types::Json;

use crate::audit::Action;
use crate::keys::{Actor, bad, not_found, view};
use crate::pages::PageQuery;
use crate::request::{Outcome, body, required, unless_taken};
use crate::{Accounts, KeyDigest};

body! {
    /// `/jwt/key/mapping/*`.
    struct MappingBody {
        id: String,
        jwt_claim_name: String,
        jwt_claim_value: String,
        jwt_issuer: String,
        key: String,
        token: String,
        description: String,
        is_active: bool,
    }
}

/// A mapping as it is shown: without the hash of its key.
fn shown(row: &JwtKeyMappingRow) -> Json {
    let mut out = view::row(row);
    out.remove("token");
    if row.jwt_issuer.is_empty() {
        out.set("jwt_issuer", Json::Null);
    }
    out
}

fn no_mapping(id: &str) -> llm_types::Error {
    not_found(format!("JWT key mapping with id {id} not found")).with_param("id")
}

impl Accounts {
    /// `POST /jwt/key/mapping/new`. Without `jwt_issuer` the claim counts whoever issued the token.
    ///
    /// # Errors
    /// 400 without a key or for a claim that stands for one already; 404 for a key that is not there.
    pub async fn new_jwt_mapping(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = MappingBody::read(body)?;
        let name = required(asked.jwt_claim_name.clone(), "jwt_claim_name", body)?;
        let value = required(asked.jwt_claim_value.clone(), "jwt_claim_value", body)?;
        if name.is_empty() || value.is_empty() {
            return Err(bad("A claim has a name and a value.").with_param("jwt_claim_name").into());
        }
        let token = self.mapped_key(&asked).await?;
        let token = token.ok_or_else(|| bad("Either `key` or `token` must be given.").with_param("key"))?;
        let row = JwtKeyMappingRow {
            id: new_id(),
            jwt_issuer: asked.jwt_issuer.clone().flatten().unwrap_or_default(),
            jwt_claim_name: name,
            jwt_claim_value: value,
            token,
            created_by: actor.name(),
            ..JwtKeyMappingRow::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let why = "This claim stands for a key already.";
        unless_taken(tx.table().insert(&row).await, why, "jwt_claim_value")?;
        let patch = JwtKeyMappingPatch {
            description: asked.description.clone(),
            is_active: asked.is_active.flatten(),
            updated_by: Some(actor.name()),
            ..JwtKeyMappingPatch::default()
        };
        let row = self.write(&mut tx, actor, Action::Created, &row.id, None, &patch).await?;
        tx.commit().await?;
        self.forget_mappings();
        Ok(shown(&row))
    }

    /// `POST /jwt/key/mapping/update`.
    ///
    /// # Errors
    /// 404 for an unknown mapping or key; 400 for an issuer for which the claim stands for a key already.
    pub async fn update_jwt_mapping(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = MappingBody::read(body)?;
        let id = required(asked.id.clone(), "id", body)?;
        let token = self.mapped_key(&asked).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<JwtKeyMappingRow>().get([id.as_str()]).await?.ok_or_else(|| no_mapping(&id))?;
        let issuer = asked.jwt_issuer.clone().map(Option::unwrap_or_default);
        if let Some(issuer) = issuer.as_ref().filter(|issuer| **issuer != row.jwt_issuer) {
            let same = Filter::new()
                .is("jwt_issuer", issuer.clone())
                .is("jwt_claim_name", row.jwt_claim_name.clone())
                .is("jwt_claim_value", row.jwt_claim_value.clone());
            if tx.table::<JwtKeyMappingRow>().count(&same).await? > 0 {
                return Err(bad("This claim stands for a key already.").with_param("jwt_issuer").into());
            }
        }
        let patch = JwtKeyMappingPatch {
            jwt_issuer: issuer,
            token,
            description: asked.description.clone(),
            is_active: asked.is_active.flatten(),
            updated_by: Some(actor.name()),
            updated_at: Some(chrono::Utc::now()),
            ..JwtKeyMappingPatch::default()
        };
        let row = self.write(&mut tx, actor, Action::Updated, &id, Some(&row), &patch).await?;
        tx.commit().await?;
        self.forget_mappings();
        Ok(shown(&row))
    }

    /// `POST /jwt/key/mapping/delete`.
    ///
    /// # Errors
    /// 404 for an unknown mapping.
    pub async fn delete_jwt_mapping(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let id = required(MappingBody::read(body)?.id, "id", body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<JwtKeyMappingRow>().get([id.as_str()]).await?.ok_or_else(|| no_mapping(&id))?;
        self.erase(&mut tx, actor, &id, &row).await?;
        tx.commit().await?;
        self.forget_mappings();
        Ok(Json::object([("status", Json::from("success")), ("id", Json::from(id))]))
    }

    /// `GET /jwt/key/mapping/info`.
    ///
    /// # Errors
    /// 404 for an unknown mapping.
    pub async fn jwt_mapping(&self, id: &str) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<JwtKeyMappingRow>().get([id]).await?;
        Ok(shown(&row.ok_or_else(|| no_mapping(id))?))
    }

    /// `GET /jwt/key/mapping/list`, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn jwt_mappings(&self, page: &PageQuery) -> Outcome<Json> {
        let table = self.store_or_refuse()?.table::<JwtKeyMappingRow>();
        let listing = page.rows(table, Filter::new(), "created_at").await?;
        Ok(page.answer("mappings", listing.rows.iter().map(shown).collect(), listing.total))
    }

    /// The hash of the key that a body names, if it names one.
    async fn mapped_key(&self, asked: &MappingBody) -> Outcome<Option<String>> {
        let named = asked.key.clone().flatten().or_else(|| asked.token.clone().flatten());
        let Some(named) = named.filter(|named| !named.is_empty()) else { return Ok(None) };
        let row = self.key_row(&KeyDigest::of_key_or_hash(&named).hex()).await?;
        Ok(Some(row.token))
    }

    /// Tokens are asked anew whom they stand for.
    fn forget_mappings(&self) {
        self.inner().mapped.clear();
        self.forget_keys(|known| known.rank == crate::identity::Rank::Token);
    }
}
