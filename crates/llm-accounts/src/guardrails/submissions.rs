//! Guardrails that teams ask for (`/guardrails/register`, `/guardrails/submissions`): rows that wait until an administrator lets
//! them in or turns them down. What waits runs for nobody. Call these on the store's runtime.

use llm_store::{Filter, GuardrailPatch, GuardrailRow, TeamRow};
use llm_types::{Error, Json};

use super::{ACTIVE, masked, taken};
use crate::Accounts;
use crate::audit::Action;
use crate::identity::Identity;
use crate::keys::{Actor, bad, forbidden, not_found, view};
use crate::request::{Map, Outcome, body, required, unless_taken, without_references};
use crate::rights::Standing;

body! {
    /// `POST /guardrails/register`.
    struct RegisterBody {
        guardrail_name: String,
        litellm_params: Map,
        guardrail_info: Map,
        team_id: String,
    }
}

/// What `GET /guardrails/submissions` asks for.
#[derive(Debug, Clone, Default)]
pub struct SubmissionQuery {
    /// `pending_review`, `active`, `rejected`.
    pub status: Option<String>,
    /// The team that asked.
    pub team_id: Option<String>,
    /// A part of the name or the description.
    pub search: Option<String>,
}

/// Rows that wait for somebody's word.
const PENDING: &str = "pending_review";
/// Rows that were turned down.
const REJECTED: &str = "rejected";
/// What teams may ask for: an address of theirs, as in LiteLLM.
const KIND: &str = "generic_guardrail_api";
/// And words that are looked for here, which leads nowhere else.
const FILTER: &str = "litellm_content_filter";
/// Patterns and words of one at the most.
const PATTERNS: usize = 50;

/// Rows of a team that may wait at the same time.
const WAITING: u64 = 50;
/// Bytes of the parameters and of what is told beside them.
const LARGEST: usize = 64 << 10;

/// Parameters that name an address to ask.
///
/// # Errors
/// 400 for anything else.
fn asked_for(params: &Json) -> Outcome<()> {
    let wrong = |why: String| -> Outcome<()> { Err(bad(why).with_param("litellm_params").into()) };
    let kind = params.text("guardrail");
    if ![Some(KIND), Some(FILTER)].contains(&kind) {
        let why = format!(
            "Only guardrails with litellm_params.guardrail='{KIND}' or '{FILTER}' are accepted for registration"
        );
        return wrong(why);
    }
    if params.get("mode").is_none_or(Json::is_null) {
        return wrong("litellm_params.mode is required (e.g. pre_call, post_call)".to_owned());
    }
    without_references(Some(params))?;
    if kind == Some(FILTER) {
        return Ok(());
    }
    let Some(base) = params.text("api_base").filter(|base| !base.is_empty()) else {
        return wrong(format!("litellm_params.api_base is required for {KIND}"));
    };
    let uri: Option<http::Uri> = base.parse().ok();
    let scheme = uri.as_ref().and_then(http::Uri::scheme_str);
    if !matches!(scheme, Some("http" | "https")) {
        return wrong("litellm_params.api_base must use http or https scheme".to_owned());
    }
    if uri.and_then(|uri| uri.host().map(str::is_empty)).unwrap_or(true) {
        return wrong("litellm_params.api_base must contain a valid hostname".to_owned());
    }
    Ok(())
}

fn item(row: &GuardrailRow) -> Json {
    let whole = view::row(&masked(row));
    let field = |name: &str| whole.get(name).cloned().unwrap_or_default();
    let info: Json = row.guardrail_info.as_ref().map(Json::from).unwrap_or_default();
    let info = if info.as_object().is_some() { info } else { Json::Object(Vec::new()) };
    let by = |name: &str| info.get(name).cloned().unwrap_or_default();
    Json::object([
        ("guardrail_id", field("guardrail_id")),
        ("guardrail_name", field("guardrail_name")),
        ("status", field("status")),
        ("team_id", field("team_id")),
        ("team_guardrail", Json::from(row.team_id.is_some())),
        ("litellm_params", field("litellm_params")),
        ("submitted_by_user_id", by("submitted_by_user_id")),
        ("submitted_by_email", by("submitted_by_email")),
        ("guardrail_info", info),
        ("submitted_at", field("submitted_at")),
        ("reviewed_at", field("reviewed_at")),
        ("created_at", field("created_at")),
        ("updated_at", field("updated_at")),
    ])
}

