//! The members of an organization.

use llm_store::{OrganizationMembershipPatch, OrganizationMembershipRow, OrganizationRow, StoreTx, UserRow};
use llm_types::Json;

use super::body::MemberBody;
use super::{no_organization, not_yours};
use crate::audit::Action;
use crate::budgets::BudgetBody;
use crate::keys::{Actor, bad, not_found, view};
use crate::members;
use crate::request::{Outcome, Problem, required, unless_taken};
use crate::rights::{ORG_ADMIN, Standing};
use crate::{Accounts, Identity};

/// What a member of an organization can be.
const ROLES: [&str; 3] = [ORG_ADMIN, "internal_user", "internal_user_viewer"];

impl Accounts {
    /// `POST /organization/member_add`. Users who do not exist are made.
    ///
    /// # Errors
    /// 403 unless the caller administers the organization; 400 for somebody who is a member already.
    pub async fn add_organization_members(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = MemberBody::read(body)?;
        let id = required(asked.organization_id.clone(), "organization_id", body)?;
        let given = required(asked.member.clone(), "member", body)?;
        let named = members::named("member", &given, &ROLES)?;
        self.may_manage_organization(actor.who, &id).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table::<OrganizationRow>().get([id.as_str()]).await?.ok_or_else(|| no_organization(&id))?;
        let (mut users, mut rows) = (Vec::new(), Vec::new());
        for one in &named {
            let user = members::user_or_new(&mut tx, one).await?;
            let row = OrganizationMembershipRow {
                user_id: user.user_id.clone(),
                organization_id: id.clone(),
                user_role: Some(one.role.clone()),
                budget_id: self.link_budget(&mut tx, actor, &budget(&asked), None).await?,
                ..OrganizationMembershipRow::default()
            };
            let why = format!("User {} is already a member of the organization.", row.user_id);
            unless_taken(tx.table().insert(&row).await, why, "member")?;
            self.audit(tx.table(), actor, Action::Created, &row.user_id, None, Some(&row)).await?;
            users.push(user);
            rows.push(row);
        }
        tx.commit().await?;
        users.iter().for_each(|user| self.forget_user(&user.user_id));
        Ok(Json::object([
            ("organization_id", Json::from(id)),
            ("updated_users", Json::Array(users.iter().map(view::row).collect())),
            ("updated_organization_memberships", Json::Array(self.members_shown(&rows, &users).await?)),
        ]))
    }

    /// `PATCH /organization/member_update`: role and budget.
    ///
    /// # Errors
    /// 403 unless the caller administers the organization, 404 for somebody who is no member.
    pub async fn update_organization_member(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = MemberBody::read(body)?;
        let id = required(asked.organization_id.clone(), "organization_id", body)?;
        self.may_manage_organization(actor.who, &id).await?;
        if let Some(role) = asked.role.clone().flatten()
            && !ROLES.contains(&role.as_str())
        {
            return Err(bad(format!("Unknown role: {role}")).with_param("role").into());
        }
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = member(&mut tx, &asked, &id).await?;
        let budget = self.link_budget(&mut tx, actor, &budget(&asked), row.budget_id.as_deref()).await?;
        let patch = OrganizationMembershipPatch {
            user_role: asked.role.clone().filter(Option::is_some),
            budget_id: Some(budget),
            ..OrganizationMembershipPatch::default()
        };
        tx.table::<OrganizationMembershipRow>().update([row.user_id.as_str(), &id], &patch).await?;
        let before = row;
        let row = member(&mut tx, &asked, &id).await?;
        self.audit(tx.table(), actor, Action::Updated, &row.user_id, Some(&before), Some(&row)).await?;
        let users = tx.table::<UserRow>().get_many(std::slice::from_ref(&row.user_id)).await?;
        tx.commit().await?;
        self.forget_user(&row.user_id);
        Ok(self.members_shown(&[row], &users).await?.pop().unwrap_or_default())
    }

    /// `DELETE /organization/member_delete`: the membership that was.
    ///
    /// # Errors
    /// As [`Accounts::update_organization_member`].
    pub async fn delete_organization_member(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = MemberBody::read(body)?;
        let id = required(asked.organization_id.clone(), "organization_id", body)?;
        self.may_manage_organization(actor.who, &id).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = member(&mut tx, &asked, &id).await?;
        tx.table::<OrganizationMembershipRow>().delete([row.user_id.as_str(), &id]).await?;
        self.audit(tx.table(), actor, Action::Deleted, &row.user_id, Some(&row), None).await?;
        tx.commit().await?;
        self.forget_user(&row.user_id);
        Ok(view::row(&row))
    }

    async fn may_manage_organization(&self, by: &Identity, id: &str) -> Outcome<()> {
        let standing = self.standing_in_organization(by, id).await?;
        if standing >= Standing::OrgAdmin { Ok(()) } else { Err(not_yours()) }
    }

    /// Memberships with their budgets and the users they are of.
    pub(super) async fn members_shown(
        &self,
        rows: &[OrganizationMembershipRow],
        users: &[UserRow],
    ) -> Outcome<Vec<Json>> {
        let mut out = self.with_budgets(rows).await?;
        for (shown, row) in out.iter_mut().zip(rows) {
            let user = users.iter().find(|user| user.user_id == row.user_id);
            shown.set("user_email", user.and_then(|user| user.user_email.as_deref()));
            shown.set("user", user.map(view::row).unwrap_or_default());
        }
        Ok(out)
    }

    pub(crate) fn forget_user(&self, id: &str) {
        self.forget_keys(|known| known.user_id() == Some(id));
    }
}

/// What is asked of the member's own budget.
fn budget(asked: &MemberBody) -> BudgetBody {
    BudgetBody { max_budget: asked.max_budget_in_organization, ..BudgetBody::default() }
}

async fn member(tx: &mut StoreTx, asked: &MemberBody, id: &str) -> Outcome<OrganizationMembershipRow> {
    let user = members::user_id(tx, asked.user_id.clone().flatten(), asked.user_email.clone().flatten()).await?;
    let row = tx.table::<OrganizationMembershipRow>().get([user.as_str(), id]).await?;
    row.ok_or_else(|| -> Problem {
        not_found(format!("User {user} is not a member of the organization {id}")).with_param("user_id").into()
    })
}
