//! Invitations: a link with which somebody sets their password, once, and is logged in.

use std::net::IpAddr;

use chrono::{TimeDelta, Utc};
use llm_store::{Filter, InvitationPatch, InvitationRow, OrganizationMembershipRow, UserRow};
use llm_types::{Error, Json, Kind};

use super::login::password_patch;
use super::{Session, read_token, write_token};
use crate::audit::Action;
use crate::keys::{Actor, bad, forbidden, view};
use crate::request::{Outcome, body, required};
use crate::rights::Standing;
use crate::{Accounts, MASTER_USER_ID, Role};

/// How long an invitation is good, days.
const DAYS: i64 = 7;
/// How long somebody who opened one may take to set a password, minutes.
const MINUTES: i64 = 15;
/// The name under which links that are guessed are counted; no user has it.
const INVITATION: &str = "\0invitation";
/// What such a token says it is.
const ONBOARDING: &str = "litellm_onboarding";

body! {
    /// `/invitation/new`.
    struct NewInvitation {
        user_id: String,
    }
}

body! {
    /// `/invitation/update`, `/invitation/delete`.
    struct InvitationBody {
        invitation_id: String,
        is_accepted: bool,
    }
}

body! {
    /// `/onboarding/claim_token`.
    struct Claim {
        invitation_link: String,
        user_id: String,
        password: String,
    }
}

impl Accounts {
    /// `POST /invitation/new`. Whoever follows it sets the user's password, so administrators of organizations invite only
    /// plain people of theirs who have never logged in.
    ///
    /// # Errors
    /// 400 for an unknown user, 403 for somebody whom the caller may not invite.
    pub async fn new_invitation(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let user = required(NewInvitation::read(body)?.user_id, "user_id", body)?;
        let row = self.store_or_refuse()?.table::<UserRow>().get([user.as_str()]).await?;
        let row = row.ok_or_else(|| {
            bad("User id does not exist in 'LiteLLM_UserTable'. Fix this by creating user via `/user/new`.")
                .with_param("user_id")
        })?;
        if !actor.who.is_admin() && !self.may_invite(actor, &row).await? {
            let why = "You can only create invitations for new users of your organization.";
            return Err(forbidden(why).with_param("user_id").into());
        }
        Ok(view::row(&self.insert_invitation(actor, user).await?))
    }

