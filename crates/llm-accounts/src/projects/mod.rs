//! Projects between team and key. Call these on the store's runtime.

use llm_store::defaults::{empty_object, new_id};
use llm_store::{BudgetRow, Filter, ProjectPatch, ProjectRow, TeamRow};
use llm_types::Json;

use crate::audit::Action;
use crate::budgets::BudgetBody;
use crate::grants::{self, Asked, Reach};
use crate::keys::{Actor, bad, forbidden, not_found};
use crate::request::{Given, Map, Outcome, Problem, body, metadata, required, unless_taken};
use crate::rights::{Standing, may_write};
use crate::{Accounts, ModelList};

body! {
    /// `/project/new` and `/project/update`; the budget's fields stand beside.
    struct ProjectBody {
        project_id: String,
        project_alias: String,
        description: String,
        team_id: String,
        metadata: Map,
        models: Vec<String>,
        model_rpm_limit: Map,
        model_tpm_limit: Map,
        blocked: bool,
        object_permission: Map,
    }
}

body! {
    /// `/project/delete`.
    struct ProjectIds {
        project_ids: Vec<String>,
    }
}

/// Who may set what of a project. A block comes from above and is lifted from there.
const WRITABLE: &[(&str, Standing)] = &[
    ("project_id", Standing::Manager),
    ("project_alias", Standing::Manager),
    ("description", Standing::Manager),
    ("team_id", Standing::Manager),
    ("metadata", Standing::Manager),
    ("tags", Standing::Manager),
    ("guardrails", Standing::Manager),
    ("policies", Standing::Manager),
    ("models", Standing::Manager),
    ("object_permission", Standing::Manager),
    ("model_rpm_limit", Standing::Manager),
    ("model_tpm_limit", Standing::Manager),
    ("model_itpm_limit", Standing::Manager),
    ("model_otpm_limit", Standing::Manager),
    ("blocked", Standing::OrgAdmin),
];

/// Fields that live in a project's metadata.
const IN_METADATA: [&str; 5] = ["tags", "guardrails", "policies", "model_itpm_limit", "model_otpm_limit"];

impl Accounts {
    /// `POST /project/new`: by those who manage the team.
    ///
    /// # Errors
    /// 403 for a team that is not the caller's; 400 for an id that exists and for more than the team has.
    pub async fn new_project(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = ProjectBody::read(body)?;
        let team = required(asked.team_id.clone(), "team_id", body)?;
        let budget = BudgetBody::read(body)?;
        self.may_change_project(actor, &team, body).await?;
        self.within_team(actor, &team, asked.models.clone().flatten().as_deref(), &budget).await?;
        self.shares_no_budget(actor, None, body).await?;
        let grants = self.project_grants(actor, &team, None, &asked).await?;
        let id = asked.project_id.clone().flatten().filter(|id| !id.is_empty()).unwrap_or_else(new_id);
        let by = actor.name().unwrap_or_default();
        let row =
            ProjectRow { project_id: id.clone(), created_by: by.clone(), updated_by: by, ..ProjectRow::default() };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let why = format!("Project already exists, passed project_id={id}.");
        unless_taken(tx.table().insert(&row).await, why, "project_id")?;
        let mut patch = patch(body, &asked, Json::Null);
        patch.budget_id = Some(self.link_budget(&mut tx, actor, &budget, None).await?);
        patch.object_permission_id = self.link_grants(&mut tx, actor, grants.as_ref(), None).await?;
        self.write(&mut tx, actor, Action::Created, &id, None, &patch).await?;
        tx.commit().await?;
        self.project_shown(&id).await
    }

