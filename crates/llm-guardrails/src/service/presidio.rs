//! `presidio`: Microsoft Presidio, which finds personal data (`POST {analyzer}/analyze`) and takes it out of texts (`POST
//! {anonymizer}/anonymize`).
//!
//! Facts: Presidio's API reference, LiteLLM's requests as they were seen on the wire. With `output_parse_pii` what was found in
//! the request is replaced by numbered names, which become the caller's own words again in the answer, streams included.

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use llm_types::{Json, Result};

use super::names::{Memory, Restoring};
use super::settings::Settings;
use super::shape::{Facts, Heard, Said, Shape, Text};
use super::spans;
use super::wire::{Talk, invalid};
use crate::guardrail::{Direction, Mode, Modes, Stop, TextGate};

/// Texts that are looked at at the same time.
const AT_ONCE: usize = 8;

pub(super) static PRESIDIO: Shape = Shape {
    kind: "presidio",
    base: Some(""),
    path: "",
    key: None,
    needs_key: false,
    modes: &[],
    variables: &[
        ("presidio_analyzer_api_base", &["PRESIDIO_ANALYZER_API_BASE"]),
        ("presidio_anonymizer_api_base", &["PRESIDIO_ANONYMIZER_API_BASE"]),
    ],
    own: &[
        "presidio_analyzer_api_base",
        "presidio_anonymizer_api_base",
        "presidio_filter_scope",
        "presidio_run_on",
        "presidio_language",
        "presidio_score_thresholds",
        "presidio_entities_deny_list",
        "presidio_ad_hoc_recognizers",
        "pii_entities_config",
        "output_parse_pii",
    ],
    set_up,
    ask: |_, _, _| Vec::new(),
    read: |_, _, _, _| Ok(Said::Fine),
};

/// What a configuration says of it.
#[derive(Debug)]
pub(super) struct Presidio {
    analyzer: String,
    anonymizer: String,
    language: String,
    recognizers: Option<Json>,
    /// Kinds that are looked for, and whether one stops the content. Empty: all kinds, which are masked.
    entities: Vec<(String, bool)>,
    thresholds: Vec<(String, f64)>,
    ignored: Vec<String>,
    /// Requests are looked at.
    input: bool,
    /// Answers are looked at.
    output: bool,
    /// What was masked in the request is put back into the answer.
    restores: bool,
}

/// What was found, and at which bytes.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) entity: String,
    pub(super) start: usize,
    pub(super) end: usize,
    json: Json,
}

fn set_up(settings: &mut Settings) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let base = |name: &str| {
        let base = settings.text(name).unwrap_or_default().trim_end_matches('/').to_owned();
        if base.is_empty() || base.contains("://") { base } else { format!("http://{base}") }
    };
    let (analyzer, anonymizer) = (base("presidio_analyzer_api_base"), base("presidio_anonymizer_api_base"));
    let scope = settings.text("presidio_filter_scope").or_else(|| settings.text("presidio_run_on"));
    let scope = scope.unwrap_or(if settings.only_tools { "input" } else { "both" }).to_owned();
    if !["input", "output", "both"].contains(&scope.as_str()) {
        wrong.push(("presidio_filter_scope", "must be `input`, `output` or `both`".to_owned()));
    }
    let recognizers = settings.text("presidio_ad_hoc_recognizers").map(read_file);
    let recognizers = recognizers.transpose().unwrap_or_else(|why| {
        wrong.push(("presidio_ad_hoc_recognizers", why));
        None
    });
    let entities = pairs(settings, "pii_entities_config", |action| match action.as_str() {
        Some("MASK") => Some(false),
        Some("BLOCK") => Some(true),
        _ => None,
    });
    let thresholds = pairs(settings, "presidio_score_thresholds", Json::as_f64);
    let mut told = |name: &'static str, why: &str| wrong.push((name, why.to_owned()));
    if entities.is_none() {
        told("pii_entities_config", "must be a map from kinds to MASK or BLOCK");
    }
    if thresholds.is_none() {
        told("presidio_score_thresholds", "must be a map from kinds to numbers");
    }
    settings.presidio = Some(Presidio {
        analyzer,
        anonymizer,
        language: settings.text("presidio_language").unwrap_or("en").to_owned(),
        recognizers,
        entities: entities.unwrap_or_default(),
        thresholds: thresholds.unwrap_or_default(),
        ignored: settings.texts("presidio_entities_deny_list"),
        input: scope != "output",
        output: scope != "input",
        restores: scope != "output" && settings.params.get("output_parse_pii").and_then(Json::as_bool) == Some(true),
    });
    wrong
}

