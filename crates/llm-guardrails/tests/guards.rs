//! Which guardrails run, what they see of requests and answers, and what becomes of failures.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use llm_guardrails::{
    CallContext, Content, ContentFilter, Direction, Guardrail, GuardrailConfig, GuardrailSession, GuardrailSet, Guards,
    Mode, Modes, RunStatus, Scope, TextGate, ToolOutcome, Verdict, Wanted, texts_mut,
};
use llm_types::generate::{
    Choice, FileRef, GenerateRequest, GenerateResponse, MediaSource, Part, PartKind, Role, ToolCall, ToolResult, Turn,
};
use llm_types::record::Caller;
use llm_types::{Error, Extra, Format, Kind, RawJson};

fn filter(name: &str, mode: &str, default_on: bool, action: &str) -> Arc<dyn Guardrail> {
    let config = format!(
        r#"{{"guardrail_name":"{name}","litellm_params":{{"guardrail":"litellm_content_filter","mode":"{mode}","default_on":{default_on},
            "blocked_words":[{{"keyword":"canary","action":"{action}"}}]}}}}"#
    );
    let config: GuardrailConfig = serde_json::from_str(&config).unwrap();
    Arc::new(ContentFilter::from_config(&config).unwrap())
}

fn open(set: &GuardrailSet, wanted: &Wanted) -> Guards {
    set.open(wanted, &CallContext::new("c", "m", &Caller::default()))
}

fn asked(json: &str) -> Wanted {
    let mut wanted = Wanted::default();
    wanted.request_json(json).unwrap();
    wanted
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

fn says(text: &str) -> GenerateRequest {
    GenerateRequest { turns: vec![Turn::text(Role::User, text)], ..GenerateRequest::default() }
}

#[test]
fn tools_are_judged_by_their_own_modes() {
    let set = GuardrailSet::new([
        filter("before", "pre_mcp_call", true, "MASK"),
        filter("during", "during_mcp_call", true, "BLOCK"),
        filter("after", "post_mcp_call", true, "MASK"),
        filter("models", "pre_call", true, "BLOCK"),
    ]);
    let guards = open(&set, &Wanted::default());
    let mut arguments = RawJson::parse(r#"{"a":["canary",1.50],"canary":2}"#).unwrap();
    assert!(now(guards.during_tool(&arguments)).is_err());
    let outcome = now(guards.before_tool(&mut arguments)).unwrap();
    assert_eq!((outcome.changed, outcome.ran), (true, vec!["before".to_owned()]));
    assert!(!arguments.get().contains("canary") && arguments.get().contains("1.5"), "{}", arguments.get());
    assert!(now(guards.during_tool(&arguments)).is_ok());

    let result = r#"{"content":[{"type":"text","text":"canary"},{"type":"canary","data":"canary"},
        {"type":"resource","resource":{"uri":"u","text":"canary"}}],"structuredContent":{"x":"canary"}}"#;
    let mut result = ToolOutcome(serde_json::from_str(result).unwrap());
    assert!(now(guards.after_tool(&mut result)).unwrap().changed);
    let told = result.0.to_string();
    assert_eq!(told.matches("canary").count(), 2, "what frames the texts stays: {told}");
}

