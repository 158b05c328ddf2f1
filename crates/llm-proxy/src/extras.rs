//! What a call asks for beyond an ordinary answer, and pays for: a dearer service tier, a speed, a place.

use llm_accounts::Extras;
use llm_client::Target;
use llm_types::ServiceTier;
use llm_types::json::raw_str;
use llm_wire::top::Top;

use crate::safety::FALLBACKS;

/// What a body asks for, in the words of each language; also in `extra_body`, and of fallbacks.
pub(crate) fn of_body(top: &Top<'_>) -> Extras {
    let within = top.get("extra_body").and_then(|inner| Top::parse(inner.as_bytes()).ok());
    let within = within.map(|inner| asked(|name| inner.get(name)));
    // What fallbacks are asked is not worth reading twice: whoever names it may mean the dear one.
    let fallbacks = FALLBACKS.iter().filter_map(|list| top.get(list)).map(|raw| Extras {
        tier: raw.contains("service_tier") || raw.contains("serviceTier") || raw.contains("speed"),
        place: raw.contains("inference_geo"),
    });
    fallbacks.chain(within).fold(asked(|name| top.get(name)), |one, other| Extras {
        tier: one.tier || other.tier,
        place: one.place || other.place,
    })
}

/// What a deployment asks for by itself.
pub(crate) fn of_target(target: &Target) -> Extras {
    asked(|name| target.defaults.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()))
}

/// `raw`: the JSON of a field.
fn asked<'a>(raw: impl Fn(&str) -> Option<&'a str>) -> Extras {
    Extras {
        tier: ["service_tier", "serviceTier", "speed"].iter().filter_map(|name| raw(name)).any(is_dear),
        place: raw("inference_geo").is_some_and(|place| place != "null"),
    }
}

/// `"priority"` and its like, and Bedrock's `{"type": "priority"}`.
fn is_dear(raw: &str) -> bool {
    let dear = |word: &str| matches!(ServiceTier::parse(word), Some(ServiceTier::Priority | ServiceTier::UltraFast));
    match raw_str(raw) {
        Some(word) => dear(&word),
        None => Top::parse(raw.as_bytes()).is_ok_and(|inner| inner.str("type").is_some_and(|word| dear(&word))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dear_tiers_are_seen_wherever_they_stand() {
        let of = |body: &str| of_body(&Top::parse(body.as_bytes()).unwrap());
        for dear in [
            r#"{"service_tier":"priority"}"#,
            r#"{"serviceTier":{"type":"priority"}}"#,
            r#"{"speed":"fast"}"#,
            r#"{"extra_body":{"service_tier":"ultrafast"}}"#,
            r#"{"fallbacks":[{"model":"b","service_tier":"priority"}]}"#,
        ] {
            assert!(of(dear).tier, "{dear}");
        }
        for usual in [r#"{"service_tier":"flex"}"#, r#"{"service_tier":"auto"}"#, r#"{"speed":1.5}"#, "{}"] {
            assert_eq!(of(usual), Extras::default(), "{usual}");
        }
        assert!(of(r#"{"inference_geo":"us"}"#).place);
    }
}
