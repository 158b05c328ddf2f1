//! Tokens that stand for virtual keys (`virtual_key_claim_field`, the table of mappings).

use llm_idp::Claims;
use llm_store::{Filter, JwtKeyMappingRow};
use llm_types::{Json, Result};

use super::{JwtAuth, TrustedIssuer, Unregistered, claims};
use crate::entry::refused::{forbidden, unauthorized};
use crate::entry::upsert;
use crate::{Accounts, KeyDigest, refusal};

impl Accounts {
    /// The key that the claim `name` of a token stands for; nothing when the token is to be judged by its other claims.
    ///
    /// # Errors
    /// 403 for tokens without one, where that is refused; 503 when the store fails.
    pub(super) async fn mapped(
        &self,
        jwt: &JwtAuth,
        issuer: &TrustedIssuer,
        claims: &Claims,
        name: &str,
    ) -> Result<Option<KeyDigest>> {
        let behaviour = issuer.fields.unregistered_jwt_client_behavior;
        let Some(value) = claims.text(name) else {
            return match behaviour {
                Unregistered::FallbackTeamMapping => Ok(None),
                _ => Err(forbidden(format!("The token has no claim {name}, which says whose key it stands for"))),
            };
        };
        let Some(store) = self.store() else { return Err(refusal::no_database()) };
        let filter = Filter::new()
            .is("jwt_claim_name", name.to_owned())
            .is("jwt_claim_value", value.clone())
            .is("is_active", true);
        let rows = store.table::<JwtKeyMappingRow>().find(filter).await.map_err(|error| refusal::store(&error))?;
        let own = claims.issuer().unwrap_or_default();
        // A mapping without an issuer is good for all of them; the issuer's own wins.
        let of = |issuer: &str| rows.iter().find(|row| row.jwt_issuer == issuer);
        let row = of(own).filter(|_| !own.is_empty()).or_else(|| of(""));
        if let Some(row) = row {
            let digest = KeyDigest::from_hex(&row.token);
            return digest.map(Some).ok_or_else(|| unauthorized("Authentication Error, the mapped key is none"));
        }
        match behaviour {
            Unregistered::FallbackTeamMapping => Ok(None),
            Unregistered::Reject => Err(forbidden(format!("No key is registered for this value of the claim {name}"))),
            Unregistered::AutoRegister => Box::pin(self.register(jwt, issuer, claims, (name, &value))).await.map(Some),
        }
    }

    /// Makes a key for a claim, for the user and the team that the token names.
    async fn register(
        &self,
        jwt: &JwtAuth,
        issuer: &TrustedIssuer,
        token: &Claims,
        (name, value): (&str, &str),
    ) -> Result<KeyDigest> {
        let said = claims::said(jwt, &issuer.fields, token)?;
        if !said.fences.is_empty() {
            return Err(forbidden("A token whose rights are limited by roles or scopes gets no key of its own"));
        }
        let Some(store) = self.store() else { return Err(refusal::no_database()) };
        let who = self.whereabouts(store, &said).await?;
        let mut body =
            Json::object([("metadata", Json::object([("jwt_claim_name", name), ("jwt_claim_value", value)]))]);
        for (field, id) in [
            ("user_id", who.user.as_ref().map(|row| row.user_id.as_str()).or(said.user_id.as_deref())),
            ("team_id", who.teams.first().map(|row| row.team_id.as_str())),
        ] {
            if let Some(id) = id {
                body.set(field, id);
            }
        }
        let agent = upsert::Agent::new(self, upsert::NAME);
        let made = self.generate_key(agent.actor(), &body).await.map_err(upsert::problem)?;
        let token_of_key =
            made.get("token_id").or_else(|| made.get("token")).and_then(Json::as_str).unwrap_or_default();
        let digest = KeyDigest::of_key_or_hash(token_of_key);
        let row = JwtKeyMappingRow {
            jwt_issuer: token.issuer().unwrap_or_default().to_owned(),
            jwt_claim_name: name.to_owned(),
            jwt_claim_value: value.to_owned(),
            token: digest.hex(),
            created_by: Some(upsert::NAME.to_owned()),
            updated_by: Some(upsert::NAME.to_owned()),
            ..JwtKeyMappingRow::default()
        };
        match store.table::<JwtKeyMappingRow>().insert(&row).await {
            Ok(()) => Ok(digest),
            // Somebody else registered it meanwhile: theirs holds, and ours goes.
            Err(llm_store::StoreError::Conflict(_)) => {
                let keys = Json::object([("keys", Json::Array(vec![Json::from(digest.hex())]))]);
                self.delete_keys(agent.actor(), &keys).await.map_err(upsert::problem)?;
                let filter = Filter::new()
                    .is("jwt_issuer", row.jwt_issuer)
                    .is("jwt_claim_name", row.jwt_claim_name)
                    .is("jwt_claim_value", row.jwt_claim_value);
                let rows = store.table::<JwtKeyMappingRow>().find(filter).await.map_err(|e| refusal::store(&e))?;
                let theirs = rows.first().and_then(|row| KeyDigest::from_hex(&row.token));
                theirs.ok_or_else(|| unauthorized("Authentication Error, the mapped key is none"))
            }
            Err(error) => Err(refusal::store(&error)),
        }
    }
}
