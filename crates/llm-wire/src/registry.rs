//! The codecs by format.

use llm_types::Format;

use crate::agents;
use crate::anthropic::Messages;
use crate::bedrock;
use crate::bedrock::converse::Converse;
use crate::bedrock::embeddings::Embeddings as BedrockEmbeddings;
use crate::bedrock::text::Text;
use crate::codec::{ClientCodec, Embed, Generate, UpstreamCodec};
use crate::cohere::{ChatV1, ChatV2, CohereEmbed};
use crate::count::CountCodec;
use crate::gemini::{Gemini, GeminiEmbed, VertexEmbed};
use crate::gigachat;
use crate::images;
use crate::oci;
use crate::ocr;
use crate::ollama::{OllamaChat, OllamaEmbed, OllamaGenerate};
use crate::openai::audio;
use crate::openai::chat::Chat;
use crate::openai::completions::Completions;
use crate::openai::embeddings::Embeddings;
use crate::openai::images::{AzureImages, Images};
use crate::openai::moderations::Moderations;
use crate::openai::responses::{Responses, StreamedResponses};
use crate::polly::Polly;
use crate::rerank;
use crate::sagemaker;
use crate::sap;
use crate::search;
use crate::snowflake::SnowflakeEmbed;
use crate::task::TaskCodec;
use crate::text;
use crate::videos;
use crate::voice;

/// How clients of a format ask for an answer. Nothing where the format has no such call, or no codec yet.
#[must_use]
pub fn client_generate(format: Format) -> Option<&'static dyn ClientCodec<Generate>> {
    match format {
        Format::OpenAiChat => Some(&Chat),
        Format::OpenAiCompletions => Some(&Completions),
        Format::OpenAiResponses => Some(&Responses),
        Format::AnthropicMessages => Some(&Messages),
        Format::GeminiGenerate => Some(&Gemini),
        _ => None,
    }
}

/// How upstreams of a format are asked for an answer.
#[must_use]
pub fn upstream_generate(format: Format) -> Option<&'static dyn UpstreamCodec<Generate>> {
    match format {
        Format::OpenAiChat => Some(&Chat),
        Format::OpenAiCompletions => Some(&Completions),
        Format::OpenAiResponses => Some(&Responses),
        Format::AnthropicMessages => Some(&Messages),
        Format::GeminiGenerate => Some(&Gemini),
        Format::CohereChat => Some(&ChatV1),
        Format::CohereChatV2 => Some(&ChatV2),
        Format::OllamaChat => Some(&OllamaChat),
        Format::OllamaGenerate => Some(&OllamaGenerate),
        Format::BedrockConverse => Some(&Converse),
        Format::TgiGenerate => Some(&text::Tgi),
        Format::WatsonxText => Some(&text::WatsonxText),
        Format::TritonGenerate => Some(&text::TritonGenerate),
        Format::NlpCloud => Some(&text::NlpCloud),
        Format::Replicate => Some(&text::Replicate),
        Format::Petals => Some(&text::Petals),
        Format::AlephAlpha => Some(&text::AlephAlpha),
        Format::Bytez => Some(&text::Bytez),
        Format::GigaChat => Some(&gigachat::GigaChat),
        Format::SapOrchestration => Some(&sap::Orchestration),
        Format::OciChat => Some(&oci::OciChat),
        Format::OciCohere => Some(&oci::OciCohere),
        Format::StreamedResponses => Some(&StreamedResponses),
        Format::A2a => Some(&agents::A2a),
        Format::LangGraph => Some(&agents::LangGraph),
        Format::Langflow => Some(&agents::Langflow),
        Format::BedrockAgent => Some(&agents::BedrockAgent),
        Format::AgentCoreRuntime => Some(&agents::AgentCoreRuntime),
        Format::VertexAgent => Some(&agents::VertexAgent),
        Format::AnthropicComplete => Some(&text::AnthropicComplete),
        Format::BedrockText => Some(&Text { streams: true }),
        Format::BedrockTextWhole => Some(&Text { streams: false }),
        Format::SageMaker => Some(&sagemaker::Generation),
        _ => None,
    }
}

/// How clients of a format ask for vectors.
#[must_use]
pub fn client_embed(format: Format) -> Option<&'static dyn ClientCodec<Embed>> {
    match format {
        Format::OpenAiEmbeddings => Some(&Embeddings),
        _ => None,
    }
}

/// How upstreams of a format are asked for vectors.
#[must_use]
pub fn upstream_embed(format: Format) -> Option<&'static dyn UpstreamCodec<Embed>> {
    match format {
        Format::OpenAiEmbeddings => Some(&Embeddings),
        Format::BedrockEmbed => Some(&BedrockEmbeddings),
        Format::SageMakerEmbed => Some(&sagemaker::embeddings::Embeddings),
        Format::CohereEmbed => Some(&CohereEmbed),
        Format::OllamaEmbed => Some(&OllamaEmbed),
        Format::GeminiEmbed => Some(&GeminiEmbed),
        Format::VertexEmbed => Some(&VertexEmbed),
        Format::TeiEmbed => Some(&text::TeiEmbed),
        Format::WatsonxEmbed => Some(&text::WatsonxEmbed),
        Format::TritonEmbed => Some(&text::TritonEmbed),
        Format::SnowflakeEmbed => Some(&SnowflakeEmbed),
        Format::GigaChatEmbed => Some(&gigachat::GigaChatEmbed),
        Format::SapEmbed => Some(&sap::SapEmbed),
        Format::OciEmbed => Some(&oci::OciEmbed),
        _ => None,
    }
}

