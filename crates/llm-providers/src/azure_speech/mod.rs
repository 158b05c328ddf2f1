//! Azure's speech service: hosts of a region, one for speaking and one for listening, and a key in a header of its
//! own. Azure OpenAI's deployments whose model starts with `speech/` are this service, too.

use llm_types::{Error, OperationKind, Result};

use crate::endpoint::no_key;
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct AzureSpeech;

impl Provider for AzureSpeech {
    fn row(&self) -> &'static ProviderRow {
        &generated::AZURE_SPEECH
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        endpoint(self.row(), call, out)
    }
}

/// Host and key of a call.
pub(crate) fn endpoint(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let given = call.api_base.map(str::to_owned).or_else(|| call.params.env("AZURE_SPEECH_API_BASE"));
    let region = call.params.str("azure_speech_region").or(call.params.str("region_name")).map(str::to_owned);
    let region = region.or_else(|| call.params.env("AZURE_SPEECH_REGION"));
    out.url = url(call.operation, given.as_deref(), region.as_deref())?;
    let key = row.key(call.api_key, call.params).ok_or_else(|| no_key(row))?;
    out.set("ocp-apim-subscription-key", key.expose())?;
    out.set("content-type", "application/json")?;
    out.set_extra(call.params)
}

const SPEAKING: &str = "/cognitiveservices/v1";
const LISTENING: &str = "/speechtotext/transcriptions:transcribe";

/// The URL: of the region, which a base of the general service names as well; other bases are taken as they are.
fn url(operation: OperationKind, base: Option<&str>, region: Option<&str>) -> Result<String> {
    let speaking = operation == OperationKind::Speech;
    let named = base.and_then(region_of).or(region.filter(|_| base.is_none()));
    match (named, base) {
        (Some(region), _) if speaking => Ok(format!("https://{region}.tts.speech.microsoft.com{SPEAKING}")),
        (Some(region), _) => Ok(format!("https://{region}.api.cognitive.microsoft.com{LISTENING}")),
        (None, Some(base)) => {
            let base = base.trim_end_matches('/');
            let path = if speaking { SPEAKING } else { LISTENING };
            Ok(if base.ends_with(path) { base.to_owned() } else { format!("{base}{path}") })
        }
        (None, None) => {
            let why = "the speech service needs a base URL or a region: give api_base or set AZURE_SPEECH_REGION";
            Err(Error::bad_request(why).with_param("api_base"))
        }
    }
}

/// `eastus` of `https://eastus.api.cognitive.microsoft.com` and of the hosts for speech.
fn region_of(base: &str) -> Option<&str> {
    let host = base.split_once("://").map_or(base, |(_, rest)| rest).split(['/', '?']).next()?;
    let (region, rest) = host.split_once('.')?;
    let known = ["api.cognitive.microsoft.com", "tts.speech.microsoft.com", "stt.speech.microsoft.com"];
    known.contains(&rest).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_follow_the_region() {
        let speak = |base, region| url(OperationKind::Speech, base, region).unwrap();
        let hear = |base, region| url(OperationKind::Transcribe, base, region).unwrap();
        let tts = "https://eastus.tts.speech.microsoft.com/cognitiveservices/v1";
        assert_eq!(speak(Some("https://eastus.api.cognitive.microsoft.com/"), None), tts);
        assert_eq!(speak(None, Some("eastus")), tts);
        assert_eq!(speak(Some("http://h/x"), Some("eastus")), "http://h/x/cognitiveservices/v1");
        assert_eq!(
            hear(None, Some("eastus")),
            "https://eastus.api.cognitive.microsoft.com/speechtotext/transcriptions:transcribe"
        );
        assert!(url(OperationKind::Speech, None, None).is_err());
    }
}
