//! One request of a file, judged as the call that it stands for.

use bytes::Bytes;
use http::Method;
use llm_guardrails::{Direction, GuardLog, Guards, Mode, RunStatus, has_texts};
use llm_types::{Error, Format, Json, Kind, OperationKind, Result};
use llm_wire::RequestView;
use llm_wire::top::Top;

use crate::flow::Context;
use crate::pass::once::names_stand_once;
use crate::routes::{self, Action};
use crate::{guard, safety};

/// A line of a file.
pub(super) struct Line {
    /// Which one, from 1.
    pub(super) number: usize,
    /// With the line break behind it.
    pub(super) bytes: Bytes,
}

/// What becomes of it.
pub(super) enum Verdict {
    /// It is no request.
    Blank,
    /// It goes on as it is.
    Pass,
    /// It goes on as this.
    Masked { custom_id: Option<String>, text: Bytes },
    /// It does not go on.
    Dropped { custom_id: Option<String>, guardrail: Option<String> },
}

/// Who judges.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    /// The upload.
    pub(super) ctx: &'a Context,
    /// The model group that gets the file.
    pub(super) group: Option<&'a str>,
    /// The requests are in the provider's own words.
    pub(super) native: bool,
}

impl Judge<'_> {
    /// Bytes of a line at the most: those of a call.
    pub(super) fn longest(&self) -> usize {
        self.ctx.snapshot.settings.max_request_bytes
    }

    /// Judges a line.
    ///
    /// # Errors
    /// 400 for one that cannot be judged; what a guardrail fails with. Both name the line.
    pub(super) async fn rule(&self, line: &Line) -> Result<Verdict> {
        self.request(line).await.map_err(|mut error| {
            error.message = format!("line {} of the file: {}. The file was not passed on", line.number, error.message);
            error.param.get_or_insert_with(|| "file".to_owned());
            error
        })
    }

    async fn request(&self, line: &Line) -> Result<Verdict> {
        let raw = line.bytes.trim_ascii();
        if raw.is_empty() {
            return Ok(Verdict::Blank);
        }
        let top = Top::parse(raw)?;
        let body = top.get("body").filter(|body| body.starts_with('{'));
        let asked = body.map(|body| Top::parse(body.as_bytes())).transpose()?;
        let model = asked.as_ref().and_then(|asked| asked.str("model")).unwrap_or_default();
        let models: Vec<&str> = [Some(&*model), self.group].into_iter().flatten().filter(|m| !m.is_empty()).collect();
        let log = GuardLog::default();
        let guards = guard::open_line(self.ctx, &models, &log)?;
        if !guards.has(Mode::PreCall) && !guards.has(Mode::DuringCall) {
            return Ok(Verdict::Pass);
        }
        if self.native {
            let why = "guardrails cannot judge requests in a provider's own words";
            return Err(Error::bad_request(why).with_param("passthrough"));
        }
        let (Some(body), Some(asked)) = (body, asked) else { return Err(Error::bad_request("its body is no object")) };
        if !names_stand_once(raw) {
            return Err(Error::bad_request("a name stands twice"));
        }
        safety::beside(&asked)?;
        let (operation, format) = shape(top.str("url").as_deref(), &asked).ok_or_else(|| {
            Error::bad_request(
                "guardrails cannot judge it: its url is none of theirs, and it has no messages, prompt or input",
            )
        })?;
        let judged = judged(&guards, operation, format, body).await;
        self.ctx.guard_log.get_or_init(GuardLog::default).absorb(&log);
        let custom_id = custom_id(&top);
        match judged {
            Ok(None) => Ok(Verdict::Pass),
            Ok(Some(body)) => Ok(Verdict::Masked { custom_id, text: top.edited(&[("body", Some(&body))]) }),
            // It said no. What it cannot say of a request holds the whole file up.
            Err(error) if error.kind == Kind::Guardrail && error.status() < 500 => {
                let stopped = log.records().into_iter().rev().find(|r| r.status == RunStatus::GuardrailIntervened);
                Ok(Verdict::Dropped { custom_id, guardrail: stopped.map(|record| record.name) })
            }
            Err(error) => Err(error),
        }
    }
}