impl SubmissionQuery {
    fn fits(&self, row: &GuardrailRow) -> bool {
        let same = |asked: &Option<String>, is: Option<&str>| asked.as_deref().is_none_or(|asked| is == Some(asked));
        let info: Json = row.guardrail_info.as_ref().map(Json::from).unwrap_or_default();
        let texts = [Some(row.guardrail_name.as_str()), info.text("description")];
        let found = self.search.as_ref().is_none_or(|search| {
            let search = search.to_lowercase();
            texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&search))
        });
        same(&self.status, Some(&row.status)) && same(&self.team_id, row.team_id.as_deref()) && found
    }
}

/// Each pattern may take megabytes when it is compiled, and anybody of a team may ask.
fn few_patterns(params: &Json) -> Outcome<()> {
    let lists = ["patterns", "blocked_words", "categories"].map(|name| params.get(name).and_then(Json::as_array));
    let count: usize = lists.into_iter().flatten().map(<[Json]>::len).sum();
    if count > PATTERNS {
        return Err(bad(format!("A guardrail that waits for review may have {PATTERNS} patterns and words")).into());
    }
    Ok(())
}

impl Accounts {
    /// `POST /guardrails/register`: asks for a guardrail for the body's team, or the key's.
    ///
    /// # Errors
    /// 400 without a team, for anything but an address to ask, for what could not be served, for a name that exists and when too
    /// many of the team's wait already; 403 for a team that the caller does not belong to; 422.
    pub async fn register_guardrail(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = RegisterBody::read(body)?;
        let name = required(asked.guardrail_name, "guardrail_name", body)?;
        let Map(params) = required(asked.litellm_params, "litellm_params", body)?;
        let key_team = actor.who.team_id().filter(|_| !actor.who.is_session());
        let Some(team) = asked.team_id.flatten().or_else(|| key_team.map(str::to_owned)) else {
            let why = "team_id is required. Provide it in the request body or use a team-scoped API key.";
            return Err(bad(why).with_param("team_id").into());
        };
        if key_team != Some(&team) && !self.is_member(actor.who, &team).await? {
            return Err(stranger(&team).into());
        }
        asked_for(&params)?;
        let who = actor.who;
        let mut info = asked.guardrail_info.flatten().map_or_else(|| Json::Object(Vec::new()), |Map(info)| info);
        info.set("submitted_by_user_id", Json::from(who.user_id()));
        info.set("submitted_by_email", Json::from(who.caller().user_email.as_deref()));
        info.set("team_guardrail", true);
        if params.to_string().len() + info.to_string().len() > LARGEST {
            return Err(bad(format!("A guardrail must not be larger than {} KB", LARGEST >> 10)).into());
        }
        let row = GuardrailRow {
            guardrail_name: name,
            litellm_params: self.sealed_params(&params)?,
            guardrail_info: Some(info.to_raw()),
            team_id: Some(team.clone()),
            submitted_at: Some(llm_store::defaults::now()),
            ..GuardrailRow::default()
        };
        self.name_is_free(&row).await?;
        let waiting = Filter::new().is("team_id", team).is("status", PENDING);
        if self.store_or_refuse()?.table::<GuardrailRow>().count(&waiting).await? >= WAITING {
            return Err(bad(format!("{WAITING} guardrails of this team wait for review already")).into());
        }
        few_patterns(&params)?;
        // What could not be let in is not worth anybody's time.
        self.check_guardrail(&row).await?;
        let row = GuardrailRow { status: PENDING.to_owned(), ..row };
        let mut tx = self.store_or_refuse()?.begin().await?;
        unless_taken(tx.table().insert(&row).await, taken(&row.guardrail_name), "guardrail_name")?;
        self.audit(tx.table(), actor, Action::Created, &row.guardrail_id, None, Some(&masked(&row))).await?;
        tx.commit().await?;
        let shown = item(&row);
        let names = ["guardrail_id", "guardrail_name", "status", "submitted_at"];
        Ok(Json::object(names.map(|name| (name, shown.get(name).cloned().unwrap_or_default()))))
    }

    /// `GET /guardrails/submissions`: those of all teams to administrators, of their own to others.
    ///
    /// # Errors
    /// 403 for a team that the caller does not belong to.
    pub async fn guardrail_submissions(&self, who: &Identity, query: &SubmissionQuery) -> Outcome<Json> {
        let of_teams = Filter::new().null("team_id", false);
        let mut rows = self.store_or_refuse()?.table::<GuardrailRow>().find(of_teams).await?;
        if !who.sees_all() {
            let own: Vec<String> =
                self.teams_from(who, Standing::Member).await?.into_iter().map(|team| team.team_id).collect();
            if let Some(team) = query.team_id.as_ref().filter(|team| !own.contains(team)) {
                return Err(stranger(team).into());
            }
            rows.retain(|row| row.team_id.as_ref().is_some_and(|team| own.contains(team)));
        }
        let count = |status: &str| Json::from(rows.iter().filter(|row| row.status == status).count() as u64);
        let summary = Json::object([
            ("total", Json::from(rows.len() as u64)),
            ("pending_review", count(PENDING)),
            ("active", count(ACTIVE)),
            ("rejected", count(REJECTED)),
        ]);
        rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
        let submissions = rows.iter().filter(|row| query.fits(row)).map(item).collect();
        Ok(Json::object([("submissions", Json::Array(submissions)), ("summary", summary)]))
    }

