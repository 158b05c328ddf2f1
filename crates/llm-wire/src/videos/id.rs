//! Ids of videos: what the upstream calls it, and the deployment that made it, as LiteLLM writes them:
//! `video_` and base64 of `litellm:custom_llm_provider:{};model_id:{};video_id:{}`.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const PREFIX: &str = "video_";
const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);

/// What an id says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoId {
    /// The provider's id.
    pub provider: String,
    /// The deployment's id.
    pub deployment: String,
    /// What the upstream calls it.
    pub video: String,
}

/// Writes an id. One that names its deployment already stays.
#[must_use]
pub fn encode(provider: &str, deployment: &str, video: &str) -> String {
    if provider.is_empty() || video.is_empty() || decode(video).is_some() {
        return video.to_owned();
    }
    let text = format!("litellm:custom_llm_provider:{provider};model_id:{deployment};video_id:{video}");
    format!("{PREFIX}{}", URL_SAFE.encode(text))
}

/// Reads an id, LiteLLM's own too. Nothing for one of an upstream.
#[must_use]
pub fn decode(id: &str) -> Option<VideoId> {
    let coded = id.strip_prefix(PREFIX)?;
    let bytes = URL_SAFE.decode(coded).or_else(|_| STANDARD.decode(coded)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let rest = text.strip_prefix("litellm:custom_llm_provider:")?;
    let (provider, rest) = rest.split_once(";model_id:")?;
    let (deployment, video) = rest.split_once(";video_id:")?;
    Some(VideoId { provider: provider.to_owned(), deployment: deployment.to_owned(), video: video.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_their_deployment() {
        let id = encode("openai", "d-1", "video_abc");
        let said = decode(&id).unwrap();
        assert_eq!(
            (said.provider.as_str(), said.deployment.as_str(), said.video.as_str()),
            ("openai", "d-1", "video_abc")
        );
        assert_eq!(encode("openai", "d-2", &id), id);
        assert_eq!(decode("video_abc"), None);
        // LiteLLM's own, with padding.
        let theirs = "video_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOmF6dXJlO21vZGVsX2lkOm07dmlkZW9faWQ6dg==";
        assert_eq!(decode(theirs).unwrap().video, "v");
    }
}