/// How upstreams of a format are asked for the tokens of a prompt.
#[must_use]
pub fn count(format: Format) -> Option<&'static dyn CountCodec> {
    match format {
        Format::OpenAiResponses => Some(&Responses),
        Format::AnthropicMessages => Some(&Messages),
        Format::GeminiGenerate => Some(&Gemini),
        Format::BedrockConverse => Some(&Converse),
        _ => None,
    }
}

/// How upstreams of a format are asked for a task.
#[must_use]
pub fn task(format: Format) -> Option<&'static dyn TaskCodec> {
    match format {
        Format::OpenAiImages => Some(&Images),
        Format::AzureImages => Some(&AzureImages),
        Format::OpenAiAudio => Some(&audio::OPENAI),
        Format::OpenAiWhisper => Some(&audio::WHISPER),
        Format::PlainAudio => Some(&audio::PLAIN),
        Format::MistralAudio => Some(&audio::MISTRAL),
        Format::DeepgramListen => Some(&voice::deepgram::Deepgram),
        Format::ElevenLabs => Some(&voice::elevenlabs::ElevenLabs),
        Format::AzureSpeech => Some(&voice::azure::AzureSpeech),
        Format::MiniMaxSpeech => Some(&voice::minimax::MiniMax),
        Format::MistralSpeech => Some(&voice::mistral::MistralSpeech),
        Format::RunwaySpeech => Some(&voice::runway::RunwaySpeech),
        Format::GoogleSpeech => Some(&voice::google::CloudSpeech),
        Format::GeminiSpeech => Some(&voice::google::GeminiSpeech),
        Format::LyriaPredict => Some(&voice::lyria::PREDICT),
        Format::LyriaInteractions => Some(&voice::lyria::INTERACTIONS),
        Format::Soniox => Some(&voice::soniox::Soniox),
        Format::AssemblyAi => Some(&voice::assemblyai::AssemblyAi),
        Format::OpenAiModerations => Some(&Moderations),
        Format::CohereRerank => Some(&rerank::COHERE),
        Format::JinaRerank => Some(&rerank::JINA),
        Format::InfinityRerank => Some(&rerank::INFINITY),
        Format::VllmRerank => Some(&rerank::VLLM),
        Format::VoyageRerank => Some(&rerank::VOYAGE),
        Format::FireworksRerank => Some(&rerank::FIREWORKS),
        Format::TeiRerank => Some(&rerank::TEI),
        Format::NimRerank => Some(&rerank::NIM),
        Format::DeepInfraRerank => Some(&rerank::DEEPINFRA),
        Format::WatsonxRerank => Some(&rerank::WATSONX),
        Format::GoogleRerank => Some(&rerank::GOOGLE),
        Format::AimlImages => Some(&images::aiml::Aiml),
        Format::StabilityImages => Some(&images::stability::Stability),
        Format::RecraftImages => Some(&images::recraft::Recraft),
        Format::FalImages => Some(&images::fal::Fal),
        Format::BflImages => Some(&images::bfl::Bfl),
        Format::RunwayImages => Some(&images::runway::Runway),
        Format::TopazImages => Some(&images::topaz::Topaz),
        Format::ChatImages => Some(&images::chat::ChatImages),
        Format::QwenImages => Some(&images::qwen::Qwen),
        Format::Flux2Images => Some(&images::foundry::Flux2),
        Format::GeminiImagen => Some(&images::google::GeminiImagen),
        Format::VertexImagen => Some(&images::google::VertexImagen),
        Format::GeminiImages => Some(&images::google::GEMINI_IMAGES),
        Format::VertexImages => Some(&images::google::VERTEX_IMAGES),
        Format::MaiImages => Some(&images::foundry::Mai),
        Format::BedrockImages => Some(&bedrock::images::Images),
        Format::BedrockRerank => Some(&bedrock::rerank::Rerank),
        Format::AwsPolly => Some(&Polly),
        Format::MistralOcr => Some(&ocr::mistral::MISTRAL),
        Format::MistralOcrInline => Some(&ocr::mistral::INLINE),
        Format::AzureDocumentOcr => Some(&ocr::document_intelligence::DocumentIntelligence),
        Format::ChatOcr => Some(&ocr::chat::ChatOcr),
        Format::ReductoParse => Some(&ocr::reducto::Reducto),
        Format::Textract => Some(&ocr::textract::Textract),
        Format::AgentCoreSearch => Some(&search::agentcore::AgentCore),
        Format::BingGrounding => Some(&search::bing::Bing),
        Format::DuckDuckGo => Some(&search::duckduckgo::DuckDuckGo),
        Format::OpenAiVideos => Some(&videos::openai::FORM),
        Format::JsonVideos => Some(&videos::openai::JSON),
        Format::GeminiVideos => Some(&videos::veo::STUDIO),
        Format::VertexVideos => Some(&videos::veo::VERTEX),
        Format::RunwayVideos => Some(&videos::runway::RunwayVideos),
        Format::FalVideos => Some(&videos::fal::FalVideos),
        other => search::of(other).map(|house| house as &'static dyn TaskCodec),
    }
}
