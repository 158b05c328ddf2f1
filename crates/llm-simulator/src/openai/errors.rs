//! Error bodies of OpenAI and Azure OpenAI.

use crate::dialects::Complaints;
use crate::faults::Fault;
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::route::{Dialect, Operation};
use crate::service::Call;
use crate::template::{fill, quote, quote_or_null};

use super::{frames, responses};

const FAILED: &str = "The server had an error while processing your request. Sorry about that!";

/// One error as the service words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) message: String,
    pub(super) param: Option<String>,
    pub(super) code: Option<&'static str>,
}

impl ApiError {
    /// A 400 about the request.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { status: 400, kind: "invalid_request_error", message: message.into(), param: None, code: None }
    }

    pub(super) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(super) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The reply of the service.
    pub(super) fn reply(&self, dialect: Dialect) -> Reply {
        let message = quote(&self.message);
        let code = quote_or_null(self.code);
        let body = match dialect {
            Dialect::Azure if self.code == Some("content_filter") => {
                fill(frames::AZURE_FILTERED, &[("message", &message)])
            }
            // errors of the service around the model know only a code and a message
            Dialect::Azure if self.status != 400 => {
                fill(frames::AZURE_ERROR, &[("code", &code), ("message", &message)])
            }
            _ => {
                let template = if dialect == Dialect::Azure { frames::AZURE_INVALID } else { frames::ERROR };
                let (kind, param) = (quote(self.kind), quote_or_null(self.param.as_deref()));
                fill(template, &[("message", &message), ("type", &kind), ("param", &param), ("code", &code)])
            }
        };
        let headers = vec![("content-type", "application/json".to_owned())];
        Reply { status: self.status, headers, payload: Payload::Whole(body.into()) }
    }
}

/// How these services complain.
#[derive(Debug)]
pub(super) struct Errors(pub(super) Dialect);

impl Complaints for Errors {
    fn fault(&self, fault: Fault, message: Option<&str>, model: &str) -> Reply {
        let azure = self.0 == Dialect::Azure;
        let mut problem = match fault {
        Fault::Context => ApiError::invalid(
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 140012 tokens. \
             Please reduce the length of the messages.",
        )
        .param("messages")
        .code("context_length_exceeded"),
        Fault::Policy if azure => ApiError::invalid(
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please \
             modify your prompt and retry.",
        )
        .code("content_filter"),
        Fault::Policy => ApiError::invalid(
            "Your request was rejected as a result of our safety system. Your prompt may contain text that is not \
             allowed by our safety system.",
        )
        .code("content_policy_violation"),
        Fault::Quota => ApiError {
            kind: "insufficient_quota",
            code: Some("insufficient_quota"),
            ..ApiError::invalid(
                "You exceeded your current quota, please check your plan and billing details. For more information on \
                 this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
            )
            .status(429)
        },
        Fault::Status(status) if azure => azure_status(status, model),
        Fault::Status(status) => openai_status(status, model),
        _ => openai_status(500, model),
    };
        if let Some(message) = message {
            message.clone_into(&mut problem.message);
        }
        problem.reply(self.0)
    }

    fn unauthorized(&self, given: Option<&str>) -> Reply {
        let problem = match (self.0, given) {
        (Dialect::Azure, _) => azure_status(401, ""),
        (_, Some(key)) => ApiError::invalid(wrong_key(key)).status(401).code("invalid_api_key"),
        (_, None) => ApiError::invalid(
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer \
             auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're \
             accessing the API from your browser and are prompted for a username and password. You can obtain an API \
             key from https://platform.openai.com/account/api-keys.",
        )
        .status(401),
    };
        problem.reply(self.0)
    }

    fn unknown_path(&self, method: &str, path: &str) -> Reply {
        if self.0 == Dialect::Azure {
            let problem = ApiError { code: Some("404"), ..ApiError::invalid("Resource not found").status(404) };
            return problem.reply(self.0);
        }
        ApiError::invalid(format!("Invalid URL ({method} {path})")).status(404).reply(self.0)
    }

    fn unreadable(&self) -> Reply {
        ApiError::invalid(
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library \
         correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
    )
    .reply(self.0)
    }

    fn bad_script(&self, why: &str) -> Reply {
        ApiError::invalid(format!("simulator: {why}")).code("sim_script").reply(self.0)
    }

    fn body(&self, message: Option<&str>) -> String {
        fill(frames::ERROR_EVENT, &[("message", &quote(message.unwrap_or(FAILED)))])
    }

    fn event(&self, call: &Call<'_>, message: Option<&str>) -> Frame {
        let text = if call.route.operation == Operation::Responses {
            responses::event(message)
        } else {
            format!("data: {}\n\n", self.body(message))
        };
        Frame::new(FrameKind::Frame, text)
    }
}

fn openai_status(status: u16, model: &str) -> ApiError {
    let known = |kind: &'static str, code: Option<&'static str>, message: String| ApiError {
        status,
        kind,
        message,
        param: None,
        code,
    };
    match status {
        401 => known("invalid_request_error", Some("invalid_api_key"), wrong_key("sk-wrong")),
        403 => known(
            "invalid_request_error",
            Some("model_not_found"),
            format!("Project `proj_sim` does not have access to model `{model}`"),
        ),
        404 => unknown_model(model),
        429 => known(
            "requests",
            Some("rate_limit_exceeded"),
            format!(
                "Rate limit reached for {model} in organization sim-org on requests per min (RPM): Limit 3, Used 3, \
                 Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn \
                 more."
            ),
        ),
        500 => known(
            "server_error",
            None,
            "The server had an error while processing your request. Sorry about that!".to_owned(),
        ),
        503 => known("server_error", None, "The engine is currently overloaded, please try again later".to_owned()),
        400 | 402 | 405..=428 | 430..=499 => {
            known("invalid_request_error", None, format!("The request failed with status {status}."))
        }
        _ => known("server_error", None, format!("The server failed with status {status}.")),
    }
}

fn azure_status(status: u16, model: &str) -> ApiError {
    let (code, message) = match status {
        401 => (
            "401",
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for \
             an active subscription and use a correct regional API endpoint for your resource.",
        ),
        404 => (
            "DeploymentNotFound",
            "The API deployment for this resource does not exist. If you created the deployment within the last 5 \
             minutes, please wait a moment and try again.",
        ),
        429 => (
            "429",
            "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded \
             call rate limit of your current OpenAI S0 pricing tier. Please retry after 1 second. Please go here: \
             https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.",
        ),
        500 => ("500", "The server had an error while processing your request. Sorry about that!"),
        503 => ("503", "The service is temporarily unable to process your request. Please try again later."),
        _ => return openai_status(status, model),
    };
    ApiError { code: Some(code), ..ApiError::invalid(message).status(status) }
}

pub(super) fn unknown_model(model: &str) -> ApiError {
    ApiError::invalid(format!("The model `{model}` does not exist or you do not have access to it."))
        .status(404)
        .code("model_not_found")
}

fn wrong_key(key: &str) -> String {
    // the service shows the first and last characters and stars between
    let chars: Vec<char> = key.chars().collect();
    let shown = if chars.len() > 12 {
        let head: String = chars.iter().take(8).collect();
        let tail: String = chars.iter().skip(chars.len() - 4).collect();
        format!("{head}{}{tail}", "*".repeat(chars.len() - 12))
    } else {
        key.to_owned()
    };
    format!(
        "Incorrect API key provided: {shown}. You can find your API key at https://platform.openai.com/account/api-keys."
    )
}
