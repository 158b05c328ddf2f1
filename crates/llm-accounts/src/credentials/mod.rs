//! Named credentials of providers. Call these on the store's runtime.

use llm_store::{CredentialPatch, CredentialRow, Filter, StoreError};
use llm_types::Json;

use crate::audit::Action;
use crate::keys::{Actor, bad, not_found};
use crate::models::merged as merge;
use crate::request::{Map, Outcome, body, required};
use crate::seal::opened;
use crate::serving::Changed;
use crate::stored::StoredCredential;
use crate::{Accounts, mask};

body! {
    /// `POST /credentials`, `PATCH /credentials/{name}`.
    struct CredentialBody {
        credential_name: String,
        credential_info: Map,
        credential_values: Map,
        model_id: String,
    }
}

/// Parameters of a deployment that are its credentials.
const OF_DEPLOYMENT: &[&str] = &[
    "api_key",
    "api_base",
    "api_version",
    "organization",
    "vertex_project",
    "vertex_location",
    "vertex_credentials",
    "region_name",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region_name",
    "aws_bedrock_runtime_endpoint",
    "watsonx_region_name",
    "azure_ad_token",
    "tenant_id",
    "client_id",
    "client_secret",
];

fn done(message: &str) -> Json {
    Json::object([("success", Json::from(true)), ("message", Json::from(message))])
}

fn shown(name: &str, values: &Json, info: Json) -> Json {
    Json::object([
        ("credential_name", Json::from(name)),
        ("credential_values", mask::tree(values)),
        ("credential_info", info),
    ])
}

fn unknown(name: &str) -> llm_types::Error {
    not_found(format!("Credential not found. Got credential name: {name}")).with_param("credential_name")
}

impl Accounts {
    /// `POST /credentials`: new credentials, from values or those of a deployment.
    ///
    /// # Errors
    /// 400 for a name that exists, 404 for an unknown deployment.
    pub async fn new_credential(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = CredentialBody::read(body)?;
        let name = required(asked.credential_name.clone(), "credential_name", body)?;
        if name.is_empty() {
            return Err(bad("A credential needs a name").with_param("credential_name").into());
        }
        let values = match (asked.credential_values.flatten(), asked.model_id.flatten()) {
            (Some(Map(values)), _) => values,
            (None, Some(id)) => self.credentials_of(&id).await?,
            (None, None) => {
                let why = "Credential values or model ID must be provided";
                return Err(bad(why).with_param("credential_values").into());
            }
        };
        let by = actor.name().unwrap_or_default();
        let info = asked.credential_info.flatten().map_or_else(|| Json::Object(Vec::new()), |info| info.0);
        let row = CredentialRow {
            credential_name: name.clone(),
            credential_values: self.seal_or_refuse()?.seal_fields(&values)?.to_raw(),
            credential_info: Some(info.to_raw()),
            created_by: by.clone(),
            updated_by: by,
            ..CredentialRow::default()
        };
        self.check_credential(StoredCredential { name: name.clone(), values }).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        match tx.table().insert(&row).await {
            Err(StoreError::Conflict(_)) => {
                let why = format!("Credential {name} exists already");
                return Err(bad(why).with_param("credential_name").into());
            }
            done => done?,
        }
        self.audit(tx.table(), actor, Action::Created, &name, None, Some(&row)).await?;
        self.commit_and_serve(tx).await?;
        Ok(done("Credential created successfully"))
    }

