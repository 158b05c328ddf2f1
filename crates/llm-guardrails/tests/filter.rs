//! The filter of words and patterns: `fixtures/filter/*.json`, whole and in every chunking; `fixtures/config`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use llm_guardrails::{
    CallContext, Content, Direction, Guardrail, GuardrailConfig, GuardrailSession, GuardrailSet, Push, Verdict, Wanted,
    build,
};
use llm_types::Json;
use llm_types::record::Caller;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Fixture {
    litellm_params: Json,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    text: String,
    #[serde(default)]
    becomes: Option<String>,
    #[serde(default)]
    stops: Option<String>,
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let mut all: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    assert!(!all.is_empty());
    all
}

fn session(set: &llm_guardrails::ContentFilter) -> std::sync::Arc<dyn GuardrailSession> {
    set.open(&CallContext::new("c", "m", &Caller::default()))
}

fn filter(params: &Json) -> llm_guardrails::ContentFilter {
    let config = Json::object([("guardrail_name", Json::from("f")), ("litellm_params", params.clone())]);
    let config: GuardrailConfig = serde_json::from_str(&config.to_string()).unwrap();
    llm_guardrails::ContentFilter::from_config(&config).unwrap_or_else(|p| panic!("{p:?}"))
}

/// What comes out of a text sent in pieces: the text, or the message of a stop and what was sent before it.
fn streamed<'a>(
    session: &dyn GuardrailSession,
    pieces: impl IntoIterator<Item = &'a str>,
) -> Result<String, (String, String)> {
    let mut gate = session.gate().unwrap();
    let mut out = String::new();
    let mut take = |push: Push| match push {
        Push::Hold => Ok(()),
        Push::Release(text) | Push::Replace { text, .. } => {
            out.push_str(&text);
            Ok(())
        }
        Push::Stop(stop) => Err((stop.message, out.clone())),
    };
    for piece in pieces {
        take(gate.push(piece))?;
    }
    take(gate.finish())?;
    Ok(out)
}

fn whole(session: &dyn GuardrailSession, text: &str) -> Result<String, String> {
    let texts = [text.to_owned()];
    let content = Content { direction: Direction::Request, texts: &texts, roles: &[] };
    match session.check(content).now_or_never().unwrap().unwrap() {
        Verdict::Pass => Ok(text.to_owned()),
        Verdict::Replace { mut texts, masked } => {
            assert!(masked.iter().map(|(_, n)| n).sum::<u32>() > 0);
            Ok(texts.remove(0).1)
        }
        Verdict::Stop(stop) => Err(stop.message),
    }
}

#[test]
fn texts_become_what_the_fixtures_say_however_they_are_cut() {
    for path in fixtures("filter") {
        let fixture: Fixture = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let filter = filter(&fixture.litellm_params);
        let session = session(&filter);
        for case in &fixture.cases {
            let want = match &case.stops {
                Some(message) => Err(message.clone()),
                None => Ok(case.becomes.clone().unwrap_or_else(|| case.text.clone())),
            };
            let name = format!("{}: {:?}", path.display(), case.text);
            assert_eq!(whole(&*session, &case.text), want, "{name}");
            for pieces in cuts(&case.text) {
                let got = streamed(&*session, pieces.iter().copied());
                assert_eq!(got.as_ref().map_err(|(message, _)| message), want.as_ref(), "{name} {pieces:?}");
                if let Err((_, sent)) = got {
                    assert!(case.text.starts_with(&sent), "{name}: {sent}");
                    assert!(
                        !sent.to_lowercase().contains("falcon") && !sent.contains("123-45") && !sent.contains("45b"),
                        "{name}: {sent}"
                    );
                }
            }
        }
    }
}

/// The text in one piece, in every two and (short texts) three pieces, and character by character.
fn cuts(text: &str) -> Vec<Vec<&str>> {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut all = vec![vec![text], places.windows(2).map(|w| &text[w[0]..w[1]]).collect()];
    for (n, &a) in places.iter().enumerate() {
        all.push(vec![&text[..a], &text[a..]]);
        all.extend(places[n..].iter().map(|&b| vec![&text[..a], &text[a..b], &text[b..]]));
    }
    all
}

