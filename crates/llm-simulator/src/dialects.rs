//! Which folder speaks for a dialect.

use http::HeaderMap;

use crate::faults::Fault;
use crate::prompt::Prompt;
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::route::{Dialect, Operation};
use crate::server::State;
use crate::service::Call;
use crate::{anthropic, bedrock, cohere, gemini, ollama, openai};

/// What a request asks for, read without complaining.
pub(crate) fn prompt(call: &Call<'_>) -> Prompt {
    match call.route.dialect {
        Dialect::Anthropic => anthropic::prompt(call),
        Dialect::Gemini => gemini::prompt(call),
        Dialect::Bedrock => bedrock::prompt(call),
        Dialect::Ollama => ollama::prompt(call),
        Dialect::Cohere => cohere::prompt(call),
        Dialect::OpenAi | Dialect::Azure => openai::prompt(call),
    }
}

/// The reply of a healthy service, or its complaint about the request.
pub(crate) fn answer(call: &Call<'_>, state: &State) -> Reply {
    match call.route.dialect {
        Dialect::Anthropic => anthropic::answer(call, state),
        Dialect::Gemini => gemini::answer(call),
        Dialect::Bedrock => bedrock::answer(call),
        Dialect::Ollama => ollama::answer(call),
        Dialect::Cohere => cohere::answer(call),
        Dialect::OpenAi | Dialect::Azure => openai::answer(call),
    }
}

pub(crate) fn unknown_path(method: &str, path: &str, dialect: Dialect) -> Reply {
    match dialect {
        Dialect::Anthropic => anthropic::errors::unknown_path(),
        Dialect::Gemini => gemini::errors::unknown_path(),
        Dialect::Bedrock => bedrock::errors::unknown_path(),
        Dialect::Ollama => ollama::errors::unknown_path(),
        Dialect::Cohere => cohere::errors::unknown_path(),
        Dialect::OpenAi | Dialect::Azure => openai::errors::unknown_path(method, path, dialect),
    }
}

pub(crate) fn unreadable(dialect: Dialect) -> Reply {
    match dialect {
        Dialect::Anthropic => anthropic::errors::unreadable(),
        Dialect::Gemini => gemini::errors::unreadable(),
        Dialect::Bedrock => bedrock::errors::unreadable(),
        Dialect::Ollama => ollama::errors::unreadable(),
        Dialect::Cohere => cohere::errors::unreadable(),
        Dialect::OpenAi | Dialect::Azure => openai::errors::unreadable(dialect),
    }
}

/// The key a request was sent with. Of an AWS signature that is the access key id; the signature is not verified.
pub(crate) fn key<'a>(dialect: Dialect, headers: &'a HeaderMap, query: &'a str) -> Option<&'a str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text("authorization");
    let bearer = authorization.and_then(|value| value.strip_prefix("Bearer "));
    match dialect {
        Dialect::OpenAi | Dialect::Ollama | Dialect::Cohere => bearer,
        Dialect::Azure => text("api-key").or(bearer),
        Dialect::Anthropic => text("x-api-key").or(bearer),
        Dialect::Gemini => {
            let in_query = || query.split('&').find_map(|pair| pair.strip_prefix("key="));
            text("x-goog-api-key").or(bearer).or_else(in_query)
        }
        Dialect::Bedrock => bearer.or_else(|| authorization?.split_once("Credential=")?.1.split('/').next()),
    }
}

/// The complaint about a missing or wrong key.
pub(crate) fn unauthorized(dialect: Dialect, given: Option<&str>) -> Reply {
    match dialect {
        Dialect::Anthropic => anthropic::errors::unauthorized(given.is_some()),
        Dialect::Gemini => gemini::errors::unauthorized(given.is_some()),
        Dialect::Bedrock => bedrock::errors::unauthorized(given.is_some()),
        Dialect::Ollama => ollama::errors::unauthorized(),
        Dialect::Cohere => cohere::errors::unauthorized(given.is_some()),
        Dialect::OpenAi | Dialect::Azure => openai::errors::unauthorized(dialect, given),
    }
}

/// The status faults.
pub(crate) fn fault(fault: Fault, dialect: Dialect, message: Option<&str>, model: &str) -> Reply {
    match dialect {
        Dialect::Anthropic => anthropic::errors::fault(fault, message, model),
        Dialect::Gemini => gemini::errors::fault(fault, message, model),
        Dialect::Bedrock => bedrock::errors::fault(fault, message, model),
        Dialect::Ollama => ollama::errors::fault(fault, message, model),
        Dialect::Cohere => cohere::errors::fault(fault, message, model),
        Dialect::OpenAi | Dialect::Azure => openai::errors::fault(fault, dialect, message, model),
    }
}

pub(crate) fn bad_script(why: &str, dialect: Dialect) -> Reply {
    match dialect {
        Dialect::Anthropic => anthropic::errors::bad_script(why),
        Dialect::Gemini => gemini::errors::bad_script(why),
        Dialect::Bedrock => bedrock::errors::bad_script(why),
        Dialect::Ollama => ollama::errors::bad_script(why),
        Dialect::Cohere => cohere::errors::bad_script(why),
        Dialect::OpenAi | Dialect::Azure => openai::errors::bad_script(why, dialect),
    }
}

/// The error inside a stream.
pub(crate) fn event(call: &Call<'_>, message: Option<&str>) -> Frame {
    match call.route.dialect {
        Dialect::Anthropic => Frame::new(FrameKind::Frame, anthropic::errors::event(message)),
        Dialect::Gemini => gemini::errors::event(call, message),
        Dialect::Bedrock => bedrock::errors::event(call, message),
        Dialect::Ollama => ollama::errors::event(message),
        Dialect::Cohere => cohere::errors::event(message),
        Dialect::OpenAi | Dialect::Azure if call.route.operation == Operation::Responses => {
            Frame::new(FrameKind::Frame, openai::responses::event(message))
        }
        Dialect::OpenAi | Dialect::Azure => Frame::new(FrameKind::Frame, openai::errors::event(message)),
    }
}

/// The same error as the whole body of a success.
pub(crate) fn error_body(dialect: Dialect, message: Option<&str>) -> String {
    let event = match dialect {
        Dialect::Anthropic => anthropic::errors::event(message),
        Dialect::Gemini => return gemini::errors::body(message),
        Dialect::Bedrock => return bedrock::errors::body(message),
        Dialect::Ollama => return ollama::errors::body(message),
        Dialect::Cohere => return cohere::errors::body(message),
        Dialect::OpenAi | Dialect::Azure => openai::errors::event(message),
    };
    event.split_once("data: ").map_or("", |(_, json)| json.trim_end()).to_owned()
}

/// What an answer of the right kind would be labelled.
pub(crate) fn content_type(call: &Call<'_>) -> &'static str {
    match call.route.dialect {
        _ if !call.prompt.stream => "application/json",
        Dialect::Bedrock => bedrock::STREAM_TYPE,
        Dialect::Ollama => ollama::STREAM_TYPE,
        Dialect::Gemini if !gemini::as_events(call) => "application/json",
        _ => "text/event-stream",
    }
}

/// Gemini puts an error into a list where a list was asked for.
pub(crate) fn enclosed(mut reply: Reply, call: &Call<'_>) -> Reply {
    if call.route.dialect == Dialect::Gemini
        && call.prompt.stream
        && !gemini::as_events(call)
        && let Payload::Whole(bytes) = &reply.payload
        && bytes.starts_with(b"{")
    {
        reply.payload = Payload::Whole([b"[", bytes.as_ref(), b"]"].concat().into());
    }
    reply
}