#[test]
fn defaults_run_unless_opted_out_and_others_when_asked_for() {
    let set = GuardrailSet::new([filter("on", "pre_call", true, "MASK"), filter("off", "pre_call", false, "MASK")]);
    let ran = |wanted: &Wanted| now(open(&set, wanted).before(&mut says("x"))).unwrap().ran;
    assert_eq!(ran(&Wanted::default()), ["on"]);
    assert_eq!(ran(&asked(r#"["off","unknown","off"]"#)), ["on", "off"]);
    assert_eq!(ran(&asked(r#"[{"off":{"extra_body":{}}}]"#)), ["on", "off"]);
    assert_eq!(ran(&asked("null")), ["on"]);
    let out = Wanted { opted_out: vec!["on".to_owned()], ..Wanted::default() };
    assert!(ran(&out).is_empty() && open(&set, &out).is_empty());
    let none = Wanted { disable_global: true, ..asked(r#"["on"]"#) };
    assert_eq!(ran(&none), ["on"], "asking beats opting out");
    assert!(ran(&Wanted { disable_global: true, ..Wanted::default() }).is_empty());
    for wrong in [r#""off""#, "{}", "[1]", "x"] {
        assert_eq!(Wanted::default().request_json(wrong).unwrap_err().status(), 400);
    }
}

#[test]
fn guardrails_of_one_name_take_turns() {
    let set = GuardrailSet::new([filter("a", "pre_call", true, "MASK"), filter("a", "pre_call", true, "BLOCK")]);
    let outcomes: Vec<bool> =
        (0..4).map(|_| now(open(&set, &Wanted::default()).before(&mut says("canary"))).is_ok()).collect();
    assert_eq!(outcomes, [true, false, true, false]);
    let modes = GuardrailSet::new([filter("a", "pre_call", true, "MASK"), filter("a", "post_call", true, "MASK")]);
    let guards = open(&modes, &Wanted::default());
    assert!(guards.has(Mode::PreCall) && guards.has(Mode::PostCall));
}

/// A request with a text in every place that has one.
fn everywhere() -> GenerateRequest {
    let raw = |text: &str| RawJson::parse(text).unwrap();
    let mut odd = Part::text("t1");
    odd.extra = Extra::new(Format::OpenAiChat);
    odd.extra.push(Format::OpenAiChat, "odd", raw(r#"{"k1":["t2",3]}"#));
    let parts = vec![
        odd,
        Part::new(PartKind::Text { text: "t3".into(), citations: vec![raw(r#"{"k2":"t4"}"#)] }),
        Part::new(PartKind::Thinking { text: "t5".into(), signature: Some("sig".into()) }),
        Part::new(PartKind::Refusal("t6".into())),
        Part::new(PartKind::ToolCall(ToolCall {
            id: "i".into(),
            name: "n".into(),
            arguments: r#"{"k3":"\u0074\u0037"}"#.into(),
        })),
        Part::new(PartKind::ToolResult(ToolResult { parts: vec![Part::text("t8")], ..ToolResult::default() })),
        Part::new(PartKind::File(FileRef { source: MediaSource::Text("t9".into()), ..FileRef::default() })),
        Part::new(PartKind::Opaque { format: Format::AnthropicMessages, json: raw(r#"{"k4":"ta"}"#) }),
    ];
    let mut request = GenerateRequest {
        turns: vec![Turn::text(Role::System, "tb"), Turn::of(Role::User, parts), Turn::text(Role::Tool, "tc")],
        ..GenerateRequest::default()
    };
    request.extra.push(Format::OpenAiChat, "metadata", raw(r#"{"x":"not read by models"}"#));
    request.extra.push(Format::OpenAiChat, "prediction", raw(r#"{"content":"td"}"#));
    request
}

#[test]
fn every_text_of_a_request_is_seen() {
    let mut seen = Vec::new();
    texts_mut(&mut everywhere(), |t| seen.push(t.clone()));
    let texts: Vec<_> = seen.iter().filter(|t| t.starts_with('t')).map(String::as_str).collect();
    let places: Vec<_> = "tb t1 t2 t3 t4 t5 t6 t7 t8 t9 ta tc td".split(' ').collect();
    let (mut got, mut want) = (texts.clone(), places);
    got.sort_unstable();
    want.sort_unstable();
    assert_eq!(got, want, "{texts:?}");
    assert!(!seen.iter().any(|t| t.contains("not read")));
}

#[test]
fn a_canary_in_any_place_is_found_and_masked() {
    let block = GuardrailSet::new([filter("w", "pre_call", true, "BLOCK")]);
    let mask = GuardrailSet::new([filter("w", "pre_call", true, "MASK")]);
    let mut count = 0;
    texts_mut(&mut everywhere(), |_| count += 1);
    for place in 0..count {
        let mut request = everywhere();
        let mut n = 0;
        texts_mut(&mut request, |t| {
            if n == place {
                t.push_str(" CANARY");
            }
            n += 1;
        });
        let error = now(open(&block, &Wanted::default()).before(&mut request.clone())).unwrap_err();
        assert_eq!((error.kind, error.status()), (Kind::Guardrail, 400));
        assert_eq!(error.message, "Content blocked: keyword 'canary' detected");
        let outcome = now(open(&mask, &Wanted::default()).before(&mut request)).unwrap();
        assert!(outcome.changed, "{place}");
        let text = format!("{request:?}");
        assert!(!text.to_lowercase().contains("canary") && text.contains("[KEYWORD_REDACTED]"), "{place}: {text}");
    }
    let mut clean = everywhere();
    let outcome = now(open(&mask, &Wanted::default()).before(&mut clean)).unwrap();
    assert!(!outcome.changed);
    assert_eq!(format!("{clean:?}"), format!("{:?}", everywhere()), "what is not touched keeps its bytes");
}

#[test]
fn scopes_leave_turns_out() {
    for (scope, turn) in [
        (Scope { skip_system: true, skip_tool: false }, Turn::text(Role::System, "canary")),
        (Scope { skip_system: false, skip_tool: true }, Turn::text(Role::Tool, "canary")),
    ] {
        let set = |scope| GuardrailSet::new([filter("w", "pre_call", true, "BLOCK")]).with_scope(scope);
        let request = GenerateRequest { turns: vec![turn], ..GenerateRequest::default() };
        assert!(now(open(&set(scope), &Wanted::default()).before(&mut request.clone())).is_ok());
        assert!(now(open(&set(Scope::default()), &Wanted::default()).before(&mut request.clone())).is_err());
    }
}

#[test]
fn during_blocks_only_and_after_edits_answers() {
    let set = GuardrailSet::new([filter("d", "during_call", true, "MASK"), filter("p", "post_call", true, "MASK")]);
    let guards = open(&set, &Wanted::default());
    assert_eq!(now(guards.during(&says("canary"))).unwrap().ran, ["d"]);
    let choice = |text: &str| Choice { parts: vec![Part::text(text)], ..Choice::default() };
    let mut response =
        GenerateResponse { choices: vec![choice("ok"), choice("a canary")], ..GenerateResponse::default() };
    assert!(now(guards.after(&mut response)).unwrap().changed);
    assert_eq!(response.choices[1].parts[0].as_text(), Some("a [KEYWORD_REDACTED]"));
    let records = guards.records();
    assert_eq!(
        records.iter().map(|r| (r.name.as_str(), r.mode)).collect::<Vec<_>>(),
        [("d", Mode::DuringCall), ("p", Mode::PostCall)]
    );
    let json: llm_types::Json = serde_json::from_str(&serde_json::to_string(&records[1]).unwrap()).unwrap();
    assert_eq!(json.get("guardrail_status").unwrap().as_str(), Some("guardrail_intervened"));
    assert_eq!(json.get("guardrail_mode").unwrap().as_str(), Some("post_call"));
    assert_eq!(json.get("masked_entity_count").unwrap().to_string(), r#"{"KEYWORD":1}"#);

    let block = GuardrailSet::new([filter("d", "during_call", true, "BLOCK")]);
    assert!(now(open(&block, &Wanted::default()).during(&says("canary"))).is_err());
    assert!(now(open(&block, &Wanted::default()).before(&mut says("canary"))).is_ok());
}

#[test]
fn logs_are_masked_without_being_asked_for() {
    let set = GuardrailSet::new([filter("l", "logging_only", false, "MASK")]);
    let guards = open(&set, &Wanted::default());
    assert!(!now(guards.before(&mut says("canary"))).unwrap().changed);
    let log = |guards: &Guards, json: &str| {
        guards.for_log(Direction::Request, &RawJson::parse(json).unwrap()).get().to_owned()
    };
    assert_eq!(log(&guards, r#"[{"content": "a canary"}]"#), r#"[{"content":"a [KEYWORD_REDACTED]"}]"#);
    assert_eq!(log(&guards, r#"[{"content": "fine"}]"#), r#"[{"content": "fine"}]"#);
    let block = GuardrailSet::new([filter("l", "logging_only", false, "BLOCK")]);
    assert_eq!(log(&open(&block, &Wanted::default()), r#"["a canary"]"#), r#""redacted-by-litellm""#);
}

/// A guardrail that fails.
#[derive(Debug, Clone, Copy)]
struct Broken {
    fail_open: bool,
}

impl Guardrail for Broken {
    fn name(&self) -> &str {
        "broken"
    }
    fn provider(&self) -> &str {
        "test"
    }
    fn modes(&self) -> Modes {
        Modes::from_iter(Mode::ALL)
    }
    fn default_on(&self) -> bool {
        true
    }
    fn fail_open(&self, _: &Error) -> bool {
        self.fail_open
    }
    fn open(&self, _: &CallContext<'_>) -> Arc<dyn GuardrailSession> {
        Arc::new(*self)
    }
}

impl GuardrailSession for Broken {
    fn check<'a>(&'a self, _: Content<'a>) -> BoxFuture<'a, llm_types::Result<Verdict>> {
        ready(Err(Error::internal("no route to 10.0.0.7"))).boxed()
    }
    fn gate(&self) -> Option<Box<dyn TextGate>> {
        None
    }
}

#[test]
fn a_failing_guardrail_closes_unless_it_may_open() {
    let set = |fail_open| GuardrailSet::new([Arc::new(Broken { fail_open }) as Arc<dyn Guardrail>]);
    let closed = set(false);
    let guards = open(&closed, &Wanted::default());
    let error = now(guards.before(&mut says("x"))).unwrap_err();
    assert_eq!((error.kind, error.status(), error.retryable()), (Kind::Guardrail, 500, false));
    assert_eq!(error.message, "the guardrail broken failed to respond", "its own words are for logs");
    assert_eq!(guards.records()[0].status, RunStatus::GuardrailFailedToRespond);
    assert_eq!(guards.records()[0].reason.as_deref(), Some("no route to 10.0.0.7"));
    let opened = set(true);
    let guards = open(&opened, &Wanted::default());
    assert_eq!(now(guards.before(&mut says("x"))).unwrap().ran, ["broken"]);
    assert_eq!(guards.records()[0].status, RunStatus::GuardrailFailedToRespond);
}
