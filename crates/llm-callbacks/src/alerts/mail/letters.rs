//! What letters say, as plain text and as HTML. Names and amounts come from anybody: none of them is markup, and none makes a
//! second line of a subject.

use chrono::{DateTime, Utc};
use llm_types::alert::{BudgetAlert, BudgetEvent};
use llm_types::letter::{Letter, Occasion};
use llm_types::markup::escaped;

use super::super::text::{sentence, shown_fields};
use super::{Mail, MailSettings};

/// Characters of a subject.
const LONGEST_SUBJECT: usize = 200;

/// A letter before it is dressed: what it says, what goes with it, where to go from here.
struct Draft<'a> {
    to: &'a str,
    subject: String,
    says: Vec<String>,
    facts: Vec<(&'a str, String)>,
    /// Told in a line of its own.
    key: Option<&'a str>,
    link: Option<String>,
}

/// A letter about an account.
pub(super) fn of_account(letter: &Letter, settings: &MailSettings) -> Mail {
    let custom = match letter.about {
        Occasion::Invitation => settings.subject_invitation.as_ref(),
        Occasion::KeyCreated => settings.subject_key_created.as_ref(),
        _ => None,
    };
    let (title, says) = match letter.about {
        Occasion::Invitation => (
            "Welcome to LiteLLM Proxy",
            "You were invited to the gateway. Follow the link to set a password; it is good once, for seven days.",
        ),
        Occasion::KeyRotated => (
            "API Key Rotated",
            "Your key has a new secret. The old one ends now, or with the period of grace it was given.",
        ),
        _ => ("API Key Created", "A key of the gateway was made for you."),
    };
    let mut says = vec![says.to_owned()];
    let key = letter.key.as_ref().filter(|_| settings.include_key).map(llm_types::Secret::expose);
    if letter.key.is_some() && key.is_none() {
        says.push("The key itself is not told here: ask whoever made it.".to_owned());
    }
    let link = letter.path.as_ref().map(|path| format!("{}{path}", settings.base_url.as_deref().unwrap_or_default()));
    let draft = Draft {
        to: &letter.to,
        subject: custom.cloned().unwrap_or_else(|| format!("LiteLLM: {title}")),
        says,
        facts: letter.facts.clone(),
        key,
        link: link.or_else(|| settings.base_url.clone()),
    };
    draft.dressed(settings)
}

/// A letter about a budget.
pub(super) fn of_budget(alert: &BudgetAlert, to: &str, at: DateTime<Utc>, settings: &MailSettings) -> Mail {
    let says = match alert.event {
        BudgetEvent::Crossed => {
            "All of a budget that holds for you is spent. Calls are refused until it is raised or starts again."
        }
        BudgetEvent::SoftCrossed => "A soft budget that holds for you is spent. Nothing is refused because of it.",
        BudgetEvent::Threshold(_) | BudgetEvent::MaxBudget(_) => {
            "A budget that holds for you runs out. Nothing is refused yet."
        }
    };
    let mut facts = vec![(alert.group, alert.id.clone())];
    facts.extend(shown_fields(alert).filter(|(name, _)| *name != alert.group));
    facts.push(("time", at.format("%Y-%m-%d %H:%M:%S UTC").to_string()));
    let draft = Draft {
        to,
        subject: format!("LiteLLM: {}", sentence(alert)),
        says: vec![says.to_owned()],
        facts,
        key: None,
        link: settings.base_url.clone(),
    };
    draft.dressed(settings)
}

/// A letter that says nothing.
pub(super) fn trial(to: &str, settings: &MailSettings) -> Mail {
    let says = vec![
        "This letter was asked for with GET /health/services?service=email. It means that e-mail works.".to_owned(),
    ];
    let link = settings.base_url.clone();
    let subject = "LiteLLM: Test Email Alert".to_owned();
    Draft { to, subject, says, facts: Vec::new(), key: None, link }.dressed(settings)
}

