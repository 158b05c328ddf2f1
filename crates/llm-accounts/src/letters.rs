//! Letters to people: that they were invited, that a key was made for them, that a budget of theirs runs out. Which are written
//! is said by `/email/event_settings`. A letter never slows or fails the call that it is about.

use llm_store::{Filter, Store, TeamRow, UserRow, VerificationToken};
use llm_types::alert::{BudgetAlert, BudgetEvent};
use llm_types::letter::{Letter, Occasion};
use llm_types::{Json, Secret};

use crate::keys::Actor;
use crate::request::Outcome;
use crate::stored::settings::{letters_said, writes_about};
use crate::teams::people_of;
use crate::{Accounts, MASTER_USER_ID};

/// People of a team who are written to at the most.
const MOST: usize = 500;

impl Accounts {
    /// Writes to the person of a key that it was made, or that it has a new secret. `asked`: the call asks for a letter.
    pub(crate) fn write_about_key(&self, row: &VerificationToken, key: &str, about: Occasion, asked: bool) {
        let Some(user) = row.user_id.clone() else { return };
        let key = Secret::new(key);
        let amount = row.max_budget.map(|max| ("max_budget", format!("${max}")));
        let facts = [
            row.key_alias.clone().map(|alias| ("key_alias", alias)),
            amount,
            row.team_id.clone().map(|team| ("team_id", team)),
        ];
        let facts = facts.into_iter().flatten().collect();
        self.write_later(&user, None, asked, Letter { to: String::new(), about, facts, key: Some(key), path: None });
    }

    /// Invites a user who was just made by letter. The invitation is made now, by who made the user.
    pub(crate) async fn invite_by_letter(&self, actor: Actor<'_>, user: &UserRow) {
        if self.inner().alerts.letters().is_none() {
            tracing::warn!(
                "an invitation is wanted by e-mail, and no e-mail is set up: see alerting in general_settings"
            );
            return;
        }
        let invitation = match self.insert_invitation(actor, user.user_id.clone()).await {
            Ok(invitation) => invitation,
            Err(problem) => return tracing::error!(problem = problem.text(), "an invitation could not be made"),
        };
        let path = Some(format!("/ui/onboarding?invitation_id={}", invitation.id));
        let teams = user.teams.first().cloned().map(|team| ("team_id", team));
        let facts = [Some(("user_id", user.user_id.clone())), teams].into_iter().flatten().collect();
        let letter = Letter { to: String::new(), about: Occasion::Invitation, facts, key: None, path };
        self.write_later(&user.user_id, user.user_email.clone(), false, letter);
    }

    /// Finds out whether a letter is to be written, and to which address, beside the call. `asked`: whatever the settings say.
    fn write_later(&self, user: &str, address: Option<String>, asked: bool, letter: Letter) {
        let (inner, user) = (self.inner(), user.to_owned());
        let (Some(sink), Some(store)) = (inner.alerts.letters(), self.store().cloned()) else { return };
        if user == MASTER_USER_ID && address.is_none() {
            return;
        }
        inner.background.spawn(async move {
            let found = async {
                if !asked && !writes_about(&letters_said(&store).await?, letter.about) {
                    return Ok(None);
                }
                match address {
                    Some(address) => Ok(Some(address)),
                    None => Ok(store.table::<UserRow>().get([user.as_str()]).await?.and_then(|row| row.user_email)),
                }
            };
            let found: Outcome<Option<String>> = found.await;
            match found.map(|address| address.filter(|address| !address.trim().is_empty())) {
                Ok(Some(address)) => sink.write(Letter { to: address, ..letter }),
                Ok(None) => {}
                Err(problem) => tracing::error!(problem = problem.text(), "an e-mail could not be written"),
            }
        });
    }
}

/// Says in an alert whom it has to reach: of a team's soft budget those who were named (`soft_budget_alerting_emails`), and where
/// letters are written everybody who gets one, each once.
///
/// # Errors
/// When the store fails.
pub(crate) async fn address(store: &Store, alert: &mut BudgetAlert, letters: bool) -> Outcome<()> {
    let team = match alert.group {
        "team" => store.table::<TeamRow>().get([alert.id.as_str()]).await?,
        _ => None,
    };
    let soft = alert.event == BudgetEvent::SoftCrossed;
    if let Some(team) = team.as_ref().filter(|_| soft) {
        alert.emails = soft_emails(&team.metadata.read().unwrap_or_default());
    }
    let about = if soft { Occasion::SoftBudget } else { Occasion::MaxBudget };
    if !letters || !writes_about(&letters_said(store).await?, about) {
        return Ok(());
    }
    let mut all = alert.emails.clone();
    match (alert.group, team) {
        ("key" | "user" | "team_member", _) => all.extend(alert.caller.user_email.as_deref().map(str::to_owned)),
        (_, Some(team)) if !soft => all.extend(members(store, &team).await?),
        _ => {}
    }
    for address in all {
        let address = address.trim();
        if !address.is_empty() && !alert.people.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            alert.people.push(address.to_owned());
        }
    }
    Ok(())
}

/// `soft_budget_alerting_emails` of a team's metadata: a list, or one text with commas.
fn soft_emails(metadata: &Json) -> Vec<String> {
    let field = metadata.get("soft_budget_alerting_emails");
    let text = field.and_then(Json::as_str).unwrap_or_default();
    let list = metadata.texts("soft_budget_alerting_emails");
    let all = list.chain(text.split(',')).map(str::trim).filter(|address| !address.is_empty());
    all.map(str::to_owned).collect()
}

/// The addresses of the members of a team.
async fn members(store: &Store, team: &TeamRow) -> Outcome<Vec<String>> {
    let mut ids = people_of(team);
    if ids.len() > MOST {
        tracing::warn!(team = team.team_id, members = ids.len(), told = MOST, "not all of a team are written to");
        ids.truncate(MOST);
    }
    let rows = store.table::<UserRow>().find(Filter::new().any_of("user_id", ids)).await?;
    Ok(rows.into_iter().filter_map(|row| row.user_email).collect())
}
