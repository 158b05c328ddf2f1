use std::fmt;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A request field known by name, in OpenAI's spelling (rules and tables use it for every client format).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "the name says it; the wire spelling is in `name`")]
        pub enum Field { $($(#[$doc])* $name,)* }

        impl Field {
            /// Every field, in the order of their bits.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// OpenAI's spelling.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The field of this spelling.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

fields! {
    Model = "model",
    Messages = "messages",
    Functions = "functions",
    FunctionCall = "function_call",
    Temperature = "temperature",
    TopP = "top_p",
    TopK = "top_k",
    N = "n",
    Stream = "stream",
    StreamOptions = "stream_options",
    Stop = "stop",
    MaxTokens = "max_tokens",
    MaxCompletionTokens = "max_completion_tokens",
    Modalities = "modalities",
    Prediction = "prediction",
    Audio = "audio",
    PresencePenalty = "presence_penalty",
    FrequencyPenalty = "frequency_penalty",
    LogitBias = "logit_bias",
    User = "user",
    ResponseFormat = "response_format",
    Seed = "seed",
    Tools = "tools",
    ToolChoice = "tool_choice",
    MaxRetries = "max_retries",
    Logprobs = "logprobs",
    TopLogprobs = "top_logprobs",
    ExtraHeaders = "extra_headers",
    ParallelToolCalls = "parallel_tool_calls",
    ReasoningEffort = "reasoning_effort",
    Verbosity = "verbosity",
    Thinking = "thinking",
    WebSearchOptions = "web_search_options",
    IncludeServerSideToolInvocations = "include_server_side_tool_invocations",
    ServiceTier = "service_tier",
    SafetyIdentifier = "safety_identifier",
    PromptCacheKey = "prompt_cache_key",
    PromptCacheRetention = "prompt_cache_retention",
    Store = "store",
    Metadata = "metadata",
    ContextManagement = "context_management",
    CacheControl = "cache_control",
    Speed = "speed",
    // legacy completions
    Prompt = "prompt",
    Suffix = "suffix",
    Echo = "echo",
    BestOf = "best_of",
    // embeddings
    Input = "input",
    Dimensions = "dimensions",
    EncodingFormat = "encoding_format",
    InputType = "input_type",
}

/// A set of [`Field`]s: one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct FieldSet(u64);

impl FieldSet {
    /// No field.
    pub const EMPTY: Self = Self(0);

    /// The set of the given fields.
    #[must_use]
    pub const fn of(fields: &[Field]) -> Self {
        let mut bits = 0;
        let mut rest = fields;
        while let [first, tail @ ..] = rest {
            bits |= 1 << (*first as u8);
            rest = tail;
        }
        Self(bits)
    }

    /// The set with this bit pattern, for generated tables.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bit pattern.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// True when the field is in the set.
    #[must_use]
    pub const fn has(self, field: Field) -> bool {
        self.0 & (1 << (field as u8)) != 0
    }

    /// Adds a field.
    pub const fn insert(&mut self, field: Field) {
        self.0 |= 1 << (field as u8);
    }

    /// Takes a field out.
    pub const fn remove(&mut self, field: Field) {
        self.0 &= !(1 << (field as u8));
    }

    /// Fields in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Fields in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Fields of this set that are not in the other.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True without any field.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields of the set.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.iter().copied().filter(move |f| self.has(*f))
    }
}

impl FromIterator<Field> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        let mut set = Self::EMPTY;
        fields.into_iter().for_each(|f| set.insert(f));
        set
    }
}

impl fmt::Debug for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Field::name)).finish()
    }
}

const _: () = assert!(Field::ALL.len() <= 64, "a FieldSet has 64 bits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sets_round_trip() {
        for f in Field::ALL {
            assert_eq!(Field::from_name(f.name()), Some(*f));
        }
        let set = FieldSet::of(&[Field::Temperature, Field::Tools]);
        assert_eq!(set.iter().collect::<FieldSet>(), set);
        assert!(set.minus(FieldSet::of(&[Field::Tools])).has(Field::Temperature));
    }
}
