use std::fmt;

/// Names every format once: the enum, the list of all, their names.
macro_rules! formats {
    ($( $(#[$doc:meta])* $format:ident = $name:literal, )*) => {
        /// A language that requests and answers are written in. A provider speaks one or more of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Format {
            $( $(#[$doc])* $format, )*
        }

        impl Format {
            /// Every format.
            pub const ALL: &'static [Self] = &[$( Self::$format, )*];

            /// The name used in tables, logs and fixtures.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$format => $name, )*
                }
            }
        }
    };
}

formats! {
    /// OpenAI `POST /v1/chat/completions`.
    OpenAiChat = "openai-chat",
    /// OpenAI `POST /v1/responses`.
    OpenAiResponses = "openai-responses",
    /// OpenAI legacy `POST /v1/completions`.
    OpenAiCompletions = "openai-completions",
    /// OpenAI `POST /v1/embeddings`.
    OpenAiEmbeddings = "openai-embeddings",
    /// Anthropic `POST /v1/messages`.
    AnthropicMessages = "anthropic-messages",
    /// Google `models/{model}:generateContent`.
    GeminiGenerate = "gemini-generate",
    /// Google `models/{model}:batchEmbedContents`.
    GeminiEmbed = "gemini-embed",
    /// Vertex AI `models/{model}:predict` for embeddings.
    VertexEmbed = "vertex-embed",
    /// Google AI Studio `models/{model}:predict` of Imagen.
    GeminiImagen = "gemini-imagen",
    /// Vertex AI `models/{model}:predict` of Imagen.
    VertexImagen = "vertex-imagen",
    /// Google `models/{model}:generateContent` of models that draw.
    GeminiImages = "gemini-images",
    /// The same at Vertex AI.
    VertexImages = "vertex-images",
    /// AWS Bedrock `model/{model}/converse`.
    BedrockConverse = "bedrock-converse",
    /// AWS Bedrock `model/{model}/invoke` of models that continue a text.
    BedrockText = "bedrock-text",
    /// The same, of models that never stream.
    BedrockTextWhole = "bedrock-text-whole",
    /// AWS Bedrock `model/{model}/invoke` for embeddings.
    BedrockEmbed = "bedrock-embed",
    /// AWS Bedrock `model/{model}/invoke` for pictures.
    BedrockImages = "bedrock-images",
    /// AWS Bedrock `POST /rerank`.
    BedrockRerank = "bedrock-rerank",
    /// AWS SageMaker `endpoints/{endpoint}/invocations` of a text generation container.
    SageMaker = "sagemaker-tgi",
    /// The same for embeddings.
    SageMakerEmbed = "sagemaker-embed",
    /// Amazon Polly `POST /v1/speech`.
    AwsPolly = "aws-polly",
    /// An agent of Amazon Bedrock: `InvokeAgent`.
    BedrockAgent = "bedrock-agent",
    /// An agent in a runtime of Amazon Bedrock AgentCore: `InvokeAgentRuntime`.
    AgentCoreRuntime = "agentcore-runtime",
    /// An agent of Vertex AI's agent engine: `reasoningEngines/{id}:streamQuery`.
    VertexAgent = "vertex-agent",
    /// Google Cloud Text-to-Speech `POST /v1/text:synthesize`.
    GoogleSpeech = "google-speech",
    /// Gemini's speech models by `generateContent`.
    GeminiSpeech = "gemini-speech",
    /// Google's Lyria by `predict`: music.
    LyriaPredict = "lyria-predict",
    /// Google's Lyria by `interactions`: music.
    LyriaInteractions = "lyria-interactions",
    /// Amazon Textract `DetectDocumentText`, `AnalyzeDocument`.
    Textract = "aws-textract",
    /// Reducto `POST /upload`, `POST /parse`.
    ReductoParse = "reducto-parse",
    /// Cohere `POST /v1/chat`.
    CohereChat = "cohere-chat",
    /// Cohere `POST /v2/chat`.
    CohereChatV2 = "cohere-chat-v2",
    /// Cohere `POST /v2/embed`.
    CohereEmbed = "cohere-embed",
    /// Ollama `POST /api/chat`.
    OllamaChat = "ollama-chat",
    /// Ollama `POST /api/generate`.
    OllamaGenerate = "ollama-generate",
    /// Ollama `POST /api/embed`.
    OllamaEmbed = "ollama-embed",
    /// Hugging Face text generation inference `POST /generate`.
    TgiGenerate = "tgi-generate",
    /// Hugging Face feature extraction, `POST /embed` of text embeddings inference.
    TeiEmbed = "tei-embed",
    /// IBM watsonx.ai `POST /ml/v1/text/generation`.
    WatsonxText = "watsonx-text",
    /// IBM watsonx.ai `POST /ml/v1/text/embeddings`.
    WatsonxEmbed = "watsonx-embed",
    /// NVIDIA Triton `models/{model}/generate` and `infer`.
    TritonGenerate = "triton-generate",
    /// NVIDIA Triton `models/{model}/infer` for embeddings.
    TritonEmbed = "triton-embed",
    /// NLP Cloud `{model}/generation`.
    NlpCloud = "nlp-cloud",
    /// Replicate `POST /v1/models/{model}/predictions`.
    Replicate = "replicate-predictions",
    /// Petals over HTTP.
    Petals = "petals-generate",
    /// Aleph Alpha `POST /complete`.
    AlephAlpha = "aleph-alpha",
    /// Bytez `POST /models/v2/{model}`.
    Bytez = "bytez-chat",
    /// GigaChat `POST /chat/completions`: functions, one call per answer.
    GigaChat = "gigachat-chat",
    /// GigaChat `POST /embeddings`.
    GigaChatEmbed = "gigachat-embed",
    /// SAP Generative AI Hub `POST /v2/completion`: a conversation inside a configuration.
    SapOrchestration = "sap-orchestration",
    /// SAP Generative AI Hub `POST /v2/embeddings`.
    SapEmbed = "sap-embed",
    /// OCI Generative AI `POST /20231130/actions/chat`, its generic language.
    OciChat = "oci-chat",
    /// The same path in the language of Cohere's models.
    OciCohere = "oci-cohere",
    /// OCI Generative AI `POST /20231130/actions/embedText`.
    OciEmbed = "oci-embed",
    /// Agents of the A2A protocol: JSON-RPC `message/send`, `message/stream`.
    A2a = "a2a-chat",
    /// LangGraph `POST /runs/wait`, `POST /runs/stream`.
    LangGraph = "langgraph-runs",
    /// Langflow `POST /api/v1/run/{flow}`.
    Langflow = "langflow-run",
    /// OpenAI `POST /v1/responses` of upstreams that answer only in streams.
    StreamedResponses = "streamed-responses",
    /// Anthropic `POST /v1/complete`: one prompt of two speakers.
    AnthropicComplete = "anthropic-complete",
    /// Snowflake Cortex `inference:embed`.
    SnowflakeEmbed = "snowflake-embed",
    /// OpenAI `POST /v1/images/generations`, `edits`, `variations`.
    OpenAiImages = "openai-images",
    /// The same as Azure answers it to LiteLLM's clients: size, quality and file format are always told.
    AzureImages = "azure-images",
    /// AI/ML API's images.
    AimlImages = "aiml-images",
    /// Stability AI `v2beta/stable-image`.
    StabilityImages = "stability-images",
    /// Recraft's images.
    RecraftImages = "recraft-images",
    /// fal.ai's images.
    FalImages = "fal-images",
    /// Black Forest Labs' images.
    BflImages = "bfl-images",
    /// RunwayML `text_to_image`.
    RunwayImages = "runway-images",
    /// Topaz Labs `image/v1/enhance`.
    TopazImages = "topaz-images",
    /// Images in answers of chat completions, as OpenRouter gives them.
    ChatImages = "chat-images",
    /// DashScope's multimodal generation.
    QwenImages = "qwen-images",
    /// FLUX.2 inside Azure AI Foundry.
    Flux2Images = "flux2-images",
    /// Microsoft's MAI inside Azure AI Foundry.
    MaiImages = "mai-images",
    /// OpenAI `POST /v1/audio/transcriptions`, `translations`, `speech`.
    OpenAiAudio = "openai-audio",
    /// OpenAI `POST /v1/moderations`.
    OpenAiModerations = "openai-moderations",
    /// Cohere `POST /v2/rerank`, which LiteLLM's own `/rerank` follows.
    CohereRerank = "cohere-rerank",
    /// Mistral `POST /v1/ocr`.
    MistralOcr = "mistral-ocr",
    /// The same at hosts that fetch no URL.
    MistralOcrInline = "mistral-ocr-inline",
    /// Azure Document Intelligence `documentModels/{model}:analyze`.
    AzureDocumentOcr = "azure-document-ocr",
    /// Documents read by a model of chat completions.
    ChatOcr = "chat-ocr",
    /// LiteLLM's `POST /v1/search/{tool}`.
    Search = "search",
    /// OpenAI `POST /v1/videos`.
    OpenAiVideos = "openai-videos",
    /// The same, asked in JSON.
    JsonVideos = "json-videos",
    /// Google `models/{model}:predictLongRunning`.
    GeminiVideos = "gemini-videos",
    /// The same in Vertex AI, looked at by `fetchPredictOperation`.
    VertexVideos = "vertex-videos",
    /// RunwayML's video tasks.
    RunwayVideos = "runway-videos",
    /// fal.ai's queue.
    FalVideos = "fal-videos",
    /// OpenAI's transcriptions where only `verbose_json` tells the duration by which they are billed.
    OpenAiWhisper = "openai-whisper",
    /// OpenAI's transcriptions with the file's type as the client named it and bare names of lists.
    PlainAudio = "plain-audio",
    /// Mistral `POST /v1/audio/transcriptions`.
    MistralAudio = "mistral-audio",
    /// The web search of Tavily.
    TavilySearch = "tavily-search",
    /// The web search of Exa.
    ExaSearch = "exa-search",
    /// The web search of Brave.
    BraveSearch = "brave-search",
    /// The web search of Serper.
    SerperSearch = "serper-search",
    /// The web search of Google's programmable engines.
    GooglePse = "google-pse",
    /// The web search of DataForSEO.
    DataForSeo = "dataforseo-search",
    /// The web search of Parallel.
    ParallelSearch = "parallel-search",
    /// The web search of SearXNG.
    SearXng = "searxng-search",
    /// The web search of Linkup.
    LinkupSearch = "linkup-search",
    /// The web search of Firecrawl.
    FirecrawlSearch = "firecrawl-search",
    /// The web search of fastCRW.
    FastCrwSearch = "fastcrw-search",
    /// The web search of You.com.
    YouSearch = "you-search",
    /// The web search of DuckDuckGo.
    DuckDuckGo = "duckduckgo-search",
    /// The web search of SearchApi.
    SearchApi = "searchapi-search",
    /// The web search of APISerpent.
    ApiSerpent = "apiserpent-search",
    /// The web search of TinyFish.
    TinyFish = "tinyfish-search",
    /// The web search of Nimble.
    NimbleSearch = "nimble-search",
    /// The web search of a gateway of Amazon Bedrock AgentCore, a tool of the Model Context Protocol.
    AgentCoreSearch = "agentcore-search",
    /// Microsoft Foundry's grounding with Bing, a tool of its Responses interface.
    BingGrounding = "bing-grounding",
    /// Deepgram `POST /v1/listen`.
    DeepgramListen = "deepgram-listen",
    /// ElevenLabs `POST /v1/speech-to-text`, `POST /v1/text-to-speech/{voice}`.
    ElevenLabs = "elevenlabs-audio",
    /// Azure's speech service: SSML in, sound out; and the other way round.
    AzureSpeech = "azure-speech",
    /// MiniMax `POST /v1/t2a_v2`.
    MiniMaxSpeech = "minimax-speech",
    /// Mistral `POST /v1/audio/speech`.
    MistralSpeech = "mistral-speech",
    /// RunwayML `POST /v1/text_to_speech`.
    RunwaySpeech = "runway-speech",
    /// Soniox `POST /v1/files`, `POST /v1/transcriptions`.
    Soniox = "soniox-audio",
    /// AssemblyAI `POST /v2/upload`, `POST /v2/transcript`.
    AssemblyAi = "assemblyai-audio",
    /// Jina `POST /v1/rerank`.
    JinaRerank = "jina-rerank",
    /// Infinity `POST /rerank`.
    InfinityRerank = "infinity-rerank",
    /// vLLM `POST /rerank`.
    VllmRerank = "vllm-rerank",
    /// Voyage `POST /v1/rerank`.
    VoyageRerank = "voyage-rerank",
    /// Fireworks `POST /rerank`.
    FireworksRerank = "fireworks-rerank",
    /// Hugging Face Text Embeddings Inference `POST /rerank`.
    TeiRerank = "tei-rerank",
    /// NVIDIA NIM `POST /v1/retrieval/{model}/reranking`, `/v1/ranking`.
    NimRerank = "nim-rerank",
    /// DeepInfra `POST /v1/inference/{model}`.
    DeepInfraRerank = "deepinfra-rerank",
    /// IBM watsonx `POST /ml/v1/text/rerank`.
    WatsonxRerank = "watsonx-rerank",
    /// Google `rankingConfigs/default_ranking_config:rank`.
    GoogleRerank = "google-rerank",
}

impl Format {
    /// True where a request's body names the model; elsewhere the path does.
    #[must_use]
    pub const fn model_in_body(self) -> bool {
        !matches!(
            self,
            Self::GeminiGenerate
                | Self::GeminiEmbed
                | Self::VertexEmbed
                | Self::GeminiImagen
                | Self::VertexImagen
                | Self::GeminiImages
                | Self::VertexImages
                | Self::BedrockConverse
                | Self::BedrockText
                | Self::BedrockTextWhole
                | Self::BedrockEmbed
                | Self::SageMaker
                | Self::SageMakerEmbed
                | Self::CohereChat
                | Self::TgiGenerate
                | Self::TeiEmbed
                | Self::WatsonxText
                | Self::TritonGenerate
                | Self::NlpCloud
                | Self::Replicate
                | Self::Bytez
                | Self::SapOrchestration
                | Self::SapEmbed
                | Self::OciChat
                | Self::OciCohere
                | Self::OciEmbed
                | Self::A2a
                | Self::LangGraph
                | Self::Langflow
                | Self::BedrockAgent
                | Self::AgentCoreRuntime
                | Self::VertexAgent
        )
    }

    /// The format of a name, see [`Self::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|f| f.name() == name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
