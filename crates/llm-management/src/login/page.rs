//! The login form: plain HTML, no script, everything from outside escaped.

use axum::body::Body;
use http::Response;
use llm_types::Json;
use llm_types::markup::escaped;

use super::visit::own_path;
use super::{Visit, reply};

fn document(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    )
}

/// A page with one sentence.
pub(super) fn message(text: &str) -> String {
    document("Sign in", &format!("<p>{}</p>", escaped(text)))
}

/// A page that shows JSON.
pub(super) fn told(title: &str, json: &Json) -> String {
    let text = serde_json::to_string_pretty(json).unwrap_or_else(|_| json.to_string());
    document(title, &format!("<pre>{}</pre>", escaped(&text)))
}

/// The form, with what went wrong before.
pub(super) fn form(visit: &Visit, wrong: Option<&str>) -> String {
    let login = visit.settings();
    let mut body = String::new();
    if let Some(wrong) = wrong {
        body += &format!("<p role=\"alert\">{}</p>", escaped(wrong));
    }
    if !(login.hide_hint || login.no_environment_login) {
        body += "<p>The user name is <code>admin</code> and the password the master key, unless UI_USERNAME and UI_PASSWORD say otherwise.</p>";
    }
    let back = visit.field("return_to").or_else(|| visit.asked("return_to").map(str::to_owned));
    let hidden = own_path(back.as_deref())
        .map(|path| format!("<input type=\"hidden\" name=\"return_to\" value=\"{}\">", escaped(path)))
        .unwrap_or_default();
    body += &format!(
        "<form method=\"post\" action=\"{}/login\"><p><label>User name or e-mail <input name=\"username\" autocomplete=\"username\" required></label></p><p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label></p>{hidden}<p><button type=\"submit\">Sign in</button></p></form>",
        escaped(login.root_path.trim_end_matches('/'))
    );
    document("Sign in", &body)
}

/// The form that asks for the code of a command line.
pub(super) fn code(action: &str, token: &str) -> String {
    let body = format!(
        "<p>Type the code that your terminal shows. If you did not begin a login there, close this page.</p><form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"browser_complete_token\" value=\"{}\"><p><label>Code <input name=\"user_code\" autocomplete=\"off\" required></label></p><p><button type=\"submit\">Go on</button></p></form>",
        escaped(action),
        escaped(token)
    );
    document("Log in a command line", &body)
}

/// `GET /fallback/login`: the form, also where an identity provider is configured.
pub(super) async fn fallback(visit: Visit) -> Response<Body> {
    if visit.settings().ui_disabled {
        return reply::html(200, message("The admin UI is disabled."));
    }
    reply::html(200, form(&visit, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        for evil in ["<script>alert(1)</script>", "\" onload=\"x", "' onload='x", "</p><img src=x onerror=y>", "&lt;"] {
            let page = message(evil);
            assert!(!page.contains(evil), "{page}");
        }
        assert_eq!(escaped("a&b<c>\"d\"'e'"), "a&amp;b&lt;c&gt;&quot;d&quot;&#39;e&#39;");
    }
}