    /// `GET /credentials`: all of them, secrets masked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_credentials(&self) -> Outcome<Json> {
        let rows = self.store_or_refuse()?.table::<CredentialRow>().find(Filter::new()).await?;
        let list = rows.iter().map(|row| self.show(row)).collect();
        Ok(Json::object([("success", Json::from(true)), ("credentials", Json::Array(list))]))
    }

    /// `GET /credentials/by_name/{name}`, masked.
    ///
    /// # Errors
    /// 404 for an unknown name.
    pub async fn credential(&self, name: &str) -> Outcome<Json> {
        Ok(self.show(&self.credential_row(name).await?))
    }

    /// `GET /credentials/by_model/{id}`: those of a deployment, masked.
    ///
    /// # Errors
    /// 404 for an unknown deployment.
    pub async fn credential_of_model(&self, id: &str) -> Outcome<Json> {
        let values = self.credentials_of(id).await?;
        Ok(shown(&format!("{id}-credential"), &values, Json::Object(Vec::new())))
    }

    /// `PATCH /credentials/{name}`: values and info that are given are set, null removes one, the others stay.
    ///
    /// # Errors
    /// 404 for an unknown name, 400 for a new one that exists.
    pub async fn update_credential(&self, actor: Actor<'_>, name: &str, body: &Json) -> Outcome<Json> {
        let asked = CredentialBody::read(body)?;
        let row = self.credential_row(name).await?;
        let new_name = asked.credential_name.flatten().filter(|new| !new.is_empty()).unwrap_or_else(|| name.to_owned());
        let lay = |there: Json, given: Option<Map>| given.map_or_else(|| there.clone(), |g| merge(&there, &g.0));
        let values = lay(self.opened(&row), asked.credential_values.flatten());
        let info = row.credential_info.as_ref().and_then(|raw| raw.read().ok()).unwrap_or_default();
        let info = lay(info, asked.credential_info.flatten());
        let patch = CredentialPatch {
            credential_name: Some(new_name.clone()),
            credential_values: Some(self.seal_or_refuse()?.seal_fields(&values)?.to_raw()),
            credential_info: Some(Some(info.to_raw())),
            updated_by: actor.name(),
            ..CredentialPatch::default()
        };
        let mut draft = self.stored().await?;
        draft.credentials.retain(|known| known.name != name);
        draft.credentials.push(StoredCredential { name: new_name.clone(), values });
        self.check_draft(&draft, Changed::Rest)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        match tx.table::<CredentialRow>().update([row.credential_id.as_str()], &patch).await {
            Err(StoreError::Conflict(_)) => {
                let why = format!("Credential {new_name} exists already");
                return Err(bad(why).with_param("credential_name").into());
            }
            done => done?,
        };
        let after = tx.table::<CredentialRow>().get([row.credential_id.as_str()]).await?;
        self.audit(tx.table(), actor, Action::Updated, name, Some(&row), after.as_ref()).await?;
        self.commit_and_serve(tx).await?;
        Ok(done("Credential updated successfully"))
    }

    /// `DELETE /credentials/{name}`.
    ///
    /// # Errors
    /// 404 for an unknown name; 400 while a model needs it.
    pub async fn delete_credential(&self, actor: Actor<'_>, name: &str) -> Outcome<Json> {
        let row = self.credential_row(name).await?;
        let mut draft = self.stored().await?;
        draft.credentials.retain(|known| known.name != name);
        self.check_draft(&draft, Changed::Rest)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table::<CredentialRow>().delete([row.credential_id.as_str()]).await?;
        self.audit(tx.table(), actor, Action::Deleted, name, Some(&row), None).await?;
        self.commit_and_serve(tx).await?;
        Ok(done("Credential deleted successfully"))
    }

    async fn check_credential(&self, new: StoredCredential) -> Outcome<()> {
        let mut draft = self.stored().await?;
        draft.credentials.retain(|known| known.name != new.name);
        draft.credentials.push(new);
        self.check_draft(&draft, Changed::Rest)
    }

    async fn credential_row(&self, name: &str) -> Outcome<CredentialRow> {
        let filter = Filter::new().is("credential_name", name.to_owned());
        let rows = self.store_or_refuse()?.table::<CredentialRow>().find(filter).await?;
        Ok(rows.into_iter().next().ok_or_else(|| unknown(name))?)
    }

    /// The parameters of a deployment that are its credentials.
    async fn credentials_of(&self, id: &str) -> Outcome<Json> {
        let params = match self.serving()?.params_of(id) {
            Some(params) => params,
            None => {
                self.model_row(id)
                    .await
                    .map_err(|_| not_found(format!("Model not found. Got model ID: {id}")))?
                    .1
                    .params
            }
        };
        let fields = params.as_object().unwrap_or_default().iter();
        Ok(Json::Object(fields.filter(|(name, _)| OF_DEPLOYMENT.contains(&name.as_str())).cloned().collect()))
    }

    fn opened(&self, row: &CredentialRow) -> Json {
        opened(self.seal().as_ref(), &row.credential_values)
    }

    fn show(&self, row: &CredentialRow) -> Json {
        let info = row.credential_info.as_ref().and_then(|raw| raw.read().ok()).unwrap_or_default();
        shown(&row.credential_name, &self.opened(row), info)
    }
}