/// A pseudo-random walk over texts made of fragments of words and patterns: stream and whole agree.
#[test]
fn stream_and_whole_agree_on_random_texts() {
    let fragments = [
        "fal", "con", "Falcon", " ", "bank", "rupt", "T-1", "23", "45", "bis", "a@b", ".org", "x", "é", "secret:",
        "\n", "bye", ":", "bi", "aaaaaaaa", "b",
    ];
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut next = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % n as u64).unwrap()
    };
    for path in fixtures("filter") {
        let fixture: Fixture = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let filter = filter(&fixture.litellm_params);
        let session = session(&filter);
        for _ in 0..3000 {
            let pieces: Vec<&str> = (0..next(40)).map(|_| fragments[next(fragments.len())]).collect();
            let text = pieces.concat();
            let got = streamed(&*session, pieces.iter().copied()).map_err(|(message, _)| message);
            assert_eq!(got, whole(&*session, &text), "{pieces:?}");
        }
    }
}

/// Every place at which a delta can be cut within the word, and nothing of it is sent.
#[test]
fn nothing_of_a_blocked_word_is_sent() {
    let params: Json = serde_json::from_str(
        r#"{"guardrail":"litellm_content_filter","mode":"post_call","blocked_words":[{"keyword":"xylophone","action":"BLOCK"}]}"#,
    )
    .unwrap();
    let filter = filter(&params);
    let session = session(&filter);
    let text = "0123456789 0123456789 xylophone and more";
    for pieces in cuts(text) {
        let (message, sent) = streamed(&*session, pieces.iter().copied()).unwrap_err();
        assert_eq!(message, "Content blocked: keyword 'xylophone' detected");
        assert!(!sent.contains('x') && text.starts_with(&sent), "{pieces:?}: {sent}");
    }
}

#[test]
fn text_is_held_no_longer_than_a_match_can_be() {
    let params: Json = serde_json::from_str(
        r#"{"guardrail":"custom_regex","mode":"post_call","patterns":[{"pattern":"\\bT-[0-9]{3}\\b","action":"BLOCK"}]}"#,
    )
    .unwrap();
    let filter = filter(&params);
    let mut gate = session(&filter).gate().unwrap();
    let mut sent = 0;
    for n in 1..100 {
        if let Push::Release(text) = gate.push("a") {
            sent += text.len();
        }
        assert!(n - sent <= 5, "{n} came, {sent} went");
    }
}

#[test]
fn evil_patterns_take_linear_time() {
    let params: Json = serde_json::from_str(
        r#"{"guardrail":"custom_regex","mode":"pre_call","patterns":[{"pattern":"(a+)+$b","action":"BLOCK"},{"pattern":"(a|aa)+c","action":"MASK"}]}"#,
    )
    .unwrap();
    let filter = filter(&params);
    let begun = Instant::now();
    assert!(whole(&*session(&filter), &"a".repeat(20_000)).is_ok());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[derive(Debug, Deserialize)]
struct ConfigFixture {
    guardrails: Vec<GuardrailConfig>,
    built: Vec<String>,
    problems: Vec<String>,
}

#[test]
fn problems_of_a_configuration_are_all_named() {
    for path in fixtures("config") {
        let fixture: ConfigFixture = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let (set, problems) = build(&fixture.guardrails);
        assert_eq!(set.names().collect::<Vec<_>>(), fixture.built);
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), fixture.problems);
        assert!(problems.iter().all(|p| p.fatal != p.message.contains("no effect")));
    }
}

#[test]
fn an_empty_set_runs_nothing() {
    let set = GuardrailSet::default();
    let caller = Caller::default();
    let call = CallContext::new("c", "m", &caller);
    assert!(set.is_empty() && set.open(&Wanted::default(), &call).is_empty());
}
