//! Which interface of Bedrock a model is reached by, and in which language.

use llm_catalog::Catalog;
use llm_types::Format;
use llm_wire::bedrock::model::{Family, arn_region};

use crate::aws::is_region;
use crate::generated;

/// The interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// `Converse`.
    Converse,
    /// `InvokeModel`, in this language.
    Invoke(Format),
    /// An agent of Bedrock.
    Agent,
    /// An agent in a runtime of AgentCore.
    Runtime,
    /// Claude's Messages at `bedrock-mantle`.
    Mantle,
    /// Claude's Messages at Claude's platform.
    Platform,
    /// One that is known and not served.
    Unserved,
}

/// A model string, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model<'a> {
    pub route: Route,
    /// The region that stands before the model or in its ARN.
    pub region: Option<&'a str>,
    /// The id, and the family before an ARN that tells nothing of it (`nova/arn:...`).
    pub name: &'a str,
    /// The id as paths have it.
    pub id: &'a str,
}

/// First segments that say the interface.
const ROUTES: [(&str, Named); 9] = [
    ("invoke", Named::Invoke),
    ("converse", Named::Converse),
    ("converse_like", Named::Converse),
    (generated::OPENAI.id, Named::Chat),
    ("claude_platform", Named::Own(Route::Platform)),
    ("agent", Named::Own(Route::Agent)),
    (generated::AGENTCORE.id, Named::Own(Route::Runtime)),
    ("async_invoke", Named::Own(Route::Unserved)),
    ("mantle", Named::Own(Route::Mantle)),
];

#[derive(Debug, Clone, Copy)]
enum Named {
    Converse,
    Invoke,
    Chat,
    Own(Route),
}

impl<'a> Model<'a> {
    /// Takes a model string apart.
    pub(super) fn of(model: &'a str) -> Self {
        let mut rest = model;
        let (mut named, mut region) = (None, None);
        while let Some((first, tail)) = rest.split_once('/') {
            if let Some((_, route)) = ROUTES.iter().find(|(name, _)| *name == first).filter(|_| named.is_none()) {
                named = Some(*route);
            } else if is_region(first) && region.is_none() {
                region = Some(first);
            } else {
                break;
            }
            rest = tail;
        }
        let name = rest;
        // a family may stand before an ARN that tells nothing of it
        let id = name.find("/arn:").and_then(|at| name.get(at + 1..)).unwrap_or(name);
        let route = match named {
            Some(Named::Converse) => Route::Converse,
            Some(Named::Invoke) => Route::Invoke(body(name)),
            Some(Named::Chat) => Route::Invoke(Format::OpenAiChat),
            Some(Named::Own(route)) => route,
            None if converses(model, name) => Route::Converse,
            None => Route::Invoke(body(name)),
        };
        Self { route, region: region.or_else(|| arn_region(id)), name, id }
    }
}

/// Models that LiteLLM asks by `Converse` although its price map does not say so.
const CONVERSES: &[&str] = &[
    "anthropic.claude-3",
    "anthropic.claude-v",
    "anthropic.claude-instant",
    "ai21.jamba",
    "meta.llama3",
    "mistral.mistral-large-240",
    "mistral.mistral-small-2402",
];

/// True for models that are asked by `Converse` when nobody says how.
fn converses(model: &str, name: &str) -> bool {
    name.starts_with("nova/")
        || name.starts_with("nova-2/")
        || name.contains(":application-inference-profile/")
        || name.contains("openai.")
        || CONVERSES.iter().any(|n| name.contains(n))
        || Catalog::builtin().lookup("bedrock", model).and_then(|m| m.provider()) == Some("bedrock_converse")
}

/// The language of a model's `InvokeModel`.
fn body(name: &str) -> Format {
    match Family::of(name) {
        Family::Claude if is_first_claude(name) => Format::BedrockText,
        Family::Claude => Format::AnthropicMessages,
        Family::Nova | Family::Nova2 => Format::BedrockConverse,
        Family::Jurassic => Format::BedrockTextWhole,
        Family::Titan
        | Family::Llama
        | Family::Mistral
        | Family::Command
        | Family::CommandR
        | Family::DeepSeekR1
        | Family::Qwen => Format::BedrockText,
        _ => Format::OpenAiChat,
    }
}

/// Claude before its Messages.
pub(super) fn is_first_claude(name: &str) -> bool {
    ["claude-v1", "claude-v2", "claude-instant"].iter().any(|n| name.contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_taken_apart() {
        let of = |m: &'static str| {
            let m = Model::of(m);
            (m.route, m.region, m.id)
        };
        let claude = "anthropic.claude-3-5-sonnet-20240620-v1:0";
        assert_eq!(of("converse/anthropic.claude-9"), (Route::Converse, None, "anthropic.claude-9"));
        assert_eq!(
            of("invoke/anthropic.claude-3-5-sonnet-20240620-v1:0"),
            (Route::Invoke(Format::AnthropicMessages), None, claude)
        );
        assert_eq!(
            of("invoke/us-west-1/anthropic.claude-3-5-sonnet-20240620-v1:0"),
            (Route::Invoke(Format::AnthropicMessages), Some("us-west-1"), claude)
        );
        assert_eq!(of("us-east-1/amazon.nova-pro-v1:0").0, Route::Converse);
        assert_eq!(of("us.anthropic.claude-opus-4-5-20251101-v1:0").0, Route::Converse);
        assert_eq!(of("amazon.titan-text-express-v1").0, Route::Invoke(Format::BedrockText));
        assert_eq!(of("ai21.j2-ultra-v1").0, Route::Invoke(Format::BedrockTextWhole));
        assert_eq!(of("openai/arn:aws:bedrock:us-east-1:1:imported-model/x").0, Route::Invoke(Format::OpenAiChat));
        let nova = "arn:aws:bedrock:eu-west-1:1:custom-model-deployment/x";
        assert_eq!(
            of("nova/arn:aws:bedrock:eu-west-1:1:custom-model-deployment/x"),
            (Route::Converse, Some("eu-west-1"), nova)
        );
        assert_eq!(
            of("invoke/llama/arn:aws:bedrock:eu-west-1:1:imported-model/x").0,
            Route::Invoke(Format::BedrockText)
        );
        assert_eq!(of("arn:aws:bedrock:us-east-1:1:application-inference-profile/x").0, Route::Converse);
        let runtime = "arn:aws:bedrock-agentcore:us-west-2:1:runtime/x";
        assert_eq!(
            of("agentcore/arn:aws:bedrock-agentcore:us-west-2:1:runtime/x"),
            (Route::Runtime, Some("us-west-2"), runtime)
        );
        assert_eq!(of("agent/A/B"), (Route::Agent, None, "A/B"));
        assert_eq!(of("mantle/us-west-2/anthropic.claude-x").0, Route::Mantle);
        assert_eq!(of("async_invoke/twelvelabs.marengo").0, Route::Unserved);
    }
}