/// What an answer says was found; nothing when it is not in the text.
fn findings(text: &str, all: &[Json]) -> Option<Vec<Finding>> {
    let number = |item: &Json, name: &str| usize::try_from(item.get(name)?.as_i64()?).ok();
    let places = all.iter().map(|item| Some((number(item, "start")?, number(item, "end")?)));
    let spans = spans::bytes(text, &places.collect::<Option<Vec<_>>>()?)?;
    let read = |(item, span): (&Json, std::ops::Range<usize>)| {
        let entity = item.text("entity_type")?.to_owned();
        Some(Finding { entity, start: span.start, end: span.end, json: item.clone() })
    };
    all.iter().zip(spans).map(read).collect()
}

impl Finding {
    /// The same of a part of it: these bytes of the text.
    pub(super) fn part(&self, text: &str, part: std::ops::Range<usize>) -> Option<Self> {
        let count = |from, to| i64::try_from(text.get(from..to)?.chars().count()).ok();
        let start = self.json.get("start")?.as_i64()? + count(self.start, part.start)?;
        let mut json = self.json.clone();
        json.set("start", start);
        json.set("end", start + count(part.start, part.end)?);
        Some(Self { entity: self.entity.clone(), start: part.start, end: part.end, json })
    }
}

fn read_file(path: &str) -> Result<Json, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{path} is no JSON: {error}"))
}

/// The fields of a map; empty where there is none, nothing where it cannot be understood.
fn pairs<T>(settings: &Settings, name: &str, value: impl Fn(&Json) -> Option<T>) -> Option<Vec<(String, T)>> {
    match settings.params.get(name) {
        None | Some(Json::Null) => Some(Vec::new()),
        Some(Json::Object(fields)) => fields.iter().map(|(key, v)| Some((key.clone(), value(v)?))).collect(),
        Some(_) => None,
    }
}

