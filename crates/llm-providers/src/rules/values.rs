use std::borrow::Cow;

use llm_types::Field;
use llm_types::generate::GenerateRequest;
use llm_wire::top::Top;

/// The values of a request's fields, as JSON text.
pub trait Values {
    /// The value of a field, when it is set and not null.
    fn raw(&self, field: Field) -> Option<Cow<'_, str>>;
}

impl Values for Top<'_> {
    fn raw(&self, field: Field) -> Option<Cow<'_, str>> {
        self.get(field.name()).filter(|v| *v != "null").map(Cow::Borrowed)
    }
}

impl Values for GenerateRequest {
    fn raw(&self, field: Field) -> Option<Cow<'_, str>> {
        let s = &self.sampling;
        let number = |n: &Option<serde_json::Number>| n.as_ref().map(|n| Cow::Owned(n.to_string()));
        let quoted =
            |t: &Option<String>| t.as_ref().map(|t| Cow::Owned(llm_types::RawJson::string(t).get().to_owned()));
        match field {
            Field::Temperature => number(&s.temperature),
            Field::TopP => number(&s.top_p),
            Field::TopK => number(&s.top_k),
            Field::N => s.n.map(|n| Cow::Owned(n.to_string())),
            Field::MaxTokens | Field::MaxCompletionTokens => number(&self.max_output_tokens),
            Field::ReasoningEffort => quoted(&self.reasoning.effort),
            Field::Thinking => self.reasoning.thinking.as_ref().map(|t| Cow::Borrowed(t.get())),
            Field::User => quoted(&self.user),
            Field::ServiceTier => quoted(&self.service_tier),
            _ => self.extra.get(field.name()).filter(|v| !v.is_null()).map(|v| Cow::Borrowed(v.get())),
        }
    }
}
