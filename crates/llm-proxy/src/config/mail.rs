//! E-mail: `alerting: [email]` and the callbacks `smtp_email`, `resend_email`, `sendgrid_email`; LiteLLM's variables → how letters
//! leave the house.

use std::time::Duration;

use llm_callbacks::{MailSettings, MailWay, Smtp};
use llm_types::Secret;

use super::env::Environment;

/// Which way was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// The one whose variables are there: SMTP before Resend before SendGrid.
    Any,
    Smtp,
    Resend,
    SendGrid,
}

/// The callbacks that send letters.
const CALLBACKS: [(&str, Named); 3] =
    [("smtp_email", Named::Smtp), ("resend_email", Named::Resend), ("sendgrid_email", Named::SendGrid)];

/// The way that a callback names.
pub(crate) fn callback(name: &str) -> Option<Named> {
    CALLBACKS.iter().find(|(known, _)| *known == name).map(|(_, way)| *way)
}

/// How letters are sent.
///
/// # Errors
/// The variable that is missing or wrong, for people.
pub(crate) fn read(env: &Environment, named: Named) -> Result<MailSettings, String> {
    let way = match named {
        Named::Any if env.filled("SMTP_HOST").is_some() => Named::Smtp,
        Named::Any if env.filled("RESEND_API_KEY").is_some() => Named::Resend,
        Named::Any if env.filled("SENDGRID_API_KEY").is_some() => Named::SendGrid,
        Named::Any => return Err("set SMTP_HOST, RESEND_API_KEY or SENDGRID_API_KEY".to_owned()),
        named => named,
    };
    let senders: &[&str] = match way {
        Named::SendGrid => &["SENDGRID_SENDER_EMAIL", "SMTP_SENDER_EMAIL"],
        _ => &["SMTP_SENDER_EMAIL"],
    };
    let from = senders.iter().find_map(|name| env.filled(name));
    let from = from.ok_or_else(|| format!("{} is not set", senders.join(" or ")))?;
    let service = |key: &str, base: &str, usual: &str| -> Result<(Secret, String), String> {
        let base = env.filled(base).unwrap_or_else(|| usual.to_owned());
        Ok((Secret::new(env.needed(key)?), base.trim_end_matches('/').to_owned()))
    };
    let way = match way {
        Named::Resend => {
            let (key, base) = service("RESEND_API_KEY", "RESEND_API_BASE", "https://api.resend.com")?;
            MailWay::Resend { key, base }
        }
        Named::SendGrid => {
            let (key, base) = service("SENDGRID_API_KEY", "SENDGRID_API_BASE", "https://api.sendgrid.com")?;
            MailWay::SendGrid { key, base }
        }
        _ => MailWay::Smtp(smtp(env, env.needed("SMTP_HOST")?)?),
    };
    Ok(MailSettings {
        way,
        from,
        base_url: env.filled("PROXY_BASE_URL").map(|url| url.trim_end_matches('/').to_owned()),
        logo: ["SMTP_SENDER_LOGO", "EMAIL_LOGO_URL"].iter().find_map(|name| env.filled(name)),
        support: env.filled("EMAIL_SUPPORT_CONTACT"),
        signature: env.filled("EMAIL_SIGNATURE"),
        subject_invitation: env.filled("EMAIL_SUBJECT_INVITATION"),
        subject_key_created: env.filled("EMAIL_SUBJECT_KEY_CREATED"),
        include_key: !env.is_false("EMAIL_INCLUDE_API_KEY"),
    })
}

fn smtp(env: &Environment, host: String) -> Result<Smtp, String> {
    let port = env.filled("SMTP_PORT").unwrap_or_else(|| "587".to_owned());
    let port = port.trim().parse().map_err(|_| "SMTP_PORT is no port".to_owned())?;
    let login = env.filled("SMTP_USERNAME").zip(env.filled("SMTP_PASSWORD").map(Secret::new));
    let timeout = env.seconds("SMTP_TIMEOUT")?.unwrap_or(Duration::from_secs(30));
    if timeout.is_zero() {
        return Err("SMTP_TIMEOUT is no time at all".to_owned());
    }
    let (starttls, tls_first) = (!env.is_false("SMTP_TLS"), env.is_true("SMTP_USE_SSL"));
    Ok(Smtp { host, port, login, starttls, tls_first, timeout })
}
