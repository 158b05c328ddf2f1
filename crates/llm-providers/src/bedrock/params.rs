//! The parameters that models take.

use llm_types::{Field as F, FieldSet, Format};
use llm_wire::ModelCaps;
use llm_wire::bedrock::model::Family;

use super::route::{Model, Route};
use crate::generated;
use crate::row::ProviderRow;

const TOOLS: FieldSet = FieldSet::of(&[F::Tools]);
const CHOICE: FieldSet = FieldSet::of(&[F::ToolChoice]);
const THINKING: FieldSet = FieldSet::of(&[F::Thinking, F::ReasoningEffort]);
const EFFORT: FieldSet = FieldSet::of(&[F::ReasoningEffort]);
const SEARCH: FieldSet = FieldSet::of(&[F::WebSearchOptions]);
/// What models that continue a text take.
const TEXT: FieldSet =
    FieldSet::of(&[F::MaxTokens, F::MaxCompletionTokens, F::Temperature, F::TopP, F::Stream, F::StreamOptions]);
const STOP: FieldSet = FieldSet::of(&[F::Stop]);

pub(super) fn supported(row: &ProviderRow, model: &str, caps: &ModelCaps) -> FieldSet {
    let family = Family::of(Model::of(model).name);
    match Model::of(model).route {
        Route::Agent | Route::Runtime => FieldSet::of(&[F::Stream, F::StreamOptions]),
        Route::Invoke(Format::AnthropicMessages) | Route::Mantle | Route::Platform => {
            generated::ANTHROPIC.supported(model, caps)
        }
        Route::Invoke(Format::BedrockText | Format::BedrockTextWhole) => text(family),
        Route::Invoke(Format::OpenAiChat) => generated::OPENAI.supported(model, caps),
        _ => converse(row, family, model, caps),
    }
}

fn text(family: Family) -> FieldSet {
    match family {
        Family::Llama | Family::DeepSeekR1 | Family::Jurassic => TEXT,
        _ => TEXT.union(STOP),
    }
}

fn converse(row: &ProviderRow, family: Family, model: &str, caps: &ModelCaps) -> FieldSet {
    let mut set = row.supported(model, caps);
    if family == Family::Claude {
        set.insert(F::ContextManagement);
    }
    let calls = match family {
        Family::Claude | Family::Mistral | Family::CommandR | Family::Nova | Family::Nova2 => true,
        Family::DeepSeekR1 => false,
        _ => caps.tools,
    };
    if calls {
        set = set.union(TOOLS);
    }
    if caps.tool_choice {
        set = set.union(CHOICE);
    }
    match family {
        Family::DeepSeekR1 => {}
        Family::GptOss | Family::Gpt | Family::Grok => set = set.union(EFFORT),
        Family::Nova2 => set = set.union(THINKING),
        _ if caps.reasoning => set = set.union(THINKING),
        Family::Claude | Family::Other if !caps.known => set = set.union(THINKING),
        _ => {}
    }
    if matches!(family, Family::Nova | Family::Nova2) {
        set = set.union(SEARCH);
    }
    set
}