    /// `POST /project/update`: a field that is given is set, null clears it.
    ///
    /// # Errors
    /// As [`Accounts::new_project`]; 404 for an unknown project, for administrators.
    pub async fn update_project(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = ProjectBody::read(body)?;
        let id = required(asked.project_id.clone(), "project_id", body)?;
        let budget = BudgetBody::read(body)?;
        let row = self.project_for(actor, &id).await?;
        let team = row.team_id.clone().unwrap_or_default();
        self.may_change_project(actor, &team, body).await?;
        let target = match asked.team_id.clone() {
            Some(Some(target)) if target != team => {
                self.may_change_project(actor, &target, body).await?;
                target
            }
            Some(None) => return Err(bad("A project needs a team").with_param("team_id").into()),
            _ => team,
        };
        let models = asked.models.clone().map_or_else(|| row.models.clone(), Option::unwrap_or_default);
        self.within_team(actor, &target, Some(&models), &budget).await?;
        self.shares_no_budget(actor, row.budget_id.as_deref(), body).await?;
        let grants = self.project_grants(actor, &target, Some(&row), &asked).await?;
        let mut patch = patch(body, &asked, row.metadata.read().unwrap_or_default());
        let mut tx = self.store_or_refuse()?.begin().await?;
        patch.budget_id = Some(self.link_budget(&mut tx, actor, &budget, row.budget_id.as_deref()).await?);
        let there = row.object_permission_id.as_deref();
        patch.object_permission_id = self.link_grants(&mut tx, actor, grants.as_ref(), there).await?;
        patch.updated_by = actor.name();
        self.write(&mut tx, actor, Action::Updated, &id, Some(&row), &patch).await?;
        tx.commit().await?;
        self.forget_project(&id);
        self.project_shown(&id).await
    }

    /// `DELETE /project/delete`. Keys of a project cannot be without it.
    ///
    /// # Errors
    /// 404 when one of them does not exist, 400 while keys belong to one.
    pub async fn delete_projects(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = required(ProjectIds::read(body)?.project_ids, "project_ids", body)?;
        let store = self.store_or_refuse()?;
        let rows = store.table::<ProjectRow>().get_many(&ids).await?;
        if let Some(missing) = ids.iter().find(|id| !rows.iter().any(|row| row.project_id == **id)) {
            return Err(no_project(missing));
        }
        let shown = self.with_budgets(&rows).await?;
        let of_them = || Filter::new().any_of("project_id", ids.clone());
        let mut tx = store.begin().await?;
        if tx.keys().count(&of_them()).await? > 0 {
            return Err(bad("Keys belong to the project: delete them first.").with_param("project_ids").into());
        }
        for row in &rows {
            self.erase(&mut tx, actor, &row.project_id, row).await?;
        }
        tx.commit().await?;
        Ok(Json::Array(shown))
    }

    /// `GET /project/info`.
    ///
    /// # Errors
    /// 403 for a project that is not the caller's, 404 for an unknown one.
    pub async fn project_info(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        let row = self.project_for(actor, id).await?;
        self.with_grants(self.with_budget(row).await?).await
    }

