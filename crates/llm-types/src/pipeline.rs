//! Guardrails one after the other, and what follows from each: LiteLLM's `pipeline` of a policy.

use crate::Json;

/// Steps at the most.
const STEPS: usize = 50;

/// What follows from a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The next step; after the last one the content passes.
    Next,
    /// The content passes, whatever is still to come.
    Allow,
    /// The content is stopped.
    Block,
}

/// One guardrail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub guardrail: String,
    /// When content passes it.
    pub on_pass: Turn,
    /// When it stops content.
    pub on_fail: Turn,
    /// When it fails itself.
    pub on_error: Turn,
    /// What it edits goes on edited.
    pub pass_data: bool,
}

/// The steps of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Answers are looked at (`post_call`), not requests (`pre_call`).
    pub answers: bool,
    /// In order; there is one at least.
    pub steps: Vec<Step>,
}

impl Turn {
    /// LiteLLM's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }

    fn read(step: &Json, field: &str, usual: Self) -> Result<Self, String> {
        let Some(value) = step.get(field).filter(|value| !value.is_null()) else { return Ok(usual) };
        let known = [Self::Next, Self::Allow, Self::Block].into_iter().find(|turn| value.as_str() == Some(turn.name()));
        known.ok_or_else(|| match value.as_str() {
            Some("modify_response") => format!("{field}: modify_response is not served; next, allow and block are"),
            _ => format!("{field}: expected next, allow or block"),
        })
    }
}

impl Step {
    fn read(json: &Json) -> Result<Self, String> {
        const FIELDS: [&str; 6] =
            ["guardrail", "on_pass", "on_fail", "on_error", "pass_data", "modify_response_message"];
        let fields = json.as_object().ok_or("a step is a map")?;
        if let Some((name, _)) = fields.iter().find(|(name, _)| !FIELDS.contains(&name.as_str())) {
            return Err(format!("a step has no `{name}`"));
        }
        let guardrail = json.text("guardrail").filter(|name| !name.is_empty()).ok_or("a step names a guardrail")?;
        let on_fail = Turn::read(json, "on_fail", Turn::Block)?;
        let pass_data = match json.get("pass_data") {
            None | Some(Json::Null) => false,
            Some(value) => value.as_bool().ok_or("pass_data: expected true or false")?,
        };
        Ok(Self {
            guardrail: guardrail.to_owned(),
            on_pass: Turn::read(json, "on_pass", Turn::Allow)?,
            on_fail,
            on_error: Turn::read(json, "on_error", on_fail)?,
            pass_data,
        })
    }
}

impl Pipeline {
    /// Reads one as a configuration writes it.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn read(json: &Json) -> Result<Self, String> {
        let fields = json.as_object().ok_or("a pipeline is a map of mode and steps")?;
        if let Some((name, _)) = fields.iter().find(|(name, _)| !["mode", "steps"].contains(&name.as_str())) {
            return Err(format!("a pipeline has no `{name}`"));
        }
        let answers = match json.text("mode") {
            Some("pre_call") => false,
            Some("post_call") => true,
            _ => return Err("mode: expected pre_call or post_call".to_owned()),
        };
        let steps = json.get("steps").and_then(Json::as_array).filter(|steps| !steps.is_empty());
        let steps = steps.ok_or("steps: expected a list with a step at least")?;
        if steps.len() > STEPS {
            return Err(format!("a pipeline has {STEPS} steps at the most"));
        }
        let one = |(at, step): (usize, &Json)| Step::read(step).map_err(|why| format!("steps[{at}]: {why}"));
        Ok(Self { answers, steps: steps.iter().enumerate().map(one).collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Pipeline, String> {
        Pipeline::read(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn steps_have_litellms_defaults() {
        let pipeline = read(r#"{"mode":"pre_call","steps":[{"guardrail":"a"},{"guardrail":"b","on_fail":"next"}]}"#);
        let pipeline = pipeline.unwrap();
        let turns: Vec<_> = pipeline.steps.iter().map(|s| [s.on_pass, s.on_fail, s.on_error].map(Turn::name)).collect();
        assert_eq!(turns, [["allow", "block", "block"], ["allow", "next", "next"]]);
        assert!(!pipeline.answers && !pipeline.steps[0].pass_data);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, why) in [
            (r#"{"mode":"never","steps":[]}"#, "mode: expected pre_call or post_call"),
            (r#"{"mode":"pre_call","steps":[]}"#, "steps: expected a list with a step at least"),
            (r#"{"mode":"pre_call","steps":[{}]}"#, "steps[0]: a step names a guardrail"),
            (
                r#"{"mode":"pre_call","steps":[{"guardrail":"a","on_pass":"jump"}]}"#,
                "steps[0]: on_pass: expected next, allow or block",
            ),
            (
                r#"{"mode":"pre_call","steps":[{"guardrail":"a","on_fail":"modify_response"}]}"#,
                "steps[0]: on_fail: modify_response is not served; next, allow and block are",
            ),
            (r#"{"mode":"pre_call","steps":[{"guardrail":"a","else":1}]}"#, "steps[0]: a step has no `else`"),
        ] {
            assert_eq!(read(text).unwrap_err(), why);
        }
    }
}
