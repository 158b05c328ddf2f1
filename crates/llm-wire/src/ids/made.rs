//! Ids of what a deployment made, as LiteLLM writes them: a prefix and base64 of
//! `litellm:custom_llm_provider:{provider};model_id:{deployment};{kind}:{id}`. They are text that anybody can write: whoever
//! follows one has to judge whether the caller may.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);

const START: &str = "litellm:custom_llm_provider:";
/// What Python writes for nothing.
const NONE: &str = "None";

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// A video.
    Video,
    /// A container. <https://platform.openai.com/docs/api-reference/containers>
    Container,
    /// An answer.
    Response,
}

impl Made {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Video => "video_",
            Self::Container => "cntr_",
            Self::Response => "resp_",
        }
    }

    const fn field(self) -> &'static str {
        match self {
            Self::Video => ";video_id:",
            Self::Container => ";container_id:",
            Self::Response => ";response_id:",
        }
    }

    /// Ids of containers and answers become a part of a path; those of some houses' videos are paths.
    fn takes(self, id: &str) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        self == Self::Video || !id.is_empty() && !id.starts_with('.') && id.bytes().all(plain)
    }
}

/// What an id says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeId {
    /// The provider; empty when none is named.
    pub provider: String,
    /// The id of the deployment that made it; empty where none did.
    pub deployment: String,
    /// What the provider calls it.
    pub id: String,
}

/// An id for clients. One that says it already stays.
#[must_use]
pub fn encode_made(kind: Made, provider: &str, deployment: &str, id: &str) -> String {
    if decode_made(kind, id).is_some() {
        return id.to_owned();
    }
    let text = format!("{START}{provider};model_id:{deployment}{}{id}", kind.field());
    format!("{}{}", kind.prefix(), URL_SAFE.encode(text))
}

/// Reads an id, LiteLLM's own too. Nothing for one of a provider.
#[must_use]
pub fn decode_made(kind: Made, id: &str) -> Option<MadeId> {
    let coded = id.strip_prefix(kind.prefix())?;
    let plain = URL_SAFE.decode(coded).or_else(|_| STANDARD.decode(coded)).ok()?;
    let text = String::from_utf8(plain).ok()?;
    let (provider, rest) = text.strip_prefix(START)?.split_once(";model_id:")?;
    let (deployment, id) = rest.split_once(kind.field())?;
    let named = |text: &str| if text == NONE { String::new() } else { text.to_owned() };
    kind.takes(id).then(|| MadeId { provider: named(provider), deployment: named(deployment), id: id.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Made; 3] = [Made::Video, Made::Container, Made::Response];

    #[test]
    fn ids_name_their_deployment() {
        for kind in KINDS {
            let ours = encode_made(kind, "openai", "east", "own_1");
            let said = decode_made(kind, &ours).unwrap();
            assert_eq!((&*said.provider, &*said.deployment, &*said.id), ("openai", "east", "own_1"));
            assert_eq!(encode_made(kind, "openai", "west", &ours), ours);
            assert_eq!(KINDS.iter().filter(|other| decode_made(**other, &ours).is_some()).count(), 1);
            assert_eq!(decode_made(kind, &format!("{}abc", kind.prefix())), None);
            assert_eq!(decode_made(kind, kind.prefix()), None);
        }
    }

    #[test]
    fn ids_of_litellm_are_read_and_those_that_nobody_made_name_none() {
        for kind in KINDS {
            let id = |deployment: &str, id: &str| {
                let text = format!("{START}azure;model_id:{deployment}{}{id}", kind.field());
                format!("{}{}", kind.prefix(), base64::engine::general_purpose::STANDARD.encode(text))
            };
            assert_eq!(decode_made(kind, &id("east", "a")).unwrap().deployment, "east", "padded or not");
            assert_eq!(decode_made(kind, &id("eastern", "ab")).unwrap().id, "ab");
            assert_eq!(decode_made(kind, &id("None", "a")).unwrap().deployment, "", "{kind:?}");
            let path = decode_made(kind, &id("east", "../files"));
            assert_eq!(path.is_some(), kind == Made::Video, "{kind:?}");
        }
    }
}