    /// An invitation for a user whom the caller may invite.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn insert_invitation(&self, actor: Actor<'_>, user: String) -> Outcome<InvitationRow> {
        let by = actor.name().unwrap_or_else(|| MASTER_USER_ID.to_owned());
        let invitation = InvitationRow {
            user_id: user,
            expires_at: Utc::now() + TimeDelta::days(DAYS),
            created_by: by.clone(),
            updated_by: by,
            ..InvitationRow::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table().insert(&invitation).await?;
        self.audit(tx.table(), actor, Action::Created, &invitation.id, None, Some(&invitation)).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    async fn may_invite(&self, actor: Actor<'_>, row: &UserRow) -> Outcome<bool> {
        let plain = row
            .user_role
            .as_deref()
            .is_none_or(|role| matches!(Role::parse(role), Some(Role::InternalUser | Role::InternalUserViewer)));
        if !plain || row.password.is_some() || row.sso_user_id.is_some() {
            return Ok(false);
        }
        let theirs = Filter::new().is("user_id", row.user_id.clone());
        let memberships = self.store_or_refuse()?.table::<OrganizationMembershipRow>().find(theirs).await?;
        for membership in memberships {
            if self.standing_in_organization(actor.who, &membership.organization_id).await? >= Standing::OrgAdmin {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn invitation(&self, id: &str) -> Outcome<InvitationRow> {
        let row = self.store_or_refuse()?.table::<InvitationRow>().get([id]).await?;
        row.ok_or_else(|| bad("Invitation id does not exist in the database.").with_param("invitation_id").into())
    }

    /// `GET /invitation/info`.
    ///
    /// # Errors
    /// 400 for an unknown one.
    pub async fn invitation_info(&self, id: &str) -> Outcome<Json> {
        Ok(view::row(&self.invitation(id).await?))
    }

    /// `POST /invitation/update`: an administrator marks one as used, or as unused.
    ///
    /// # Errors
    /// 400 for an unknown one.
    pub async fn update_invitation(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = InvitationBody::read(body)?;
        let id = required(asked.invitation_id, "invitation_id", body)?;
        let accepted = required(asked.is_accepted, "is_accepted", body)?;
        let row = self.invitation(&id).await?;
        let patch = InvitationPatch {
            is_accepted: Some(accepted),
            accepted_at: Some(accepted.then(Utc::now)),
            updated_at: Some(Utc::now()),
            updated_by: Some(actor.name().unwrap_or_default()),
            ..InvitationPatch::default()
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = self.write(&mut tx, actor, Action::Updated, &id, Some(&row), &patch).await?;
        tx.commit().await?;
        Ok(view::row(&row))
    }

    /// `POST /invitation/delete`: administrators any, others those that they made.
    ///
    /// # Errors
    /// 400 for an unknown one, 403 for somebody else's.
    pub async fn delete_invitation(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let id = required(InvitationBody::read(body)?.invitation_id, "invitation_id", body)?;
        let row = match self.invitation(&id).await {
            Ok(row) if actor.who.is_admin() || actor.who.user_id() == Some(&*row.created_by) => row,
            Err(problem) if actor.who.is_admin() => return Err(problem),
            // Whoever may not see one does not learn whether there is one.
            _ => return Err(forbidden("You can only delete invitations that you created.").into()),
        };
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.erase(&mut tx, actor, &id, &row).await?;
        tx.commit().await?;
        Ok(view::row(&row))
    }

    /// `GET /onboarding/get_token`: opens an invitation. What is told lets its holder set the password and nothing else.
    ///
    /// # Errors
    /// 401 for an invitation that is none, is used or is over; 429 after too many of them from one source.
    pub async fn open_invitation(&self, id: &str, source: Option<IpAddr>, base: &str) -> Outcome<Json> {
        let key = self.signing_key()?;
        self.count_attempt(source, INVITATION).await?;
        let (_, user) = self.good_invitation(id).await?;
        self.right_attempt(source, INVITATION).await;
        let ends = Utc::now() + TimeDelta::minutes(MINUTES);
        let inner = Json::object([
            ("token_type", Json::from(ONBOARDING)),
            ("invitation_link", Json::from(id)),
            ("user_id", Json::from(user.user_id.as_str())),
            ("exp", Json::from(ends.timestamp())),
        ]);
        let claims = self.session_claims(&user, &write_token(&inner, key), "username_password", ends);
        let token = write_token(&claims, key);
        let email = user.user_email.as_deref();
        Ok(Json::object([
            ("login_url", Json::from(format!("{base}/ui/onboarding?token={token}"))),
            ("token", Json::from(token)),
            ("user_email", Json::from(email)),
        ]))
    }

    /// An invitation that can be used, and whose it is.
    async fn good_invitation(&self, id: &str) -> Outcome<(InvitationRow, UserRow)> {
        let refused = |why: &'static str| -> crate::Problem {
            Error::new(Kind::Authentication, why).with_type("auth_error").with_param("invitation_link").into()
        };
        let row = self.store_or_refuse()?.table::<InvitationRow>().get([id]).await?;
        let row = row.ok_or_else(|| refused("Invitation link does not exist in db."))?;
        if row.expires_at < Utc::now() {
            return Err(refused("Invitation link has expired."));
        }
        if row.is_accepted || row.accepted_at.is_some() {
            return Err(refused("Invitation link has already been used."));
        }
        let user = self.store_or_refuse()?.table::<UserRow>().get([row.user_id.as_str()]).await?;
        Ok((row, user.ok_or_else(|| refused("User does not exist in db."))?))
    }

    /// `POST /onboarding/claim_token`: sets the password and opens a session. `token` is what the invitation told when it was
    /// opened. The user's older sessions end.
    ///
    /// # Errors
    /// 401 for an invitation that cannot be used with this token, 400 for a password that is not good enough.
    pub async fn claim_invitation(&self, token: &str, body: &Json) -> Outcome<Session> {
        let asked = Claim::read(body)?;
        let link = required(asked.invitation_link, "invitation_link", body)?;
        let user = required(asked.user_id, "user_id", body)?;
        let password = required(asked.password, "password", body)?;
        let refused = || {
            let why = "Invalid onboarding session for invitation link.";
            Error::new(Kind::Authentication, why).with_type("auth_error").with_param("invitation_link")
        };
        let claims = read_token(token, self.signing_key()?, Utc::now().timestamp()).ok_or_else(refused)?;
        let says = |name: &str, wanted: &str| claims.text(name) == Some(wanted);
        if !(says("token_type", ONBOARDING) && says("invitation_link", &link) && says("user_id", &user)) {
            return Err(refused().into());
        }
        let (row, before) = self.good_invitation(&link).await?;
        if row.user_id != user {
            return Err(refused().into());
        }
        let kept = self.new_password(&password).await?;
        let who = self.oneself(&user);
        let actor = Actor { who: &who, changed_by: None };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let used = InvitationPatch {
            is_accepted: Some(true),
            accepted_at: Some(Some(Utc::now())),
            updated_at: Some(Utc::now()),
            updated_by: Some(user.clone()),
            ..InvitationPatch::default()
        };
        let unused = Filter::new().is("id", link.clone()).is("is_accepted", false);
        if tx.table::<InvitationRow>().update_where(&unused, &used).await? == 0 {
            return Err(refused().into());
        }
        let after = self.write(&mut tx, actor, Action::Updated, &user, Some(&before), &password_patch(kept)).await?;
        let ended = self.end_sessions(&mut tx, actor, &user, None).await?;
        tx.commit().await?;
        ended.iter().for_each(|hash| self.forget_hash(hash));
        self.open_session(after, "username_password").await
    }

    /// What `/onboarding/claim_token` answers besides the token.
    #[must_use]
    pub fn onboarded(&self, session: &Session, token: &str, base: &str) -> Json {
        Json::object([
            ("login_url", Json::from(format!("{base}/ui/?login=success"))),
            ("token", Json::from(token)),
            ("user_email", Json::from(session.user.user_email.as_deref())),
            ("user", view::row(&session.user)),
        ])
    }
}
