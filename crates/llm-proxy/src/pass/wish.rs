//! What a relayed request says of itself, as far as permission, limits and logs care.

use std::sync::Arc;

use bytes::Bytes;
use llm_accounts::{Extras, PriceBound};
use llm_types::{Json, Result};
use llm_wire::top::Top;

use super::payload::Payload;
use crate::extras;
use crate::flow::Context;
use crate::kept;
use crate::read::few;
use crate::wish::Wish;

/// What was read off a request.
#[derive(Debug, Default)]
pub struct Named {
    /// The model in the body.
    pub body: Option<String>,
    /// The model in the path.
    pub path: Option<String>,
    /// Models inside of it, each of which must be allowed.
    pub inside: Vec<String>,
    stream: bool,
    max_output: Option<u64>,
    choices: Option<u64>,
    extras: Extras,
    end_user: Option<String>,
    tags: Vec<String>,
    metadata: Option<String>,
}

impl Named {
    /// What is known when only a model was named, or none.
    #[must_use]
    pub fn of(model: &str) -> Self {
        Self { body: Some(model.to_owned()).filter(|m| !m.is_empty()), ..Self::default() }
    }

    /// Reads a body, if all of it was seen. What LiteLLM's clients send for the gateway alone is taken out of it.
    ///
    /// # Errors
    /// When a form that has to be read cannot be.
    pub async fn read(ctx: &Context, payload: &mut Payload, path: Option<String>) -> Result<Self> {
        let mut named = Self { path, ..Self::default() };
        let Some(bytes) = payload.bytes().cloned() else { return Ok(named) };
        if let Some(boundary) = crate::form::boundary(&ctx.parts.headers) {
            let form = crate::form::whole(bytes, &boundary).await?;
            if let Ok(top) = Top::parse(&form.fields) {
                named.take(&top);
            }
            few("tags", named.tags.len())?;
            return Ok(named);
        }
        // Whether it is right JSON is the provider's to say.
        let Ok(top) = Top::parse(&bytes) else { return Ok(named) };
        named.take(&top);
        few("tags", named.tags.len())?;
        if top.get("litellm_metadata").is_some() {
            *payload = Payload::Whole(top.edited(&[("litellm_metadata", None)]));
        }
        Ok(named)
    }

    fn take(&mut self, top: &Top<'_>) {
        let text = |key: &str| top.str(key).map(std::borrow::Cow::into_owned).filter(|t| !t.is_empty());
        self.body = text("model").or_else(|| text("modelId"));
        self.stream = top.is_true("stream");
        self.end_user = text("user")
            .or_else(|| inner(top, "litellm_metadata", "user"))
            .or_else(|| inner(top, "metadata", "user_id"));
        self.metadata = top.get("litellm_metadata").filter(|m| m.starts_with('{')).map(str::to_owned);
        self.tags = top
            .get("litellm_metadata")
            .and_then(|m| Top::parse(m.as_bytes()).ok()?.read::<Vec<String>>("tags"))
            .unwrap_or_default();
        self.max_output = MOST.most(top);
        self.choices = CHOICES.most(top);
        self.extras = extras::of_body(top);
        self.inside = inside(top);
    }

    /// The model that is charged: the path's, for it is the one that is called; else the body's.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.path.as_deref().or(self.body.as_deref())
    }

    /// The wish, for a model of this price.
    #[must_use]
    pub fn wish(&self, ctx: &Context, group: &str, price: Option<PriceBound>) -> Wish {
        let model = self.model().unwrap_or_default();
        let mut others: Vec<String> = self.inside.clone();
        others.extend(self.body.iter().filter(|b| *b != model).cloned());
        let header = |name: &str| ctx.steering.get(name);
        let mut tags = self.tags.clone();
        if tags.is_empty()
            && let Some(list) = header("x-litellm-tags")
        {
            tags.extend(list.split(',').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()));
        }
        let controls = crate::read::controls_of_relay(ctx, &tags, self.metadata.as_deref());
        kept::header_tags(ctx, &mut tags);
        let end_user = ["x-litellm-customer-id", "x-litellm-end-user-id"].iter().find_map(|name| header(name));
        let claimed = ctx.who.as_deref().and_then(llm_accounts::Identity::end_user);
        Wish {
            model: Arc::from(model),
            group: Arc::from(group),
            from_path: false,
            stream: self.stream,
            include_usage: false,
            fallback_models: others,
            end_user: claimed.or(end_user).map(str::to_owned).or_else(|| self.end_user.clone()),
            tags,
            // A call without a model writes nothing that is counted.
            max_output_tokens: if model.is_empty() { Some(0) } else { self.max_output },
            choices: self.choices.unwrap_or(1),
            extras: self.extras,
            price,
            controls,
            cache: None,
            metadata: kept::with_spend_metadata(self.metadata.clone(), &ctx.steering),
            guardrails: None,
            policies: None,
            no_log: false,
            redact: None,
        }
    }
}

fn inner(top: &Top<'_>, object: &str, key: &str) -> Option<String> {
    let inner = Top::parse(top.get(object)?.as_bytes()).ok()?;
    inner.str(key).map(std::borrow::Cow::into_owned).filter(|t| !t.is_empty())
}

/// Fields of many languages that say the same: at the top, and within an object. Nobody knows which of them a host takes, so the
/// largest counts.
struct Words {
    top: &'static [&'static str],
    within: &'static [(&'static str, &'static str)],
}

/// The limit of an answer.
const MOST: Words = Words {
    top: &["max_completion_tokens", "max_tokens", "max_output_tokens", "max_tokens_to_sample", "max_gen_len"],
    within: &[
        ("generationConfig", "maxOutputTokens"),
        ("generation_config", "max_output_tokens"),
        ("inferenceConfig", "maxTokens"),
        ("parameters", "maxOutputTokens"),
        ("textGenerationConfig", "maxTokenCount"),
    ],
};
/// How many answers are made.
const CHOICES: Words = Words {
    top: &["n", "best_of", "num_generations"],
    within: &[
        ("generationConfig", "candidateCount"),
        ("generation_config", "candidate_count"),
        ("parameters", "sampleCount"),
        ("parameters", "candidateCount"),
        ("imageGenerationConfig", "numberOfImages"),
    ],
};

impl Words {
    fn most(&self, top: &Top<'_>) -> Option<u64> {
        let number = |top: &Top<'_>, key: &str| top.read::<f64>(key).filter(|n| *n > 0.0).map(|n| n as u64);
        let within = self.within.iter().filter_map(|(object, key)| {
            let inner = Top::parse(top.get(object)?.as_bytes()).ok()?;
            number(&inner, key)
        });
        self.top.iter().filter_map(|key| number(top, key)).chain(within).max()
    }
}

/// Models of the requests that a batch holds.
fn inside(top: &Top<'_>) -> Vec<String> {
    let Some(Json::Array(requests)) = top.get("requests").and_then(|_| top.read::<Json>("requests")) else {
        return Vec::new();
    };
    let model = |r: &Json| {
        let own = |o: Option<&Json>| o.and_then(|o| o.get("model")).and_then(Json::as_str).map(str::to_owned);
        own(r.get("params")).or_else(|| own(r.get("body"))).or_else(|| own(Some(r)))
    };
    let mut models: Vec<String> = requests.iter().filter_map(model).collect();
    models.sort_unstable();
    models.dedup();
    models
}

/// Tokens of a prompt, by the size of the body.
#[must_use]
pub fn input_tokens(payload: &Payload, model: &str) -> u64 {
    if model.is_empty() { 0 } else { payload.bytes().map_or(0, Bytes::len) as u64 / 4 }
}
