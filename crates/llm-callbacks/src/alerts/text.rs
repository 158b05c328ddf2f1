//! Alerts as text for people and as LiteLLM's `WebhookEvent`.

use chrono::{DateTime, Utc};
use llm_types::Json;
use llm_types::alert::{AlertType, BudgetAlert, BudgetEvent, Notice, in_words};

/// What happened to whose budget.
pub(super) fn sentence(alert: &BudgetAlert) -> String {
    let whose = in_words(alert.group);
    let what = match alert.event {
        BudgetEvent::Crossed => "Budget Crossed".to_owned(),
        BudgetEvent::Threshold(percent) => format!("{percent}% Threshold Crossed"),
        BudgetEvent::SoftCrossed => "Soft Budget Crossed".to_owned(),
        BudgetEvent::MaxBudget(percent) => format!("{percent}% of Max Budget Reached"),
    };
    format!("{whose} Budget: {what}")
}

/// The fields of an alert, LiteLLM's names; what is not there is left out.
fn fields(alert: &BudgetAlert) -> Vec<(&'static str, Json)> {
    let who = &alert.caller;
    let text = |value: &Option<std::sync::Arc<str>>| value.as_deref().map(Json::from);
    let all = [
        ("spend", Some(Json::from(alert.spend))),
        ("max_budget", alert.max_budget.map(Json::from)),
        ("soft_budget", alert.soft_budget.map(Json::from)),
        ("token", text(&who.key_hash)),
        ("key_alias", text(&who.key_alias)),
        ("customer_id", text(&who.end_user)),
        ("user_id", text(&who.user_id)),
        ("user_email", text(&who.user_email)),
        ("team_id", text(&who.team_id)),
        ("team_alias", text(&who.team_alias)),
        ("organization_id", text(&who.organization_id)),
        ("project_id", text(&who.project_id)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The same for people.
pub(super) fn shown_fields(alert: &BudgetAlert) -> impl Iterator<Item = (&'static str, String)> {
    let shown = |value: Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    fields(alert).into_iter().map(move |(name, value)| (name, shown(value)))
}

/// True for notices that say the same, whichever call it was.
pub(super) fn alike(one: &Notice, other: &Notice) -> bool {
    let facts = |of: &Notice| of.facts.iter().filter(|(name, _)| *name != CALL).cloned().collect::<Vec<_>>();
    one.kind == other.kind && one.title == other.title && facts(one) == facts(other)
}

/// The fact that names a call.
pub(super) const CALL: &str = "Call";

/// True for notices that one digest tells of: of the same model at the same address.
pub(super) fn akin(one: &Notice, other: &Notice) -> bool {
    let place = |of: &Notice| {
        let facts = of.facts.iter().filter(|(name, _)| DIGESTED.contains(name));
        facts.cloned().collect::<Vec<_>>()
    };
    one.kind == other.kind && place(one) == place(other)
}

/// The facts by which LiteLLM's digests are kept apart.
const DIGESTED: [&str; 2] = ["Request Model", "API Base"];

/// The text of a notice that came `count` times, in Slack's markup.
pub(super) fn notice(notice: &Notice, at: DateTime<Utc>, count: u32, proxy_url: Option<&str>) -> String {
    let (kind, level) = (notice.kind.name(), notice.kind.level());
    let mut text = if count > 1 { format!("[Num Alerts: {count}]\n\n") } else { String::new() };
    text.push_str(&format!("Alert type: `{kind}`\n"));
    if !matches!(notice.kind, AlertType::DailyReports | AlertType::NewModelAdded | AlertType::SpendReports) {
        text.push_str(&format!("Level: `{level}`\nTimestamp: `{}`\n\nMessage: ", at.format("%H:%M:%S")));
    }
    text.push_str(&notice.title);
    message(text, notice.facts.iter().map(|(name, value)| (*name, value.clone())), proxy_url)
}

/// The text of an alert, in Slack's markup.
pub(super) fn budget(alert: &BudgetAlert, at: DateTime<Utc>, proxy_url: Option<&str>) -> String {
    let text = format!("Level: `High`\nTimestamp: `{}`\n\nMessage: {}\n", at.format("%H:%M:%S"), sentence(alert));
    message(text, std::iter::once((alert.group, alert.id.clone())).chain(shown_fields(alert)), proxy_url)
}

/// The body for Slack's webhooks.
pub(super) fn slack(text: &str) -> String {
    Json::object([("text", Json::from(text))]).to_string()
}

/// The body for webhooks of Microsoft Teams: an Adaptive Card with one block of text, as LiteLLM sends it. Cards know no
/// entities but links, of which none is a caller's.
pub(super) fn card(text: &str) -> String {
    let text = text.replace("](", "]\u{200b}(").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let block =
        Json::object([("type", Json::from("TextBlock")), ("text", Json::from(text)), ("wrap", Json::from(true))]);
    let content = Json::object([
        ("type", Json::from("AdaptiveCard")),
        ("version", Json::from("1.4")),
        ("body", Json::Array(vec![block])),
    ]);
    let kind = Json::from("application/vnd.microsoft.card.adaptive");
    let attachment = Json::object([("contentType", kind), ("content", content)]);
    Json::object([("type", Json::from("message")), ("attachments", Json::Array(vec![attachment]))]).to_string()
}

/// What is said and the facts that go with it.
fn message(mut text: String, facts: impl Iterator<Item = (&'static str, String)>, proxy_url: Option<&str>) -> String {
    for (name, value) in facts {
        text.push_str(&format!("\n*{name}:* `{}`", plain(&value)));
    }
    if let Some(url) = proxy_url {
        text.push_str(&format!("\n\nProxy URL: `{url}`"));
    }
    text
}

/// Characters of a value that callers named.
const LONGEST: usize = 200;

/// A value that callers named: nothing of it is markup, and nobody is called by it.
pub(super) fn plain(value: &str) -> String {
    let escaped = value.chars().take(LONGEST).map(|c| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '`' | '\n' | '\r' => "'".to_owned(),
        '@' => "@\u{200b}".to_owned(),
        other => other.to_string(),
    });
    escaped.collect()
}

/// LiteLLM's `WebhookEvent`.
pub(super) fn event(alert: &BudgetAlert) -> String {
    let mut out: Vec<(&'static str, Json)> = vec![
        ("event", Json::from(alert.event.name())),
        ("event_group", Json::from(alert.group)),
        ("event_message", Json::from(sentence(alert))),
    ];
    out.extend(fields(alert));
    if !alert.emails.is_empty() {
        out.push(("alert_emails", Json::Array(alert.emails.iter().map(|email| Json::from(email.as_str())).collect())));
    }
    Json::object(out).to_string()
}

#[cfg(test)]
mod tests {
    use llm_types::record::Caller;

    use super::*;

    fn alert(event: BudgetEvent) -> BudgetAlert {
        let caller = Caller {
            key_hash: Some("0123abcd".into()),
            key_alias: Some("<!channel> `x` @here".into()),
            team_id: Some("t".into()),
            ..Caller::default()
        };
        let (max_budget, soft_budget) = (Some(2.0), Some(1.5));
        let emails = vec!["a@x.org".to_owned()];
        BudgetAlert {
            event,
            group: "team_member",
            id: "t:u".into(),
            caller,
            spend: 1.75,
            max_budget,
            soft_budget,
            emails,
            people: Vec::new(),
        }
    }

    #[test]
    fn a_webhook_event_has_litellms_fields() {
        let body = event(&alert(BudgetEvent::SoftCrossed));
        assert_eq!(
            body,
            r#"{"event":"soft_budget_crossed","event_group":"team_member","event_message":"Team Member Budget: Soft Budget Crossed","spend":1.75,"max_budget":2.0,"soft_budget":1.5,"token":"0123abcd","key_alias":"<!channel> `x` @here","team_id":"t","alert_emails":["a@x.org"]}"#
        );
    }

    #[test]
    fn notices_are_told_once_with_their_number() {
        let note = |call: &str, key: &str| Notice {
            kind: AlertType::LlmExceptions,
            title: "LLM API call failed: `x`".to_owned(),
            facts: vec![("Key Name", key.to_owned()), (CALL, call.to_owned())],
        };
        let one = note("1", "a`b");
        assert!(alike(&one, &note("2", "a`b")) && !alike(&one, &note("1", "other")));
        let text = |count| notice(&one, DateTime::default(), count, None);
        let told = "Alert type: `llm_exceptions`\nLevel: `High`\nTimestamp: `00:00:00`\n\nMessage: LLM API call failed: `x`\n*Key Name:* `a'b`\n*Call:* `1`";
        assert_eq!(text(1), told);
        assert_eq!(text(3), format!("[Num Alerts: 3]\n\n{told}"));
    }

    #[test]
    fn names_from_callers_are_no_markup_in_slack() {
        let text = budget(&alert(BudgetEvent::Threshold(5)), DateTime::default(), Some("https://gateway.example"));
        assert!(text.starts_with(
            "Level: `High`\nTimestamp: `00:00:00`\n\nMessage: Team Member Budget: 5% Threshold Crossed\n"
        ));
        assert!(text.contains("*key_alias:* `&lt;!channel&gt; 'x' @\u{200b}here`"), "{text}");
        assert!(text.ends_with("Proxy URL: `https://gateway.example`"), "{text}");
    }

    #[test]
    fn a_card_has_one_block_and_no_link_of_a_callers() {
        let body: Json = serde_json::from_str(&card("*key_alias:* `&lt;b&gt; [x](https://evil) &amp;lt;`")).unwrap();
        let attachment = body.get("attachments").and_then(Json::as_array).unwrap().first().unwrap().clone();
        assert_eq!(attachment.text("contentType"), Some("application/vnd.microsoft.card.adaptive"));
        let content = attachment.get("content").unwrap().to_string();
        let wanted = r#"{"type":"AdaptiveCard","version":"1.4","body":[{"type":"TextBlock","text":"*key_alias:* `<b> [x]\u200b(https://evil) &lt;`","wrap":true}]}"#;
        assert_eq!(content, wanted.replace("\\u200b", "\u{200b}"));
    }

    #[test]
    fn a_digest_tells_of_one_model_at_one_address() {
        let note = |title: &str, model: &str| Notice {
            kind: AlertType::LlmExceptions,
            title: title.to_owned(),
            facts: vec![("Request Model", model.to_owned()), ("Key Name", title.to_owned())],
        };
        assert!(akin(&note("a", "m"), &note("b", "m")) && !akin(&note("a", "m"), &note("a", "n")));
    }
}
