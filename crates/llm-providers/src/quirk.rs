//! The deviations that rows may list. Each is a name for one behaviour, written once; a row that needs an `if` of its
//! own is no longer a row.

use std::fmt;

macro_rules! quirks {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A named deviation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Quirk { $($(#[$doc])* $name,)* }

        impl Quirk {
            /// Every quirk, in the order of their bits.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in `data/providers.toml`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The quirk of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

quirks! {
    /// Clients of Anthropic's language are answered through the Responses API, not through chat.
    MessagesAsResponses = "messages_as_responses",
    /// Chat that wants a search of the web (`web_search_options`) goes through the Responses API, which alone knows it.
    SearchAsResponses = "search_as_responses",
    /// It counts the tokens of prompts beside its Messages or its Responses API. Other hosts of these languages do not.
    CountsPrompts = "counts_prompts",
    /// The headers of its row go with chat and embeddings, not with Responses and not with tasks.
    HeadersOfChat = "headers_of_chat",
    /// It speaks the Responses API, but keeps no answers: who calls sends the whole conversation.
    ForgetsAnswers = "forgets_answers",
    /// Stored answers are asked for with a `Content-Type`, though such requests have no body.
    TypedLookups = "typed_lookups",
    /// What it keeps is removed with a `Content-Type`, though such requests have no body.
    TypedRemovals = "typed_removals",
    /// Ids of calls keep the signatures of Gemini's thoughts: another gateway stands there, which may ask Gemini.
    KeepThoughtIds = "keep_thought_ids",
    // the request's top level
    /// `"stream": false` is written out when no stream is wanted.
    ExplicitStream = "explicit_stream",
    /// ... whatever language the client speaks.
    ExplicitStreamAbroad = "explicit_stream_abroad",
    /// `"usage": {"include": true}` is added, so that the answer tells its price.
    UsageInclude = "usage_include",
    /// `max_retries` of the deployment is written into the body.
    MaxRetriesInBody = "max_retries_in_body",
    /// Rules of the models that think before they answer, by their names: no sampling parameters,
    /// `max_completion_tokens`, system turns.
    ReasoningFamilies = "reasoning_families",
    /// `thinking` knows only on and off; `reasoning_effort` switches it.
    ThinkingSwitch = "thinking_switch",
    /// `thinking` budgets become a `reasoning_effort`.
    ThinkingToEffort = "thinking_to_effort",
    /// `thinking` and `reasoning_effort` exclude each other: `thinking` wins.
    ThinkingOverEffort = "thinking_over_effort",
    /// `reasoning_effort` becomes `thinking` with a token budget, and `max_tokens` makes room for it.
    EffortToThinking = "effort_to_thinking",
    /// `reasoning_effort` is taken and left out.
    DropEffort = "drop_effort",
    /// The model thinks unasked: `thinking` and `reasoning_effort` are taken and left out.
    ThinksUnasked = "thinks_unasked",
    /// `prompt_cache_retention` is sent; elsewhere it is taken and left out, for hosts refuse what they do not know.
    CacheRetention = "cache_retention",
    /// A wish for a search of the web is the tool `browser_search`.
    BrowserSearch = "browser_search",
    /// The effort `max` is called `xhigh`.
    EffortMaxIsXhigh = "effort_max_is_xhigh",
    /// A named tool cannot be asked for: the choice is left out.
    NoNamedChoice = "no_named_choice",
    /// `tool_choice: "required"` is called `any`.
    RequiredIsAny = "required_is_any",
    /// `tool_choice` other than `auto` and `none` is not taken; `auto` goes without saying.
    ToolChoiceAutoOnly = "tool_choice_auto_only",
    /// `tool_choice: "required"` is not taken.
    NoRequiredChoice = "no_required_choice",
    /// `tool_choice: "required"` is asked for in words, as a last user turn.
    RequiredInWords = "required_in_words",
    /// JSON schemas are asked for through a tool, for models that do not answer them natively.
    SchemaByTool = "schema_by_tool",
    /// `response_format` is left out when there are tools.
    ToolsOverFormat = "tools_over_format",
    /// The temperature is at most 1, and at least 0.3 when several answers are wanted.
    TemperatureToOne = "temperature_to_one",
    /// The temperature stays below 2.
    TemperatureBelowTwo = "temperature_below_two",
    // messages
    /// Content lists become one text; what is no text is left out.
    FlattenContent = "flatten_content",
    /// Content lists become one text unless they hold pictures or files.
    FlattenText = "flatten_text",
    /// Content lists become one text when they hold nothing else.
    FlattenAllText = "flatten_all_text",
    /// Content lists become one text unless they hold pictures or sound; files are left out.
    FlattenUnlessMedia = "flatten_unless_media",
    /// Pictures stay in the results of tools; elsewhere they become a user turn of their own.
    ToolImagesStay = "tool_images_stay",
    /// A file that was uploaded before is named in the part itself: `{"type":"file","file_id":...}`.
    FileIdInPart = "file_id_in_part",
    /// Content parts that are files are refused.
    RefuseFiles = "refuse_files",
    /// Empty texts are taken out, their turns stay.
    StripEmptyContent = "strip_empty_content",
    /// Content lists of tool results become one text; what is no text becomes JSON text.
    FlattenToolResults = "flatten_tool_results",
    /// `cache_control` marks stay in messages and tools; elsewhere they are taken out.
    KeepCacheControl = "keep_cache_control",
    /// They stay unless the call goes to the row's own address.
    KeepCacheControlAbroad = "keep_cache_control_abroad",
    /// `cache_control` marks of messages stand on the last part of their content.
    CacheControlInContent = "cache_control_in_content",
    /// `cache_control` marks of messages are taken out; those of parts stay.
    StripMessageCacheControl = "strip_message_cache_control",
    /// `cache_control` marks are taken out of tools.
    StripToolCacheControl = "strip_tool_cache_control",
    /// Speaker names are taken out; tools keep theirs.
    StripNames = "strip_names",
    /// Names are taken out but for users'.
    NamesOfUsersOnly = "names_of_users_only",
    /// Numbers of tool calls are taken out.
    StripCallIndex = "strip_call_index",
    /// Earlier thoughts are taken out of assistant turns.
    StripReasoning = "strip_reasoning",
    /// Earlier thoughts are told as text only, without the blocks that hold their proofs.
    StripThinkingBlocks = "strip_thinking_blocks",
    /// Earlier thoughts of assistant turns must be there, if only as an empty text, while the model thinks.
    FillReasoning = "fill_reasoning",
    /// User turns without content are taken out.
    DropEmptyTurns = "drop_empty_turns",
    /// Developer turns stay; elsewhere they are system turns.
    KeepDeveloper = "keep_developer",
    /// System turns become assistant turns.
    SystemIsAssistant = "system_is_assistant",
    // tools
    /// `strict` is taken out of tools.
    StripStrict = "strip_strict",
    /// `additionalProperties` and `strict` are taken out of tool schemas.
    StripAdditionalProperties = "strip_additional_properties",
    /// `$schema` and `$id` are taken out of tool schemas.
    StripSchemaUri = "strip_schema_uri",
    /// Tools without parameters get an empty schema.
    FillToolParameters = "fill_tool_parameters",
    /// `response_format` is left out where it is no schema.
    SchemaFormatOnly = "schema_format_only",
    /// A schema that is asked for through a tool stands beside the request's own tools.
    SchemaBesideTools = "schema_beside_tools",
    /// Tools that are no functions are left out.
    FunctionsOnly = "functions_only",
    // where it is, what it is called
    /// The path overlaps with the end of some bases.
    OverlapBase = "overlap_base",
    /// A base without a version means its child `/v1`.
    VersionedBase = "versioned_base",
    /// A base that ends in `/run` means its sibling `/v1`.
    RunBase = "run_base",
    // embeddings and completions
    /// A bare input becomes a list of one.
    EmbedInputList = "embed_input_list",
    /// Token lists are understood; elsewhere they become texts.
    EmbedTokens = "embed_tokens",
    /// The encoding is always named; `base64` when nobody did.
    EmbedBase64 = "embed_base64",
    /// Vectors are told as numbers only.
    EmbedFloats = "embed_floats",
    /// Several prompts become one.
    JoinPrompts = "join_prompts",
    /// The same, a space between them.
    SpacePrompts = "space_prompts",
    // replies
    /// Thinking stands at the head of the text between `<think>` and `</think>`.
    ThinkTags = "think_tags",
    /// Content lists hold `reasoning` objects.
    ReasoningParts = "reasoning_parts",
    /// An empty text means none.
    EmptyIsNull = "empty_is_null",
    /// Thinking tokens are not part of the completion tokens.
    ReasoningTokensApart = "reasoning_tokens_apart",
    /// `service_tier` is spoken in its own words.
    OwnServiceTier = "own_service_tier",
    /// Chat clients get thoughts and refusals of whole answers in the fields in which the provider wrote them.
    OwnMessageFields = "own_message_fields",
    /// The type of an error is that of its status, whatever the provider calls it. LiteLLM reaches the provider without
    /// OpenAI's library, which passes `invalid_request_error` on.
    ErrorTypeByStatus = "error_type_by_status",
    /// ... but the parameter that it names is told.
    ErrorParam = "error_param",
    /// A request that cannot be processed (422) is a bad one (400).
    UnprocessableIsBad = "unprocessable_is_bad",
    /// The code of an error inside a stream is its status. OpenAI's library makes a broken connection of it.
    StreamErrorByCode = "stream_error_by_code",
    /// An error inside a stream is an API error without a type.
    StreamErrorIsApi = "stream_error_is_api",
}

/// A set of [`Quirk`]s: one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Quirks(u128);

impl Quirks {
    /// No quirk.
    pub const NONE: Self = Self(0);

    /// The set of the given quirks.
    #[must_use]
    pub const fn of(quirks: &[Quirk]) -> Self {
        let mut bits = 0;
        let mut rest = quirks;
        while let [first, tail @ ..] = rest {
            bits |= 1 << (*first as u8);
            rest = tail;
        }
        Self(bits)
    }

    /// True when the quirk is in the set.
    #[must_use]
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 & (1 << (quirk as u8)) != 0
    }

    /// True when one of the quirks of the other set is in this one.
    #[must_use]
    pub const fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    /// Quirks in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Adds a quirk.
    pub const fn insert(&mut self, quirk: Quirk) {
        self.0 |= 1 << (quirk as u8);
    }

    /// Takes a quirk out.
    pub const fn remove(&mut self, quirk: Quirk) {
        self.0 &= !(1 << (quirk as u8));
    }

    /// The quirks of the set.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL.iter().copied().filter(move |q| self.has(*q))
    }
}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Quirk::name)).finish()
    }
}

const _: () = assert!(Quirk::ALL.len() <= 128, "a set has 128 bits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for quirk in Quirk::ALL {
            assert_eq!(Quirk::from_name(quirk.name()), Some(*quirk));
        }
    }
}
