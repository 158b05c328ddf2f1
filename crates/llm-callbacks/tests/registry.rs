//! Names of callbacks.

use llm_callbacks::registry::{Builtin, Reason, find, names};

#[test]
fn names_are_served_or_say_why_not() {
    assert_eq!(find("prometheus"), Ok(Builtin::Prometheus));
    assert!(names().all(|name| find(name).is_ok()));
    for (name, reason, text) in [
        ("mlflow", Reason::NotServedYet, "the callback `mlflow` of LiteLLM is not served yet"),
        (
            "my_module.logger",
            Reason::PythonCode,
            "the callback `my_module.logger` is Python code, which cannot run here",
        ),
        ("promethues", Reason::Unknown, "there is no callback named `promethues`"),
    ] {
        let problem = find(name).err();
        assert_eq!(problem.as_ref().map(|p| p.reason), Some(reason));
        assert_eq!(problem.map(|p| p.to_string()).as_deref(), Some(text));
    }
}
