//! Judging content: guardrails may edit or stop a request or an answer.
//!
//! - [`Guardrail`], [`GuardrailSession`], [`TextGate`]: what a guardrail is, for whole texts and for streams.
//! - [`GuardrailSet`]: the configured guardrails; [`Wanted`] says which of them a call runs.
//! - [`Guards`]: the guardrails of one call: before, during and after it, and on its stream.
//! - [`SessionRules`]: what becomes of a realtime session in which one stops something.
//! - [`GuardrailRecord`]: what a run did, for logs and metrics.
//! - [`texts_mut`]: every text of a request or an answer.
//! - [`Targets`]: which fields of a body that is only relayed are judged.
//! - [`has_texts`]: which operations beside conversations have texts; a table says where.
//! - [`Wire`]: how guardrails that ask a service get there.
//! - [`ContentFilter`]: the built-in filter of words and patterns (`litellm_content_filter`).
//! - [`GuardrailConfig`]: LiteLLM's `guardrails:` list, and [`Problem`]s with it.

mod chain;
mod config;
mod fields;
mod filter;
mod guardrail;
mod guards;
mod json;
mod line;
mod open;
mod places;
mod record;
mod service;
mod sessions;
mod set;
mod stream;
mod texts;

pub use config::{GuardrailConfig, GuardrailParams, Problem, build};
pub use fields::Targets;
pub use filter::{Action, ContentFilter, FilterSettings, KeywordRule, PatternRule};
pub use guardrail::{
    CallContext, Content, Direction, Guardrail, GuardrailSession, Mode, Modes, Push, Stop, TextGate, Verdict,
};
pub use guards::{Guards, Outcome};
pub use places::has_texts;
pub use record::{GuardLog, GuardrailRecord, RunStatus};
pub use service::{Wire, defaults, kinds};
pub use sessions::{SessionRules, Violation};
pub use set::{GuardrailSet, Wanted};
pub use texts::{Scope, Texts, ToolOutcome, texts_mut};
