//! Writing and deleting a secret.

use llm_types::{Json, Result, Secret};

use super::AwsSecrets;
use crate::vaults::aws_json::Refusal;

/// For how many days a deleted secret can be brought back; LiteLLM's.
const RECOVERY: u32 = 7;

/// A new secret, a new value of one that is there, or one that was to be deleted, brought back.
pub(super) async fn keep(vault: &AwsSecrets, name: &str, value: &Secret) -> Result<()> {
    let (aws, settings) = (&vault.aws, &vault.settings);
    let mut facts = Json::object([("SecretString", Json::from(value.expose())), ("ClientRequestToken", fresh())]);
    for (field, text) in [("Description", &settings.description), ("KmsKeyId", &settings.kms_key_id)] {
        text.iter().for_each(|text| facts.set(field, text.as_str()));
    }
    let tag = |(key, value): &(String, String)| Json::object([("Key", key.as_str()), ("Value", value.as_str())]);
    let tags = Json::Array(settings.tags.iter().map(tag).collect());
    let mut new = named("Name", name, &facts);
    if !settings.tags.is_empty() {
        new.set("Tags", tags.clone());
    }
    match aws.call("CreateSecret", &new).await {
        Ok(_) => copy(vault, name).await,
        Err(refusal) if refusal.kind == "ResourceExistsException" => {
            let value = Json::object([("SecretString", Json::from(value.expose())), ("ClientRequestToken", fresh())]);
            aws.call("PutSecretValue", &named("SecretId", name, &value)).await.map_err(|refusal| refusal.error)?;
        }
        // It is on its way out.
        Err(refusal) if refusal.kind == "InvalidRequestException" => {
            let back = aws.call("RestoreSecret", &Json::object([("SecretId", name)])).await;
            back.map_err(|_| refusal.error)?;
            let changed: std::result::Result<(), Refusal> = async {
                aws.call("UpdateSecret", &named("SecretId", name, &facts)).await?;
                if !settings.tags.is_empty() {
                    let labels = Json::object([("Tags", tags)]);
                    aws.call("TagResource", &named("SecretId", name, &labels)).await?;
                }
                Ok(())
            }
            .await;
            if let Err(refusal) = changed {
                // What it held before must not come back with it.
                forget(vault, name).await?;
                return Err(refusal.error);
            }
        }
        Err(refusal) => return Err(refusal.error),
    }
    Ok(())
}

/// Copies into other regions. That a copy could not be made does not unmake the secret.
async fn copy(vault: &AwsSecrets, name: &str) {
    let regions = &vault.settings.replica_regions;
    if regions.is_empty() {
        return;
    }
    let regions = regions.iter().map(|region| Json::object([("Region", region.as_str())])).collect();
    let body = Json::object([("SecretId", Json::from(name)), ("AddReplicaRegions", Json::Array(regions))]);
    if let Err(refusal) = vault.aws.call("ReplicateSecretToRegions", &body).await {
        tracing::warn!(secret = name, error = %refusal.error, "a secret was written, but not copied to replica_regions");
    }
}

/// Deletes the secret after some days.
pub(super) async fn forget(vault: &AwsSecrets, name: &str) -> Result<()> {
    let body = Json::object([("SecretId", Json::from(name)), ("RecoveryWindowInDays", Json::from(RECOVERY))]);
    match vault.aws.call("DeleteSecret", &body).await {
        Ok(_) => Ok(()),
        Err(refusal) => refusal.unless(&["ResourceNotFoundException"]),
    }
}

fn named(field: &str, name: &str, facts: &Json) -> Json {
    let mut out = Json::object([(field, name)]);
    out.extend(facts.as_object().unwrap_or_default().iter().cloned());
    out
}

/// Tells a request that is sent twice from two requests.
fn fresh() -> Json {
    Json::from(uuid::Uuid::new_v4().to_string())
}