/// The body as it may go on, where it is another one.
async fn judged(guards: &Guards, operation: OperationKind, format: Format, body: &str) -> Result<Option<String>> {
    let text = |bytes: Bytes| String::from_utf8(bytes.into()).map_err(|e| Error::internal(e.to_string()));
    if !guard::is_conversation(operation) {
        let mut tree: Json = serde_json::from_str(body).map_err(|e| Error::bad_request(e.to_string()))?;
        let outcome = guards.before_task(operation, &mut tree).await?;
        guards.during_task(operation, &tree).await?;
        return Ok(outcome.changed.then(|| tree.to_string()));
    }
    let codec = llm_wire::registry::client_generate(format)
        .ok_or_else(|| Error::internal(format!("no codec for the format {format}")))?;
    let mut request = codec.decode_request(&RequestView { path: "", query: "", body: body.as_bytes() })?;
    let outcome = guards.before(&mut request).await?;
    guards.during(&request).await?;
    outcome.changed.then(|| guard::write(format, &request, body.len()).and_then(text)).transpose()
}

/// What a body is whose address says nothing.
const BODIES: [(&str, OperationKind, Format); 3] = [
    ("messages", OperationKind::Generate, Format::OpenAiChat),
    ("prompt", OperationKind::Generate, Format::OpenAiCompletions),
    ("input", OperationKind::Embed, Format::OpenAiEmbeddings),
];

/// What kind of call a request is: its address says so, else what its body has, as with LiteLLM.
fn shape(url: Option<&str>, body: &Top<'_>) -> Option<(OperationKind, Format)> {
    let by_url = url.and_then(|url| match routes::find(&Method::POST, path_of(url))?.action {
        Action::Call(operation, format) => Some((operation, format)),
        _ => None,
    });
    let judged = |operation| guard::is_conversation(operation) || has_texts(operation, Direction::Request);
    let by_body = || BODIES.iter().find(|(name, ..)| body.get(name).is_some()).map(|(_, of, format)| (*of, *format));
    by_url.filter(|(operation, format)| judged(*operation) && format.model_in_body()).or_else(by_body)
}

/// The path of an address, which may be a path alone.
fn path_of(url: &str) -> &str {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => url,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches('/')
}

/// The client's name of a request; numbers are told as texts.
fn custom_id(line: &Top<'_>) -> Option<String> {
    let raw = line.get("custom_id")?;
    let number = raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()).then(|| raw.to_owned());
    line.str("custom_id").map(std::borrow::Cow::into_owned).or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_known_by_address_or_by_what_they_have() {
        let of =
            |url: &str, body: &str| shape(Some(url).filter(|u| !u.is_empty()), &Top::parse(body.as_bytes()).unwrap());
        let chat = Some((OperationKind::Generate, Format::OpenAiChat));
        assert_eq!(of("/v1/chat/completions", "{}"), chat);
        assert_eq!(of("https://host.example/v1/chat/completions/?a=b", "{}"), chat);
        assert_eq!(of("/v1/responses", r#"{"input":"a"}"#), Some((OperationKind::Generate, Format::OpenAiResponses)));
        assert_eq!(of("/v1/embeddings", r#"{"messages":[]}"#).unwrap().0, OperationKind::Embed);
        assert_eq!(of("/v1/moderations", "{}").unwrap().0, OperationKind::Moderate);
        assert_eq!(of("/elsewhere", r#"{"messages":[],"prompt":""}"#), chat);
        assert_eq!(of("", r#"{"prompt":""}"#), Some((OperationKind::Generate, Format::OpenAiCompletions)));
        assert_eq!(of("/v1/files", r#"{"input":""}"#).unwrap().0, OperationKind::Embed);
        assert_eq!(of("http://[", "{}"), None);
        let id = |line: &str| custom_id(&Top::parse(line.as_bytes()).unwrap());
        assert_eq!((id(r#"{"custom_id":"a"}"#), id(r#"{"custom_id":7}"#)), (Some("a".into()), Some("7".into())));
        assert_eq!((id(r#"{"custom_id":null}"#), id("{}")), (None, None));
    }
}