    /// `GET /guardrails/submissions/{guardrail_id}`.
    ///
    /// # Errors
    /// 404 for one that is not there, 403 for one of a team that the caller does not belong to.
    pub async fn guardrail_submission(&self, who: &Identity, id: &str) -> Outcome<Json> {
        let row = self.submission(id).await?;
        if !who.sees_all() {
            let mine = match &row.team_id {
                None => false,
                Some(team) => self.is_member(who, team).await?,
            };
            if !mine {
                return Err(forbidden("You are not a member of the team that owns this submission").into());
            }
        }
        Ok(item(&row))
    }

    /// `POST /guardrails/submissions/{guardrail_id}/approve` and `/reject`. One that is let in is in force when this returns.
    ///
    /// # Errors
    /// 404 for one that is not there, 400 for one that does not wait, or that could not be served.
    pub async fn review_guardrail(&self, actor: Actor<'_>, id: &str, approve: bool) -> Outcome<Json> {
        let before = self.submission(id).await?;
        if before.status != PENDING {
            return Err(bad(format!("Guardrail is not pending review (status={})", before.status)).into());
        }
        let (status, message) = if approve { (ACTIVE, "Guardrail approved") } else { (REJECTED, "Guardrail rejected") };
        if approve {
            self.stores_models()?;
            self.check_guardrail(&GuardrailRow { status: ACTIVE.to_owned(), ..before.clone() }).await?;
        }
        let now = llm_store::defaults::now();
        let patch = GuardrailPatch {
            status: Some(status.to_owned()),
            reviewed_at: Some(Some(now)),
            updated_at: Some(now),
            ..GuardrailPatch::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table::<GuardrailRow>().update([id], &patch).await?;
        let row = tx.table::<GuardrailRow>().get([id]).await?.ok_or_else(|| Error::internal("the row is gone"))?;
        let (old, new) = (masked(&before), masked(&row));
        self.audit(tx.table(), actor, Action::Updated, id, Some(&old), Some(&new)).await?;
        self.commit_and_serve(tx).await?;
        Ok(Json::object([("guardrail_id", id), ("status", status), ("message", message)]))
    }

    async fn submission(&self, id: &str) -> Outcome<GuardrailRow> {
        let row = self.store_or_refuse()?.table::<GuardrailRow>().get([id]).await?;
        Ok(row.ok_or_else(|| not_found("Guardrail submission not found").with_param("guardrail_id"))?)
    }

    /// Whether the caller belongs to a team; nobody does to one that is not there.
    async fn is_member(&self, who: &Identity, team: &str) -> Outcome<bool> {
        let row = self.store_or_refuse()?.table::<TeamRow>().get([team]).await?;
        let standing = match &row {
            None => Standing::None,
            Some(row) => self.standing_in_team(who, row).await?,
        };
        Ok(standing >= Standing::Member)
    }
}

fn stranger(team: &str) -> Error {
    forbidden(format!("You are not a member of team '{team}'")).with_param("team_id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teams_ask_for_an_address_of_theirs_and_nothing_else() {
        for (text, fine) in [
            (r#"{"guardrail":"generic_guardrail_api","mode":"pre_call","api_base":"https://g.example"}"#, true),
            (r#"{"guardrail":"litellm_content_filter","mode":"pre_call"}"#, true),
            (r#"{"guardrail":"presidio","mode":"pre_call","api_base":"https://g.example"}"#, false),
            (r#"{"guardrail":"generic_guardrail_api","mode":"pre_call"}"#, false),
            (r#"{"guardrail":"generic_guardrail_api","mode":"pre_call","api_base":"ftp://g.example"}"#, false),
            (r#"{"guardrail":"generic_guardrail_api","api_base":"https://g.example"}"#, false),
            (
                r#"{"guardrail":"generic_guardrail_api","mode":"pre_call","api_base":"https://g.example","api_key":"os.environ/A"}"#,
                false,
            ),
        ] {
            let json: Json = serde_json::from_str(text).unwrap();
            assert_eq!(asked_for(&json).is_ok(), fine, "{text}");
        }
    }
}
