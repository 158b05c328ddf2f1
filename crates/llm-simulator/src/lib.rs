//! Simulated LLM providers over real HTTP, with scripted answers and faults.
//!
//! The simulator speaks the wire formats of these services, on HTTP/1.1 and HTTP/2 with prior knowledge:
//!
//! | service | what | path ends with |
//! |---|---|---|
//! | OpenAI | chat, completions, responses, embeddings, models | `/chat/completions`, `/responses`, ... |
//! | | images: generations, edits, variations | `/images/generations`, ... |
//! | | audio: transcriptions, translations, speech | `/audio/transcriptions`, ... |
//! | | moderations; videos: make, look, fetch, remix, delete | `/moderations`, `/videos`, `/videos/{id}/content` |
//! | Azure OpenAI | the same | below `/openai/deployments/{deployment}/` or `/openai/v1/` |
//! | Anthropic | messages, count_tokens, models | `/messages`, `/messages/count_tokens` |
//! | Gemini | content, whole, as events (`alt=sse`) or as an array | `/models/{model}:generateContent`, `:streamGenerateContent` |
//! | | embeddings; Imagen's pictures | `:embedContent`, `:batchEmbedContents`, `:predict` |
//! | Bedrock | Converse, whole and as AWS event stream | `/model/{model}/converse`, `/converse-stream` |
//! | | Invoke: the bodies of its models' makers | `/model/{model}/invoke`, `/invoke-with-response-stream` |
//! | Ollama | chat, whole and as JSON lines | `/api/chat` |
//! | Cohere | chat (version 2), rerank | `/v2/chat`, `/rerank` |
//! | Jina, Voyage | rerank | `/rerank` below `/jina/`, `/voyage/` |
//! | Mistral | OCR | `/ocr` |
//! | Tavily | search | `/search` |
//! | batches | OpenAI's, with files | `/batches...`, `/files...` |
//! | | Anthropic's, Vertex AI's, Bedrock's, with Cloud Storage and S3 | `/v1/messages/batches...`, `/batchPredictionJobs...`, `/model-invocation-job...` |
//!
//! Its frames are literal templates of what those services send; it shares no code with the gateway's codecs, so a
//! mistake made twice cannot cancel itself out. AWS signatures are not verified.
//!
//! ```no_run
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! use llm_simulator::{Fault, Match, Script, Simulator, SimulatorConfig};
//!
//! let sim = Simulator::start(SimulatorConfig::default()).await?;
//! // first call answers 503, the next ones work
//! sim.script(Match::model("gpt-4o"), Script::fault(Fault::Status(503)).times(1));
//! let api_base = format!("{}/v1", sim.base_url());
//! # let _ = api_base;
//! # Ok(()) }
//! ```
//!
//! Any path prefix is accepted before the known endings (`/east/v1/chat/completions`), so one simulator can stand for
//! several deployments and the recorded path tells which one was called.
//!
//! # Scripts
//!
//! A request is answered by the first of these that applies:
//!
//! | where | example |
//! |---|---|
//! | program | `sim.script(Match::model("gpt-4o").nth(2), Script::fault(Fault::Cut))`, `sim.queue(..)` |
//! | header `x-sim-script` | `{"fault":"cut","after":3}` (the fields of [`Script`]) |
//! | marker in the last user message | `[[sim fault=cut after=3 chunks=20 gap_ms=5]]` |
//! | model name | `sim-error-429`, `sim-fault-cut`; with `-x2` only the first two calls fail |
//! | nothing | the echo: `You said: ...` |
//!
//! Keys of a marker are the fields of [`Script`]. A value is a bare word, or JSON where it has spaces
//! (`text="a b"`). `tool=NAME` adds a tool call and a following `args={...}` gives its arguments; several make
//! parallel calls. A script that cannot be read is answered with status 400 and says why.
//!
//! # Faults
//!
//! See [`Fault`] for the table. [`Running::pause`] closes the listening socket (connection refused) and
//! [`Running::resume`] opens the same port again.
//!
//! # Control over HTTP
//!
//! For tests in other languages: `GET /__sim/requests` lists what was received, `POST /__sim/script` takes
//! `{"match": {..}, "script": {..}}`, `POST /__sim/reset` forgets both.

mod anthropic;
mod batches;
mod bedrock;
mod cohere;
mod connection;
mod content;
mod control;
mod dialects;
mod faults;
mod form;
mod gemini;
mod ids;
mod jina;
mod marker;
mod mistral;
mod ollama;
mod openai;
mod prompt;
mod ranking;
mod record;
mod reply;
mod route;
mod rules;
mod schema;
mod script;
mod sending;
mod server;
mod service;
mod tavily;
mod template;
mod voyage;
mod wording;

pub use faults::Fault;
pub use record::{Ended, Recorded};
pub use rules::Match;
pub use script::{Gate, Script, ToolCall};
pub use server::{Running, Simulator, SimulatorConfig, run};