impl Presidio {
    /// Where it is: parameters and addresses.
    pub(super) fn addresses(&self) -> [(&'static str, &str); 2] {
        [("presidio_analyzer_api_base", &self.analyzer), ("presidio_anonymizer_api_base", &self.anonymizer)]
    }

    /// When it runs: answers are looked at whatever the mode of requests is, as in LiteLLM.
    pub(super) fn modes(&self, said: Modes) -> Modes {
        let only_logs = said.iter().all(|mode| mode == Mode::LoggingOnly);
        let answers = !only_logs && (self.output || self.restores);
        let requests = said.iter().filter(|mode| *mode != Mode::PostCall && self.input);
        requests.chain(answers.then_some(Mode::PostCall)).collect()
    }

    /// Judges texts.
    pub(super) async fn judge(
        &self,
        talk: &Talk<'_>,
        heard: &Heard<'_>,
        facts: &Facts,
        memory: &Memory,
    ) -> Result<Said> {
        let answer = heard.direction == Direction::Response;
        let looks = !answer || self.output || !self.restores;
        let found: Vec<Vec<Finding>> = match looks {
            true => {
                let all: Vec<_> = heard.texts.iter().map(|text| self.analyze(talk, text.text, facts).boxed()).collect();
                stream::iter(all).buffered(AT_ONCE).try_collect().await?
            }
            false => heard.texts.iter().map(|_| Vec::new()).collect(),
        };
        if let Some(stopped) = found.iter().flatten().find_map(|finding| self.stops(&finding.entity)) {
            let name = &talk.settings.name;
            return Ok(Said::Stop(Stop::new(format!(
                "Blocked entity detected: {stopped} by Guardrail: {name}. This entity is not allowed to be used in this request."
            ))));
        }
        let texts: Vec<(Text<'_>, String)> = if self.restores && !answer {
            let numbered = heard.texts.iter().zip(&found).map(|(text, found)| (*text, memory.name(text.text, found)));
            numbered.collect()
        } else {
            let mut all = Vec::with_capacity(found.len());
            for (text, found) in heard.texts.iter().zip(&found) {
                let own = if answer { memory.without_names(text.text, found) } else { found.clone() };
                all.push(self.anonymize(talk, text.text, own).boxed());
            }
            let said: Vec<String> = stream::iter(all).buffered(AT_ONCE).try_collect().await?;
            let said = said.into_iter().map(|said| if answer { memory.restore(&said) } else { said });
            heard.texts.iter().copied().zip(said).collect()
        };
        let masked = found.into_iter().flatten().map(|finding| (finding.entity, 1)).collect();
        let texts: Vec<_> =
            texts.into_iter().filter(|(old, new)| old.text != new).map(|(t, new)| (t.at, new)).collect();
        Ok(if texts.is_empty() { Said::Fine } else { Said::Edited { texts, masked } })
    }

    fn stops<'f>(&self, entity: &'f str) -> Option<&'f str> {
        self.entities.iter().any(|(name, stops)| *stops && name == entity).then_some(entity)
    }

    async fn analyze(&self, talk: &Talk<'_>, text: &str, facts: &Facts) -> Result<Vec<Finding>> {
        let language = facts.extra.as_ref().and_then(|extra| extra.text("language")).unwrap_or(&self.language);
        let mut body = Json::object([("text", text), ("language", language)]);
        if let Some(recognizers) = &self.recognizers {
            body.set("ad_hoc_recognizers", recognizers.clone());
        }
        if !self.entities.is_empty() {
            body.set("entities", Json::Array(self.entities.iter().map(|(name, _)| name.as_str().into()).collect()));
        }
        let answer = talk.post(&self.analyzer, "/analyze", &body).await?;
        let all = answer.as_array().ok_or_else(|| invalid("is no list of findings"))?;
        let mut found = findings(text, all).ok_or_else(|| invalid("has findings that are nowhere"))?;
        found.retain(|finding| self.counts(finding));
        Ok(found)
    }

    /// A finding that is not ignored, and sure enough.
    fn counts(&self, finding: &Finding) -> bool {
        let limit = |name: &str| self.thresholds.iter().find(|(known, _)| known == name).map(|(_, limit)| *limit);
        let score = finding.json.get("score").and_then(Json::as_f64);
        let sure =
            limit(&finding.entity).or_else(|| limit("ALL")).is_none_or(|limit| score.is_some_and(|s| s >= limit));
        sure && !self.ignored.contains(&finding.entity)
    }

    async fn anonymize(&self, talk: &Talk<'_>, text: &str, found: Vec<Finding>) -> Result<String> {
        if found.is_empty() {
            return Ok(text.to_owned());
        }
        let results = Json::Array(found.into_iter().map(|finding| finding.json).collect());
        let body = Json::object([("text", Json::from(text)), ("analyzer_results", results)]);
        let answer = talk.post(&self.anonymizer, "/anonymize", &body).await?;
        answer.text("text").map(str::to_owned).ok_or_else(|| invalid("has no text"))
    }

    /// Of answers nothing is looked at.
    pub(super) const fn only_restores(&self) -> bool {
        self.restores && !self.output
    }

    /// A gate for a stream: nothing where whole answers have to be looked at.
    pub(super) fn gate(&self, memory: &Memory) -> Option<Box<dyn TextGate>> {
        self.only_restores().then(|| Box::new(Restoring::new(memory)) as Box<dyn TextGate>)
    }
}
