//! What services are asked and what their answers mean, without a gateway around it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use http::{Request, Response};
use llm_types::generate::Role;
use llm_types::record::Caller;
use llm_types::{AuthNeed, Json, Result};
use parking_lot::Mutex;

use super::Wire;
use crate::guardrail::{CallContext, Content, Direction, Guardrail, GuardrailSession, Mode, Push, Verdict};
use crate::{GuardrailConfig, GuardrailSet, Problem, build};

/// Answers in turn, and keeps what it was asked.
#[derive(Debug, Default)]
struct Told {
    answers: Mutex<Vec<&'static str>>,
    asked: Mutex<Vec<Json>>,
}

impl Wire for Told {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        _: Option<&'a AuthNeed>,
        _: Duration,
    ) -> BoxFuture<'a, Result<Response<Bytes>>> {
        self.asked.lock().push(serde_json::from_slice(request.body()).unwrap());
        let answer = self.answers.lock().remove(0);
        ready(Ok(Response::new(Bytes::from_static(answer.as_bytes())))).boxed()
    }
}

fn read(params: &str) -> (GuardrailSet, Vec<Problem>) {
    let config = format!(r#"{{"guardrail_name":"g","litellm_params":{params}}}"#);
    build(&[serde_json::from_str::<GuardrailConfig>(&config).unwrap()])
}

fn service(params: &str) -> super::Service {
    let config = format!(r#"{{"guardrail_name":"g","litellm_params":{params}}}"#);
    let config: GuardrailConfig = serde_json::from_str(&config).unwrap();
    super::read(&config, [Mode::PreCall].into_iter().collect(), &mut |key, why, _| panic!("{key}: {why}")).unwrap()
}

fn open(guardrail: &super::Service, told: &Arc<Told>) -> Arc<dyn GuardrailSession> {
    let wire: Arc<dyn Wire> = Arc::<Told>::clone(told);
    guardrail.open(&CallContext::new("c", "m", &Caller::default()).through(&wire))
}

fn judged(session: &dyn GuardrailSession, direction: Direction, said: &[(Role, &str)]) -> Result<Verdict> {
    let texts: Vec<String> = said.iter().map(|(_, text)| (*text).to_owned()).collect();
    let roles: Vec<Option<Role>> = said.iter().map(|(role, _)| Some(*role)).collect();
    session.check(Content { direction, texts: &texts, roles: &roles }).now_or_never().unwrap()
}

#[test]
fn long_contents_are_asked_about_in_pieces() {
    let params =
        r#"{"guardrail":"bedrock","guardrailIdentifier":"a/b","guardrailVersion":"1","chunk_budget_chars":10}"#;
    let told = Arc::new(Told { answers: Mutex::new(vec![r#"{"action":"NONE"}"#; 4]), ..Told::default() });
    let session = open(&service(params), &told);
    let said = [(Role::User, "12345"), (Role::User, "1234"), (Role::User, "a long text of words")];
    assert_eq!(judged(&*session, Direction::Request, &said).unwrap(), Verdict::Pass);
    let asked: Vec<String> = told.asked.lock().iter().map(ToString::to_string).collect();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert!(asked[0].contains("12345") && asked[0].contains("1234\"") && asked[1].contains("a long"), "{asked:?}");
}

#[test]
fn parts_of_long_texts_are_masked_where_they_are() {
    let params = r#"{"guardrail":"bedrock","guardrailIdentifier":"g","guardrailVersion":"1","chunk_budget_chars":10}"#;
    let fine = r#"{"action":"NONE","outputs":[]}"#;
    let found = r#"{"action":"GUARDRAIL_INTERVENED","outputs":[{"text":" {NAME}"}],"assessments":[{"sensitiveInformationPolicy":{"piiEntities":[{"type":"NAME","action":"ANONYMIZED"}]}}]}"#;
    let told = Arc::new(Told { answers: Mutex::new(vec![fine, found, found]), ..Told::default() });
    let session = open(&service(params), &told);
    let said = [(Role::User, "greetings, Zoë Z. Zoë Z.")];
    let verdict = judged(&*session, Direction::Request, &said).unwrap();
    let asked: Vec<String> = told.asked.lock().iter().map(ToString::to_string).collect();
    let Verdict::Replace { texts, masked } = verdict else { panic!("{asked:?}") };
    assert_eq!((texts[0].1.as_str(), masked.len()), ("greetings, {NAME} {NAME}", 2), "{asked:?}");
}

#[test]
fn a_part_that_stands_earlier_within_other_words_is_masked_in_its_own_place() {
    let params = r#"{"guardrail":"bedrock","guardrailIdentifier":"g","guardrailVersion":"1","chunk_budget_chars":17}"#;
    let found = r#"{"action":"GUARDRAIL_INTERVENED","outputs":[{"text":" {NAME}"}],"assessments":[{"sensitiveInformationPolicy":{"piiEntities":[{"type":"NAME","action":"ANONYMIZED"}]}}]}"#;
    let told = Arc::new(Told { answers: Mutex::new(vec![r#"{"action":"NONE"}"#, found]), ..Told::default() });
    let session = open(&service(params), &told);
    let verdict = judged(&*session, Direction::Request, &[(Role::User, "in Smithsonian Smith")]).unwrap();
    let Verdict::Replace { texts, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!(texts, [(0, "in Smithsonian {NAME}".to_owned())]);
}

#[test]
fn what_stands_beside_a_name_is_masked() {
    let params = r#"{"guardrail":"presidio","presidio_analyzer_api_base":"a","presidio_anonymizer_api_base":"b","output_parse_pii":true}"#;
    let asked = r#"[{"entity_type":"PERSON","start":0,"end":3,"score":0.9}]"#;
    let said = r#"[{"entity_type":"PERSON","start":0,"end":24,"score":0.9},{"entity_type":"PERSON","start":7,"end":17,"score":0.9}]"#;
    let masked = r#"{"text":"<PERSON> <PERSON_1> <PERSON>"}"#;
    let told = Arc::new(Told { answers: Mutex::new(vec![asked, said, masked]), ..Told::default() });
    let session = open(&service(params), &told);
    judged(&*session, Direction::Request, &[(Role::User, "Zoë")]).unwrap();
    let verdict = judged(&*session, Direction::Response, &[(Role::Assistant, "Grüßer <PERSON_1> Smith.")]).unwrap();
    let asked = told.asked.lock();
    let results = asked[2].get("analyzer_results").and_then(Json::as_array).unwrap();
    let spans = results.iter().map(|r| (r.get("start").unwrap().as_i64(), r.get("end").unwrap().as_i64()));
    assert_eq!(spans.collect::<Vec<_>>(), [(Some(0), Some(6)), (Some(18), Some(24))]);
    let Verdict::Replace { texts, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!(texts, [(0, "<PERSON> Zoë <PERSON>".to_owned())]);
}

#[test]
fn only_what_is_wanted_is_asked_about() {
    let said =
        [(Role::System, "sys"), (Role::User, "old"), (Role::Tool, "result"), (Role::User, "new"), (Role::User, " ")];
    let asked = |more: &str| {
        let params = format!(r#"{{"guardrail":"lakera_v2"{more}}}"#);
        let told = Arc::new(Told { answers: Mutex::new(vec![r#"{"flagged":false}"#]), ..Told::default() });
        judged(&*open(&service(&params), &told), Direction::Request, &said).unwrap();
        let asked = told.asked.lock();
        let messages = asked[0].get("messages").and_then(Json::as_array).unwrap();
        messages.iter().map(|message| message.text("content").unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(asked(""), ["sys", "old", "result", "new"]);
    assert_eq!(
        asked(r#","skip_system_message_in_guardrail":true,"skip_tool_message_in_guardrail":true"#),
        ["old", "new"]
    );
    assert_eq!(asked(r#","scan_only_tool_results":true"#), ["result"]);
    assert_eq!(asked(r#","experimental_use_latest_role_message_only":true"#), ["new"]);
}

#[test]
fn answers_that_are_none_are_failures() {
    let bedrock = r#"{"guardrail":"bedrock","guardrailIdentifier":"g","guardrailVersion":"1"}"#;
    let generic = r#"{"guardrail":"generic_guardrail_api","api_base":"http://x"}"#;
    let key = r#""api_key":"k","api_base":"http://x"}"#;
    for (params, answer) in [
        (r#"{"guardrail":"lakera_v2"}"#.to_owned(), "{}"),
        (r#"{"guardrail":"lakera_v2"}"#.to_owned(), "no json"),
        (bedrock.to_owned(), r#"{"action":"GUARDRAIL_INTERVENED","outputs":[{"text":"a"},{"text":"b"}]}"#),
        (bedrock.to_owned(), r#"{"action":"GUARDRAIL_INTERVENED","outputs":[],"assessments":[]}"#),
        (generic.to_owned(), r#"{"action":"GUARDRAIL_INTERVENED","texts":["a","b"]}"#),
        (generic.to_owned(), r#"{"action":"MAYBE"}"#),
        (format!(r#"{{"guardrail":"openai_moderation",{key}"#), r#"{"results":null}"#),
        (format!(r#"{{"guardrail":"openai_moderation",{key}"#), r#"{"results":[]}"#),
        (format!(r#"{{"guardrail":"openai_moderation",{key}"#), r#"{"results":[{"flagged":false},{"flagged":"yes"}]}"#),
        (format!(r#"{{"guardrail":"azure/text_moderations",{key}"#), r#"{"categoriesAnalysis":[{"category":"Hate"}]}"#),
        (format!(r#"{{"guardrail":"azure/prompt_shield",{key}"#), r#"{"userPromptAnalysis":{}}"#),
        (format!(r#"{{"guardrail":"azure/text_moderations",{key}"#), "{}"),
        (format!(r#"{{"guardrail":"aporia",{key}"#), "{}"),
    ] {
        let told = Arc::new(Told { answers: Mutex::new(vec![answer]), ..Told::default() });
        let verdict = judged(&*open(&service(&params), &told), Direction::Request, &[(Role::User, "hi")]);
        assert!(verdict.is_err(), "{params} {answer}: {verdict:?}");
    }
}

#[test]
fn thresholds_of_azure_count_by_category() {
    let verdict = |more: &str, category: &'static str| {
        let params = format!(r#"{{"guardrail":"azure/text_moderations","api_key":"k","api_base":"http://x"{more}}}"#);
        let told = Arc::new(Told { answers: Mutex::new(vec![category]), ..Told::default() });
        let stopped = judged(&*open(&service(&params), &told), Direction::Request, &[(Role::User, "hi")]).unwrap();
        matches!(stopped, Verdict::Stop(_))
    };
    let hate = r#"{"categoriesAnalysis":[{"category":"Hate","severity":4}],"blocklistsMatch":[]}"#;
    assert!(verdict("", hate) && !verdict(r#","severity_threshold":6"#, hate));
    assert!(verdict(r#","optional_params":{"severity_threshold_by_category":{"Hate":4}}"#, hate));
    assert!(!verdict(r#","severity_threshold_by_category":{"Violence":2}"#, hate));
    assert!(verdict(
        "",
        r#"{"categoriesAnalysis":[],"blocklistsMatch":[{"blocklistName":"b","blocklistItemText":"t"}]}"#
    ));
}

#[test]
fn names_come_back_wherever_a_stream_is_cut() {
    let params = r#"{"guardrail":"presidio","presidio_analyzer_api_base":"a","presidio_anonymizer_api_base":"b",
        "presidio_filter_scope":"input","output_parse_pii":true}"#;
    let found = r#"[{"entity_type":"NRP","start":2,"end":4,"score":0.9},{"entity_type":"PERSON","start":0,"end":3,"score":0.9}]"#;
    let told = Arc::new(Told { answers: Mutex::new(vec![found]), ..Told::default() });
    let session = open(&service(params), &told);
    let Verdict::Replace { texts, .. } = judged(&*session, Direction::Request, &[(Role::User, "Zoë! hi")]).unwrap()
    else {
        panic!("nothing was masked")
    };
    assert_eq!(texts, [(0, "<PERSON_1> hi".to_owned())], "findings that overlap are one");
    assert_eq!(session.hidden("so Zoë!, Zoë").as_deref(), Some("so <PERSON_1>, Zoë"), "logs do not have them");
    assert_eq!(session.hidden("so Zoë"), None);
    let answer = "so <PERSON_1>, <PERSON_1 and <<PERSON_1>";
    for size in 1..answer.len() {
        let mut gate = session.gate().unwrap();
        let mut out = String::new();
        let mut take = |push: Push| match push {
            Push::Hold => {}
            Push::Release(text) | Push::Replace { text, .. } => out.push_str(&text),
            Push::Stop(stop) => panic!("{stop:?}"),
        };
        for piece in answer.as_bytes().chunks(size) {
            take(gate.push(std::str::from_utf8(piece).unwrap()));
        }
        take(gate.finish());
        assert_eq!(out, "so Zoë!, <PERSON_1 and <Zoë!", "{size}");
    }
}

#[test]
fn modes_of_presidio() {
    let modes = |more: &str| {
        let bases = r#""presidio_analyzer_api_base":"a","presidio_anonymizer_api_base":"b""#;
        let params = format!(r#"{{"guardrail":"presidio",{bases},{more}}}"#);
        let config: GuardrailConfig =
            serde_json::from_str(&format!(r#"{{"guardrail_name":"g","litellm_params":{params}}}"#)).unwrap();
        let mode = config.litellm_params.mode.as_str().and_then(Mode::from_name).unwrap();
        let built = super::read(&config, [mode].into_iter().collect(), &mut |_, _, _| {}).unwrap();
        built.modes().iter().map(Mode::name).collect::<Vec<_>>().join("+")
    };
    assert_eq!(modes(r#""mode":"pre_call""#), "pre_call+post_call");
    assert_eq!(modes(r#""mode":"pre_call","presidio_filter_scope":"input""#), "pre_call");
    assert_eq!(modes(r#""mode":"pre_call","presidio_filter_scope":"output""#), "post_call");
    assert_eq!(modes(r#""mode":"pre_mcp_call""#), "pre_mcp_call");
    assert_eq!(modes(r#""mode":"logging_only""#), "logging_only");
}

#[test]
fn secrets_are_not_shown() {
    let (set, problems) = read(r#"{"guardrail":"openai_moderation","api_key":"sk-very-secret","timeout":"2.5"}"#);
    assert!(problems.is_empty(), "{problems:?}");
    assert!(!format!("{set:?}").contains("sk-very-secret"));
    let aws =
        r#"{"guardrail":"bedrock","guardrailIdentifier":"g","guardrailVersion":"1","aws_secret_access_key":"hush"}"#;
    assert!(!format!("{:?}", service(aws)).contains("hush"));
}
