//! Opening the value of a variable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use llm_types::{Json, Kind, Result, Secret};

use super::Sealed;
use crate::flow::denied;
use crate::vaults::desk;

const GOOGLE: &str = "Google Cloud KMS";
/// Says that a value is sealed, whatever it looks like; LiteLLM's.
const MARK: &str = "aws_kms/";
/// A variable of this name with the name behind it holds the sealed value, too; LiteLLM's.
const BEFORE: &str = "LITELLM_SECRET_AWS_KMS_";

/// What the variable holds, opened. A value that was not sealed is nothing, for it stands in the environment as it is: one
/// that is no base64, and without a mark one that the service does not know.
pub(super) async fn read(vault: &Sealed, name: &str) -> Result<Option<Secret>> {
    let ambient = &vault.desk().ambient;
    let Some(text) = ambient.var(name).or_else(|| ambient.var(&format!("{BEFORE}{name}"))) else { return Ok(None) };
    let marked = text.starts_with(MARK);
    let text = text.strip_prefix(MARK).unwrap_or(&text).trim();
    if STANDARD.decode(text).is_err() {
        return if marked { Err(denied(format!("the value of {name} is no base64"))) } else { Ok(None) };
    }
    match opened(vault, text).await {
        Ok(Some(plain)) => Ok(Some(plain)),
        Ok(None) if marked => Err(denied(format!("the value of {name} was not sealed with a key that we may use"))),
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The plain text; nothing for a value that was never sealed.
async fn opened(vault: &Sealed, text: &str) -> Result<Option<Secret>> {
    let (reply, field) = match vault {
        Sealed::Aws(aws) => match aws.call("Decrypt", &Json::object([("CiphertextBlob", text)])).await {
            Ok(reply) => (reply, "Plaintext"),
            Err(refusal) => return refusal.unless(&["InvalidCiphertextException"]).map(|()| None),
        },
        Sealed::Google { desk, need, url } => {
            let mut request = desk::document(Method::POST, url, &Json::object([("ciphertext", text)]))?;
            desk.signer.apply(desk.http(), need, &mut request).await?;
            let answer = desk.flow().send(GOOGLE, request).await?;
            if answer.status == 400 {
                return Ok(None);
            }
            (desk::json(GOOGLE, &answer)?, "plaintext")
        }
    };
    let plain = reply.text(field).and_then(|text| STANDARD.decode(text).ok()).and_then(|b| String::from_utf8(b).ok());
    let odd = || llm_types::Error::new(Kind::InvalidReply, "what was sealed is no text");
    plain.map(|plain| Some(Secret::new(plain.trim()))).ok_or_else(odd)
}
