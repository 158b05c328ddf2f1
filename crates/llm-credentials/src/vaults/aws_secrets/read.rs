//! Reading a secret.

use llm_types::{Json, Result, Secret};

use super::AwsSecrets;

/// The text of the secret; nothing when it is not there, or on its way out. One that holds bytes counts as not there.
pub(super) async fn read(vault: &AwsSecrets, name: &str) -> Result<Option<Secret>> {
    match vault.aws.call("GetSecretValue", &Json::object([("SecretId", name)])).await {
        Ok(reply) => Ok(reply.text("SecretString").map(Secret::new)),
        Err(refusal) => refusal.unless(&["ResourceNotFoundException", "InvalidRequestException"]).map(|()| None),
    }
}