impl Draft<'_> {
    fn dressed(self, settings: &MailSettings) -> Mail {
        let (text, html) = (self.text(settings), self.html(settings));
        let subject: String = self.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Mail { to: self.to.to_owned(), subject: subject.chars().take(LONGEST_SUBJECT).collect(), text, html }
    }

    fn text(&self, settings: &MailSettings) -> String {
        let mut out = format!("Hi {},\n\n{}\n", self.to, self.says.join("\n"));
        if let Some(key) = self.key {
            out.push_str(&format!("\nKey: {key}\n"));
        }
        if !self.facts.is_empty() {
            out.push('\n');
        }
        for (name, value) in &self.facts {
            out.push_str(&format!("{name}: {}\n", value.replace(['\r', '\n'], " ")));
        }
        if let Some(link) = &self.link {
            out.push_str(&format!("\n{link}\n"));
        }
        if let Some(support) = &settings.support {
            out.push_str(&format!("\nQuestions: {support}\n"));
        }
        if let Some(signature) = &settings.signature {
            out.push_str(&format!("\n{signature}\n"));
        }
        out
    }

    fn html(&self, settings: &MailSettings) -> String {
        let mut out = String::from("<!DOCTYPE html><html><body style=\"font-family:sans-serif\">");
        if let Some(logo) = &settings.logo {
            out.push_str(&format!("<p><img src=\"{}\" alt=\"\" height=\"50\"></p>", escaped(logo)));
        }
        out.push_str(&format!("<p>Hi {},</p>", escaped(self.to)));
        for says in &self.says {
            out.push_str(&format!("<p>{}</p>", escaped(says)));
        }
        if let Some(key) = self.key {
            out.push_str(&format!("<p>Key: <code>{}</code></p>", escaped(key)));
        }
        if !self.facts.is_empty() {
            out.push_str("<table>");
            for (name, value) in &self.facts {
                out.push_str(&format!("<tr><td>{}</td><td>{}</td></tr>", escaped(name), escaped(value)));
            }
            out.push_str("</table>");
        }
        if let Some(link) = &self.link {
            let link = escaped(link);
            out.push_str(&format!("<p><a href=\"{link}\">{link}</a></p>"));
        }
        if let Some(support) = &settings.support {
            out.push_str(&format!("<p>Questions: {}</p>", escaped(support)));
        }
        if let Some(signature) = &settings.signature {
            out.push_str(&format!("<p>{}</p>", escaped(signature).replace('\n', "<br>")));
        }
        out.push_str("</body></html>");
        out
    }
}

#[cfg(test)]
mod tests {
    use llm_types::Secret;

    use super::super::MailWay;
    use super::*;

    fn settings() -> MailSettings {
        MailSettings {
            way: MailWay::Resend { key: Secret::new("k"), base: String::new() },
            from: "gate@x.org".to_owned(),
            base_url: Some("https://gate.x.org".to_owned()),
            logo: None,
            support: None,
            signature: Some("A & B".to_owned()),
            subject_invitation: None,
            subject_key_created: Some("Your key\r\nBcc: all@x.org".to_owned()),
            include_key: true,
        }
    }

    fn letter(about: Occasion) -> Letter {
        let facts = vec![("key_alias", "<img src=x>\nKey: none".to_owned())];
        Letter { to: "a@x.org".to_owned(), about, facts, key: Some(Secret::new("sk-of-test")), path: None }
    }

    #[test]
    fn what_callers_named_is_no_markup_and_no_line() {
        let mail = of_account(&letter(Occasion::KeyCreated), &settings());
        assert_eq!(mail.subject, "Your key  Bcc: all@x.org");
        assert_eq!(
            mail.text,
            "Hi a@x.org,\n\nA key of the gateway was made for you.\n\nKey: sk-of-test\n\nkey_alias: <img src=x> Key: none\n\nhttps://gate.x.org\n\nA & B\n"
        );
        assert!(mail.html.contains("<td>&lt;img src=x&gt;\nKey: none</td>"), "{}", mail.html);
        assert!(mail.html.contains("<p>A &amp; B</p>") && !mail.html.contains("<img"), "{}", mail.html);
    }

    #[test]
    fn a_key_is_told_where_that_is_wanted() {
        let without = MailSettings { include_key: false, ..settings() };
        let mail = of_account(&letter(Occasion::KeyRotated), &without);
        assert!(!mail.text.contains("sk-of-test") && !mail.html.contains("sk-of-test"), "{}", mail.text);
        assert!(mail.text.contains("The key itself is not told here"), "{}", mail.text);
    }
}
