//! A logo that an administrator uploads. It lies in the database, so every gateway shows it; the theme names it by the address
//! that it is shown at, with the start of its digest, so that another picture has another address.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use llm_store::{StoreTx, UiSettingsPatch, UiSettingsRow};
use llm_types::Json;
use sha2::{Digest, Sha256};

use super::theme::SETTING;
use crate::Accounts;
use crate::audit::{Action, keep};
use crate::keys::{Actor, bad};
use crate::request::Outcome;

const ROW: &str = "ui_logo";

/// Bytes of a picture at the most, as in LiteLLM.
const LARGEST: usize = 5 << 20;

/// How long it stands that a picture is not there: another gateway may have stored it.
const STANDS: Duration = Duration::from_secs(5);

/// Where an uploaded picture is shown.
const SHOWN_AT: &str = "/get_image?v=";

/// Endings of file names, and what such a file is.
const KINDS: [(&str, &str); 4] =
    [(".png", "image/png"), (".jpg", "image/jpeg"), (".jpeg", "image/jpeg"), (".svg", "image/svg+xml")];

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// The start of its digest.
    pub tag: String,
    /// Its media type.
    pub kind: &'static str,
    /// The picture.
    pub bytes: Bytes,
}

/// What was found when a picture was asked for.
#[derive(Debug)]
pub(crate) struct Known {
    asked: String,
    at: Instant,
    logo: Option<Arc<Logo>>,
}

impl Known {
    /// It is what this address shows.
    fn answers(&self, tag: &str) -> bool {
        let whole = self.logo.as_ref().is_some_and(|logo| logo.tag == tag);
        self.asked == tag && (whole || self.at.elapsed() < STANDS)
    }
}

/// True for the address of an uploaded picture.
pub(super) fn is_uploaded(url: &str) -> bool {
    url.starts_with(SHOWN_AT)
}

/// The media type of a picture: what its name says, if that is what it is.
fn kind(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let (_, kind) = KINDS.into_iter().find(|(ending, _)| name.ends_with(ending))?;
    let is = match kind {
        "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        _ => std::str::from_utf8(bytes).is_ok_and(|text| text.contains("<svg")),
    };
    is.then_some(kind)
}

impl Accounts {
    /// `POST /upload/logo`: from now on this picture is the logo. The name says nothing but what kind of file it is.
    ///
    /// # Errors
    /// 400 for what is no PNG, JPEG or SVG, or larger than 5 MB.
    pub async fn upload_logo(&self, actor: Actor<'_>, name: &str, bytes: Bytes) -> Outcome<Json> {
        if bytes.len() > LARGEST {
            return Err(bad("File size too large. Maximum size is 5MB.").with_param("file").into());
        }
        let Some(kind) = kind(name, &bytes) else {
            let endings = KINDS.map(|(ending, _)| ending).join(", ");
            return Err(bad(format!("Invalid file type. Allowed types: {endings}")).with_param("file").into());
        };
        self.stores_models()?;
        let tag: String = hex::encode(Sha256::digest(&bytes)).chars().take(16).collect();
        let place = format!("{SHOWN_AT}{tag}");
        let stored = self.litellm_setting(SETTING).await?;
        let mut theme = if stored.as_object().is_some() { stored } else { Json::Object(Vec::new()) };
        theme.set("logo_url", place.as_str());
        // The theme names the picture: one is not there without the other.
        let changes = self.checked_litellm(&Json::object([(SETTING, theme)])).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.write_logo(&mut tx, actor, &tag, kind, &bytes).await?;
        self.commit_sections(tx, actor, changes).await?;
        *self.inner().logo.lock() = None;
        let ending = KINDS.into_iter().find(|(_, known)| *known == kind).map_or("", |(ending, _)| ending);
        Ok(Json::object([
            ("message", Json::from("Logo uploaded successfully")),
            ("status", Json::from("success")),
            ("file_path", Json::from(place)),
            ("filename", Json::from(format!("logo_{tag}{ending}"))),
            ("file_size", Json::from(bytes.len() as u64)),
        ]))
    }

    async fn write_logo(&self, tx: &mut StoreTx, actor: Actor<'_>, tag: &str, kind: &str, bytes: &[u8]) -> Outcome<()> {
        let facts = [("tag", Json::from(tag)), ("type", Json::from(kind)), ("size", Json::from(bytes.len() as u64))];
        let row = |settings: Json| UiSettingsRow {
            id: ROW.to_owned(),
            ui_settings: Json::from(settings.to_string()).to_raw(),
            ..UiSettingsRow::default()
        };
        let mut whole = Json::object(facts.clone());
        whole.set("data", STANDARD.encode(bytes));
        let whole = row(whole);
        let patch = UiSettingsPatch { ui_settings: Some(whole.ui_settings.clone()), ..UiSettingsPatch::default() };
        let before = keep(tx, ROW, &whole, &patch).await?;
        // Pictures do not belong into the audit log.
        let without = |before: UiSettingsRow| {
            let mut settings = super::read(Some(&before));
            settings.remove("data");
            row(settings)
        };
        let before = before.map(without);
        self.audit(
            tx.table(),
            actor,
            Action::over(before.as_ref()),
            ROW,
            before.as_ref(),
            Some(&row(Json::object(facts))),
        )
        .await
    }

    /// The picture at this address of the theme. Everybody may ask for it, so what was found is kept in memory, for a few
    /// seconds also that it is not there or another one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn logo(&self, url: &str) -> Outcome<Option<Arc<Logo>>> {
        let Some(tag) = url.strip_prefix(SHOWN_AT) else { return Ok(None) };
        if let Some(known) = self.inner().logo.lock().as_ref().filter(|known| known.answers(tag)) {
            return Ok(known.logo.clone());
        }
        let stored = self.stored_ui(ROW).await?;
        let kind = KINDS.into_iter().find(|(_, kind)| stored.text("type") == Some(kind)).map(|(_, kind)| kind);
        let bytes = stored.text("data").and_then(|data| STANDARD.decode(data).ok());
        let of = stored.text("tag").unwrap_or_default().to_owned();
        let logo = kind.zip(bytes).map(|(kind, bytes)| Arc::new(Logo { tag: of, kind, bytes: Bytes::from(bytes) }));
        *self.inner().logo.lock() = Some(Known { asked: tag.to_owned(), at: Instant::now(), logo: logo.clone() });
        Ok(logo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_called_is_not_enough() {
        let png = b"\x89PNG\r\n\x1a\n....";
        assert_eq!(kind("a/../B.PNG", png), Some("image/png"));
        assert_eq!(kind("a.svg", b"<?xml version=\"1.0\"?><svg/>"), Some("image/svg+xml"));
        assert_eq!(kind("a.jpeg", b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        for (name, bytes) in
            [("a.jpg", &png[..]), ("a.png", b"<svg/>"), ("a.gif", png), ("png", png), ("a.svg", b"\xff<svg")]
        {
            assert_eq!(kind(name, bytes), None, "{name}");
        }
    }
}
