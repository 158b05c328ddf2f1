//! Sessions over WebSockets that are passed on: Deepgram's `listen`, Gemini's Live API on Vertex AI.

use llm_types::{Error, Result};

use super::path::decoded;
use super::{Mount, Passing, google};
use crate::params::Params;
use crate::provider::Endpoint;

/// The model that Deepgram takes when none is named: LiteLLM's choice.
const DEEPGRAM_MODEL: &str = "nova-3";
/// Where Deepgram would send its results instead: to an address of the client's choice.
const CALLBACKS: [&str; 2] = ["callback", "callback_method"];
/// Of these the first value counts, as of the model: price and Deepgram see no second one.
const SINGLE: [&str; 1] = ["language"];
/// Parameters that Deepgram sells beside the transcript, and the entries of the price table for them.
const ADDONS: [(&str, &str); 5] = [
    ("detect_entities", "streaming/detect_entities"),
    ("diarize", "streaming/diarize"),
    ("diarize_model", "streaming/diarize"),
    ("keyterm", "streaming/keyterm"),
    ("redact", "streaming/redact"),
];
/// The service of Vertex AI that speaks Gemini's Live API.
const BIDI: &str = "ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent";

/// What a query asks Deepgram for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// The model.
    pub model: String,
    /// The query for Deepgram.
    pub query: String,
    /// The model's entry of the price table. Streams have prices of their own.
    pub priced_as: String,
    /// Further entries that are charged beside it.
    pub addons: Vec<&'static str>,
    /// Channels of the sound, as far as the query says.
    pub channels: u64,
}

/// Reads the query of a request to listen, from which model and keys are gone.
///
/// # Errors
/// `BadRequest` when results should go to somebody else.
pub fn listening(model: Option<&str>, query: &str) -> Result<Listening> {
    let mut pairs: Vec<(String, &str)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = decoded(pair.split('=').next().unwrap_or_default()).to_ascii_lowercase();
        if CALLBACKS.contains(&name.as_str()) {
            let why = format!("Deepgram callback delivery is not supported through the proxy: remove {name}");
            return Err(Error::bad_request(why).with_param(name));
        }
        if !SINGLE.contains(&name.as_str()) || pairs.iter().all(|(earlier, _)| *earlier != name) {
            pairs.push((name, pair));
        }
    }
    let value = |wanted: &str| {
        let pair = pairs.iter().find(|(name, _)| name == wanted)?.1;
        Some(decoded(pair.split_once('=')?.1)).filter(|value| !value.is_empty())
    };
    let model = model.filter(|m| !m.is_empty()).unwrap_or(DEEPGRAM_MODEL).to_owned();
    let many = value("language").is_some_and(|language| language.trim().eq_ignore_ascii_case("multi"));
    let on = |name: &str| value(name).is_some_and(|v| !v.trim().is_empty() && !v.trim().eq_ignore_ascii_case("false"));
    let mut addons: Vec<&'static str> = ADDONS.iter().filter(|(name, _)| on(name)).map(|(_, entry)| *entry).collect();
    addons.dedup();
    let channels = value("channels").and_then(|n| n.parse().ok()).filter(|n| *n > 0).unwrap_or(1);
    let mut query: Vec<&str> = pairs.iter().map(|(_, pair)| *pair).collect();
    let named = format!("model={}", crate::aws::escaped(&model));
    query.push(&named);
    let priced_as = format!("streaming/{model}{}", if many { "-multilingual" } else { "" });
    Ok(Listening { query: query.join("&"), model, priced_as, addons, channels })
}

impl Mount {
    /// Where a session of Gemini's Live API goes. Answers what stands in front of its models' names there.
    ///
    /// # Errors
    /// `BadRequest` when nobody says which project and location.
    pub fn live(&self, passing: &Passing<'_>, out: &mut Endpoint) -> Result<String> {
        let none = Params::default();
        let params = passing.given.map_or(&none, |g| g.params);
        let asked = |wanted: &str| {
            let pairs = passing.query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .filter(|(name, _)| *name == wanted)
                .map(|(_, value)| decoded(value))
                .find(|v| !v.is_empty())
                .map(std::borrow::Cow::into_owned)
        };
        let given = (asked("vertex_project"), asked("vertex_location"));
        google::live(self, passing, params, given, BIDI, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_what_listening_costs() {
        let asked = listening(
            Some("nova-3"),
            "encoding=linear16&language=multi&redact=pci&diarize=false&channels=2&language=en",
        );
        let asked = asked.unwrap();
        assert_eq!(asked.query, "encoding=linear16&language=multi&redact=pci&diarize=false&channels=2&model=nova-3");
        assert_eq!((asked.model.as_str(), asked.priced_as.as_str()), ("nova-3", "streaming/nova-3-multilingual"));
        assert_eq!((asked.addons.as_slice(), asked.channels), (["streaming/redact"].as_slice(), 2));
        let plain = listening(None, "").unwrap();
        assert_eq!((plain.query.as_str(), plain.priced_as.as_str()), ("model=nova-3", "streaming/nova-3"));
        assert_eq!((plain.addons.len(), plain.channels), (0, 1));
        assert!(listening(None, "callback=https%3A%2F%2Fx").is_err());
        assert!(listening(None, "c%61llback=x").is_err(), "escaped");
    }
}
