//! Jinja templates, filled with variables that strangers give. A template reaches nothing but its variables; steps and size
//! of what it makes are bounded.

use std::io::{self, Write};
use std::sync::LazyLock;

use llm_types::{Error, Json, Result};
use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{Environment, Output, State};

/// Steps that filling may take.
const STEPS: u64 = 200_000;
/// Largest text that a template may become, in bytes.
const LARGEST: usize = 4 << 20;

/// Stands before what a variable brought in: no role begins there. Neither is a character of any text.
const MARK: char = '\u{fffe}';
/// A line break of a variable.
const BREAK: &str = "\u{ffff}";

static JINJA: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut jinja = Environment::new();
    jinja.set_fuel(Some(STEPS));
    jinja.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    jinja.set_formatter(write);
    jinja
});

/// Writes a value as Python would.
fn write(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> std::result::Result<(), minijinja::Error> {
    let text = match value.kind() {
        ValueKind::Undefined => return Ok(()),
        ValueKind::None => "None".to_owned(),
        ValueKind::Bool => if value.is_true() { "True" } else { "False" }.to_owned(),
        _ => value.to_string().replace('\n', BREAK),
    };
    out.write_str(&format!("{MARK}{text}")).map_err(minijinja::Error::from)
}

/// Whether a template can be read.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn check(template: &str) -> std::result::Result<(), String> {
    JINJA.template_from_str(template).map(drop).map_err(|e| format!("the template cannot be read: {e}"))
}

/// Fills a template. What variables brought in is marked, see [`plain`].
///
/// # Errors
/// 400 when the template cannot be filled with these variables.
pub(super) fn fill(template: &str, variables: &Json) -> Result<String> {
    let wrong = |e: &dyn std::fmt::Display| {
        Error::bad_request(format!("the prompt cannot be filled: {e}")).with_param("prompt_variables")
    };
    let template = JINJA.template_from_str(template).map_err(|e| wrong(&e))?;
    let mut out = Bounded(Vec::new());
    template.render_captured_to(Value::from(Serde(variables)), &mut out).map_err(|e| wrong(&e))?;
    String::from_utf8(out.0).map_err(|e| wrong(&e))
}

/// The text without the marks.
pub(super) fn plain(filled: &str) -> String {
    filled.replace(MARK, "").replace(BREAK, "\n")
}

/// A text that cannot grow without end.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST {
            return Err(io::Error::other("it becomes too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, variables: &str) -> Result<String> {
        fill(template, &serde_json::from_str(variables).unwrap()).map(|text| plain(&text))
    }

    #[test]
    fn values_look_like_python_and_are_not_escaped() {
        let made = filled("{{a}} {{b}} {{c}} {{d}}{{missing}}", r#"{"a":true,"b":null,"c":"<x> & y","d":1.5}"#);
        assert_eq!(made.unwrap(), "True None <x> & y 1.5");
        let list = filled("{% for x in xs %}- {{ x | upper }}\n{% endfor %}{{ xs | length }}", r#"{"xs":["a","b"]}"#);
        assert_eq!(list.unwrap(), "- A\n- B\n2");
    }

    #[test]
    fn work_and_size_are_bounded() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}";
        assert!(filled(endless, "{}").is_err());
        let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(1 << 20));
        assert!(filled("{{x}}{{x}}{{x}}", &large).is_ok());
        assert!(filled("{{x}}{{x}}{{x}}{{x}}{{x}}", &large).is_err());
    }
}