    /// `GET /project/list`: all, or those of the caller's teams.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_projects(&self, actor: Actor<'_>) -> Outcome<Json> {
        let store = self.store_or_refuse()?;
        let mut filter = Filter::new();
        if !actor.who.sees_all() {
            let own = self.teams_from(actor.who, Standing::Member).await?;
            let own = own.into_iter().map(|team| team.team_id).collect();
            filter = filter.any_of("team_id", own);
        }
        let rows = store.table::<ProjectRow>().find(filter).await?;
        let mut shown = self.with_budgets(&rows).await?;
        self.show_grants(&mut shown).await?;
        Ok(Json::Array(shown))
    }

    /// A project that the caller may see.
    async fn project_for(&self, actor: Actor<'_>, id: &str) -> Outcome<ProjectRow> {
        let store = self.store_or_refuse()?;
        let row = store.table::<ProjectRow>().get([id]).await?;
        if actor.who.sees_all() {
            return row.ok_or_else(|| no_project(id));
        }
        let row = row.ok_or_else(not_yours)?;
        let team = store.table::<TeamRow>().get([row.team_id.as_deref().unwrap_or_default()]).await?;
        let standing = match &team {
            Some(team) => self.standing_in_team(actor.who, team).await?,
            None => Standing::None,
        };
        if standing >= Standing::Member { Ok(row) } else { Err(not_yours()) }
    }

    async fn may_change_project(&self, actor: Actor<'_>, team: &str, body: &Json) -> Outcome<()> {
        let row = self.store_or_refuse()?.table::<TeamRow>().get([team]).await?;
        let standing = match &row {
            Some(row) => self.standing_in_team(actor.who, row).await?,
            None if actor.who.is_admin() => {
                return Err(not_found(format!("Team not found, passed team_id={team}")).with_param("team_id").into());
            }
            None => Standing::None,
        };
        if standing < Standing::Manager {
            return Err(forbidden("You do not manage this project's team.").with_param("team_id").into());
        }
        self.settings().page_rules.may_edit_projects(standing)?;
        may_write(&[ProjectBody::FIELDS, &IN_METADATA].concat(), WRITABLE, standing, body)
    }

    /// A budget that others stand on is neither named nor changed by who manages a team: it would be changed for all of them.
    async fn shares_no_budget(&self, actor: Actor<'_>, there: Option<&str>, body: &Json) -> Outcome<()> {
        let refuse = |why: &str| Err(forbidden(why).with_param("budget_id").into());
        if actor.who.is_admin() {
            return Ok(());
        }
        if body.get("budget_id").and_then(Json::as_str).is_some_and(|named| Some(named) != there) {
            return refuse("Only proxy admins can name the budget of a project: say what it is.");
        }
        let changes = BudgetBody::FIELDS.iter().any(|name| *name != "budget_id" && body.get(name).is_some());
        match there.filter(|_| changes) {
            Some(id) if self.links_of(id).await? > 1 => {
                refuse("Others have this project's budget as well: only proxy admins can change it.")
            }
            _ => Ok(()),
        }
    }

    /// A project has no more than its team. Absent models mean the team's.
    async fn within_team(
        &self,
        actor: Actor<'_>,
        team: &str,
        models: Option<&[String]>,
        budget: &BudgetBody,
    ) -> Outcome<()> {
        let store = self.store_or_refuse()?;
        let Some(team) = store.table::<TeamRow>().get([team]).await? else { return Ok(()) };
        let list = ModelList::new(&team.models);
        let directory = actor.who.directory.load();
        if let Some(model) = models.unwrap_or_default().iter().find(|model| !list.allows(model, &directory)) {
            let why = format!("Model '{model}' is not in the models of the project's team.");
            return Err(bad(why).with_param("models").into());
        }
        let mut max = budget.max_budget.flatten();
        if let Some(id) = budget.budget_id.clone().flatten() {
            max = store.table::<BudgetRow>().get([id.as_str()]).await?.and_then(|row| row.max_budget);
        }
        if let (Some(max), Some(most)) = (max, team.max_budget)
            && max > most
        {
            let why = format!("Project max_budget ({max}) exceeds the team's max_budget ({most}).");
            return Err(bad(why).with_param("max_budget").into());
        }
        Ok(())
    }

    /// What is to be written as the object permissions of a project: those who manage its team give what the team has.
    async fn project_grants(
        &self,
        actor: Actor<'_>,
        team: &str,
        row: Option<&ProjectRow>,
        asked: &ProjectBody,
    ) -> Outcome<Option<Asked>> {
        let given = grants::asked(&asked.object_permission)?;
        if actor.who.is_admin() {
            return Ok(given);
        }
        let team = self.store_or_refuse()?.table::<TeamRow>().get([team]).await?;
        let team = self.grants_of(team.as_ref().and_then(|team| team.object_permission_id.as_ref())).await?;
        let there = self.grants_of(row.and_then(|row| row.object_permission_id.as_ref())).await?;
        let own = actor.who.grants();
        let reach = Reach {
            limits: [&own.key, &own.user].into_iter().filter_map(|row| row.as_deref()).collect(),
            sources: team.iter().collect(),
            there: there.as_ref(),
            narrows: false,
        };
        reach.within(given.as_ref(), row.is_none())
    }

    fn forget_project(&self, id: &str) {
        self.forget_keys(|known| known.caller.project_id.as_deref() == Some(id));
    }

    async fn project_shown(&self, id: &str) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<ProjectRow>().get([id]).await?;
        self.with_grants(self.with_budget(row.ok_or_else(|| no_project(id))?).await?).await
    }
}

fn patch(body: &Json, asked: &ProjectBody, there: Json) -> ProjectPatch {
    let raw = |map: &Given<Map>| map.as_ref().map(|m| m.as_ref().map_or_else(empty_object, |m| m.0.to_raw()));
    ProjectPatch {
        project_alias: asked.project_alias.clone(),
        description: asked.description.clone(),
        team_id: asked.team_id.clone(),
        metadata: metadata(body, &IN_METADATA, &asked.metadata, there).map(|m| m.to_raw()),
        models: asked.models.clone().map(Option::unwrap_or_default),
        model_rpm_limit: raw(&asked.model_rpm_limit),
        model_tpm_limit: raw(&asked.model_tpm_limit),
        blocked: asked.blocked.flatten(),
        ..ProjectPatch::default()
    }
}

fn no_project(id: &str) -> Problem {
    not_found(format!("Project not found, passed project_id={id}")).with_param("project_id").into()
}

fn not_yours() -> Problem {
    forbidden("You are not allowed to access this project.").with_param("project_id").into()
}
