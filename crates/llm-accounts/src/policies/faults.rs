//! What is wrong with a policy: what it names is not there, or it goes round in circles.

use llm_types::Json;

use super::engine::Policies;
use super::read::Policy;

/// Something that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// LiteLLM's name for it.
    pub kind: &'static str,
    /// The field.
    pub field: &'static str,
    /// What stands there.
    pub value: Option<String>,
    /// For people.
    pub message: String,
    /// The policy does something all the same.
    pub warning: bool,
}

impl PolicyFault {
    fn new(kind: &'static str, field: &'static str, value: Option<&str>, message: String) -> Self {
        Self { kind, field, value: value.map(str::to_owned), message, warning: false }
    }

    /// What cannot be read.
    pub(crate) fn unreadable((field, why): (&'static str, String)) -> Self {
        Self::new("invalid_syntax", field, None, why)
    }

    /// The fault as `/policy/validate` tells it.
    pub(crate) fn told(&self, policy: &str) -> Json {
        Json::object([
            ("policy_name", Json::from(policy)),
            ("error_type", Json::from(self.kind)),
            ("message", Json::from(self.message.as_str())),
            ("field", Json::from(self.field)),
            ("value", Json::from(self.value.as_deref())),
        ])
    }
}

impl Policies {
    /// What is wrong with the policy of a name; `known` says which guardrails there are.
    #[must_use]
    pub fn faults(&self, name: &str, known: impl Fn(&str) -> bool) -> Vec<PolicyFault> {
        let Some(policy) = self.get(name) else { return Vec::new() };
        let mut out = Vec::new();
        for guardrail in policy.add.iter().filter(|guardrail| !known(guardrail)) {
            let why = format!("there is no guardrail `{guardrail}`");
            out.push(PolicyFault::new("invalid_guardrail", "guardrails.add", Some(guardrail), why));
        }
        for guardrail in policy.remove.iter().filter(|guardrail| !known(guardrail)) {
            let why = format!("there is no guardrail `{guardrail}` to take away");
            let fault = PolicyFault::new("invalid_guardrail", "guardrails.remove", Some(guardrail), why);
            out.push(PolicyFault { warning: true, ..fault });
        }
        out.extend(self.lineage(name, policy));
        for test in policy.models.iter().flatten().filter(|test| test.pattern.is_none()) {
            let why = format!("`{}` is no regular expression", test.text);
            out.push(PolicyFault::new("invalid_scope", "condition.model", Some(&test.text), why));
        }
        match &policy.pipeline {
            None => {}
            Some(Err(why)) => out.push(PolicyFault::new("invalid_syntax", "pipeline", None, why.clone())),
            Some(Ok(pipeline)) => {
                for guardrail in pipeline.steps.iter().map(|step| &step.guardrail).filter(|name| !known(name)) {
                    let why = format!("there is no guardrail `{guardrail}`");
                    out.push(PolicyFault::new("invalid_guardrail", "pipeline.steps", Some(guardrail), why));
                }
            }
        }
        out
    }

    fn lineage(&self, name: &str, policy: &Policy) -> Option<PolicyFault> {
        let root = self.line(name, policy).first().map(|(_, root)| *root)?;
        let missing = root.inherit.as_deref()?;
        Some(match self.get(missing) {
            None => {
                let why = format!("there is no policy `{missing}` to inherit from");
                PolicyFault::new("invalid_inheritance", "inherit", Some(missing), why)
            }
            // The line ended although there was more: it had been there before.
            Some(_) => {
                let why = format!("`{missing}` inherits from itself");
                PolicyFault::new("circular_inheritance", "inherit", Some(missing), why)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told() {
        let mut all = Policies::default();
        for (name, policy) in [
            ("fine", r#"{"guardrails":{"add":["a"]}}"#),
            ("lost", r#"{"inherit":"nobody","guardrails":{"add":["x"],"remove":["y"]}}"#),
            ("one", r#"{"inherit":"two"}"#),
            ("two", r#"{"inherit":"one"}"#),
            ("steps", r#"{"pipeline":{"mode":"pre_call","steps":[{"guardrail":"a"},{"guardrail":"z"}]}}"#),
            ("odd", r#"{"condition":{"model":"gpt-(4"},"pipeline":{"mode":"pre_call","steps":[]}}"#),
        ] {
            all.put(name, Policy::read(&serde_json::from_str(policy).unwrap()).unwrap());
        }
        let told = |name: &str| {
            let faults = all.faults(name, |guardrail| guardrail == "a");
            faults.iter().map(|f| format!("{} {} {}", f.kind, f.field, f.warning)).collect::<Vec<_>>()
        };
        assert!(told("fine").is_empty() && told("nobody").is_empty());
        let lost = [
            "invalid_guardrail guardrails.add false",
            "invalid_guardrail guardrails.remove true",
            "invalid_inheritance inherit false",
        ];
        assert_eq!(told("lost"), lost);
        assert_eq!(told("one"), ["circular_inheritance inherit false"]);
        assert_eq!(told("steps"), ["invalid_guardrail pipeline.steps false"]);
        assert_eq!(told("odd"), ["invalid_scope condition.model false", "invalid_syntax pipeline false"]);
    }
}
