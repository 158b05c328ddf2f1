//! Whether a row of a call shows what the EU AI Act and the GDPR ask for: which guardrails ran, and when. It looks at what the
//! body says, not at the store.

use llm_accounts::{FieldProblem, Outcome, Problem};
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] =
    &[row!("POST" "/compliance/eu-ai-act" OwnScope eu_ai_act), row!("POST" "/compliance/gdpr" OwnScope gdpr)];

const BEFORE: &str = "pre_call";

/// A row of a call, as far as it matters here.
struct Seen<'c> {
    body: &'c Json,
    /// The guardrails that ran.
    ran: Vec<&'c Json>,
}

impl<'c> Seen<'c> {
    fn read(call: &'c Call) -> Outcome<Self> {
        let body = &call.body;
        let problem = |field: &str, kind, message, input: &Json| {
            Problem::Fields(vec![FieldProblem { field: field.to_owned(), kind, message, input: input.clone() }])
        };
        match body.get("request_id") {
            Some(Json::String(_)) => {}
            None => return Err(problem("request_id", "missing", "Field required", body)),
            Some(other) => return Err(problem("request_id", "string_type", "Input should be a valid string", other)),
        }
        let list: &[Json] = match body.get("guardrail_information") {
            None | Some(Json::Null) => &[],
            Some(Json::Array(list)) if list.iter().all(|entry| entry.as_object().is_some()) => list.as_slice(),
            Some(other) => {
                let message = "Input should be a valid list of dictionaries";
                return Err(problem("guardrail_information", "list_type", message, other));
            }
        };
        let ran = list.iter().filter(|entry| entry.text("guardrail_status") != Some("not_run")).collect();
        Ok(Self { body, ran })
    }

    /// Those that certainly ran before the call.
    fn before(&self) -> Vec<&'c Json> {
        self.ran.iter().copied().filter(|entry| is_before(entry.get("guardrail_mode"))).collect()
    }

    fn audit(&self, article: &str) -> Check {
        let has = |name: &str| self.body.text(name).is_some_and(|text| !text.is_empty());
        let mut missing: Vec<&str> = ["user_id", "model", "timestamp"].into_iter().filter(|name| !has(name)).collect();
        missing.extend(self.ran.is_empty().then_some("guardrail_results"));
        let detail = match missing.is_empty() {
            true => "All required audit fields present".to_owned(),
            false => format!("Missing: {}", missing.join(", ")),
        };
        Check { name: "Audit record complete", article: article.to_owned(), passed: missing.is_empty(), detail }
    }
}

/// The mode of a guardrail, which may be several and may depend on tags: it ran before the call only where every branch does.
fn is_before(mode: Option<&Json>) -> bool {
    let all = |branch: &Json| match branch {
        Json::String(mode) => mode == BEFORE,
        Json::Array(modes) => !modes.is_empty() && modes.iter().all(|mode| mode.as_str() == Some(BEFORE)),
        _ => false,
    };
    match mode {
        None | Some(Json::Null) => true,
        Some(mode @ Json::Object(_)) => {
            let tags = mode.get("tags").and_then(Json::as_object).unwrap_or_default();
            mode.get("default").is_some_and(all) && tags.iter().all(|(_, branch)| all(branch))
        }
        Some(mode) => all(mode),
    }
}

struct Check {
    name: &'static str,
    article: String,
    passed: bool,
    detail: String,
}

fn told(regulation: &str, checks: Vec<Check>) -> Json {
    let compliant = checks.iter().all(|check| check.passed);
    let check = |check: Check| {
        Json::object([
            ("check_name", Json::from(check.name)),
            ("article", Json::from(check.article)),
            ("passed", Json::from(check.passed)),
            ("detail", Json::from(check.detail)),
        ])
    };
    Json::object([
        ("compliant", Json::from(compliant)),
        ("regulation", Json::from(regulation)),
        ("checks", Json::Array(checks.into_iter().map(check).collect())),
    ])
}

/// A check that some guardrails satisfy.
fn counted(name: &'static str, article: &str, found: usize, what: &str, nothing: &str) -> Check {
    let detail = if found > 0 { format!("{found} {what}") } else { nothing.to_owned() };
    Check { name, article: article.to_owned(), passed: found > 0, detail }
}

async fn eu_ai_act(call: Call) -> Outcome<Json> {
    let seen = Seen::read(&call)?;
    let (all, before) = (seen.ran.len(), seen.before().len());
    let checks = vec![
        counted("Guardrails applied", "Art. 9", all, "guardrail(s) applied", "No guardrails applied"),
        counted(
            "Content screened before LLM",
            "Art. 5",
            before,
            "pre-call guardrail(s) screened content",
            "No pre-call screening applied",
        ),
        seen.audit("Art. 12"),
    ];
    Ok(told("EU AI Act", checks))
}

async fn gdpr(call: Call) -> Outcome<Json> {
    let seen = Seen::read(&call)?;
    let before = seen.before();
    let status = |entry: &&&Json, wanted: &[&str]| entry.text("guardrail_status").is_some_and(|s| wanted.contains(&s));
    let stopped = before.iter().any(|entry| status(&entry, &["guardrail_intervened", "failed", "blocked"]));
    let fine = !before.is_empty() && before.iter().all(|entry| status(&entry, &["success"]));
    let detail = match (stopped, fine) {
        (true, _) => "Guardrail intervened to protect sensitive data",
        (_, true) => "No sensitive data detected",
        _ => "No pre-call guardrails to protect sensitive data",
    };
    let checks = vec![
        counted(
            "Data protection applied",
            "Art. 32",
            before.len(),
            "pre-call guardrail(s) protect data",
            "No pre-call data protection applied",
        ),
        Check {
            name: "Sensitive data protected",
            article: "Art. 5(1)(c)".to_owned(),
            passed: stopped || fine,
            detail: detail.to_owned(),
        },
        seen.audit("Art. 30"),
    ];
    Ok(told("GDPR", checks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_surely_ran_before_counts() {
        let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        for (mode, wanted) in [
            (r#""pre_call""#, true),
            (r#""post_call""#, false),
            (r#"["pre_call"]"#, true),
            (r#"["pre_call","post_call"]"#, false),
            ("[]", false),
            ("null", true),
            ("5", false),
            (r#"{"tags":{"a":"pre_call"}}"#, false),
            (r#"{"default":"pre_call","tags":{"a":["pre_call"]}}"#, true),
            (r#"{"default":"pre_call","tags":{"a":"post_call"}}"#, false),
        ] {
            assert_eq!(is_before(Some(&json(mode))), wanted, "{mode}");
        }
        assert!(is_before(None));
    }
}
