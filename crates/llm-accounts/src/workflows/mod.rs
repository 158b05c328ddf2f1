//! Runs of workflows, with what happened in them and what was said (`/v1/workflows/runs`). A run belongs to the key that made
//! it; administrators see all, viewers read all. Call these on the store's runtime.

use llm_store::{
    Filter, ListQuery, Patch, StoreTx, Table, WorkflowEventRow, WorkflowMessageRow, WorkflowRunPatch, WorkflowRunRow,
};
use llm_types::Json;
use serde::Serialize;

use crate::Accounts;
use crate::identity::Identity;
use crate::keys::{bad, not_found, view};
use crate::request::{FieldProblem, Given, Map, Outcome, Problem, body, required};

body! {
    /// `POST /v1/workflows/runs`.
    struct NewRun {
        workflow_type: String,
        input: Map,
        metadata: Map,
    }
}

body! {
    /// `PATCH /v1/workflows/runs/{run_id}`.
    struct RunBody {
        status: String,
        output: Map,
        metadata: Map,
    }
}

body! {
    /// `POST /v1/workflows/runs/{run_id}/events`.
    struct EventBody {
        event_type: String,
        step_name: String,
        data: Map,
    }
}

body! {
    /// `POST /v1/workflows/runs/{run_id}/messages`.
    struct MessageBody {
        role: String,
        content: String,
        session_id: String,
    }
}

/// What a run can be.
const STATUSES: [&str; 5] = ["pending", "running", "paused", "completed", "failed"];

/// What a run becomes by what happens in it.
const BY_EVENT: [(&str, &str); 4] =
    [("step.started", "running"), ("step.failed", "failed"), ("hook.waiting", "paused"), ("hook.received", "running")];

/// A row that has a place in its run.
trait InRun: Table + Serialize {
    fn run(&self) -> &str;
    fn place(&mut self) -> &mut i64;
}

impl InRun for WorkflowEventRow {
    fn run(&self) -> &str {
        &self.run_id
    }

    fn place(&mut self) -> &mut i64 {
        &mut self.sequence_number
    }
}

impl InRun for WorkflowMessageRow {
    fn run(&self) -> &str {
        &self.run_id
    }

    fn place(&mut self) -> &mut i64 {
        &mut self.sequence_number
    }
}

/// The rows of a run, in their order or against it.
fn of_run(run: &str, latest_first: bool, size: u32) -> ListQuery {
    ListQuery::page(Filter::new().is("run_id", run.to_owned()), 1, size).sorted("sequence_number", latest_first)
}

fn object(given: &Given<Map>) -> Option<llm_types::RawJson> {
    given.as_ref().and_then(Option::as_ref).map(|Map(map)| map.to_raw())
}

/// A run for people; `events` is null where nobody asked for them, as in LiteLLM.
fn shown(run: &WorkflowRunRow, events: Json) -> Json {
    let mut out = view::row(run);
    out.set("events", events);
    out.set("messages", Json::Null);
    out
}

/// Rows in a list with their number.
fn counted(name: &str, rows: Vec<Json>) -> Json {
    let count = rows.len() as u64;
    Json::object([(name, Json::Array(rows)), ("count", Json::from(count))])
}

/// The key that a run of this caller belongs to; nobody has one without a key.
fn owner(who: &Identity) -> Option<&str> {
    who.key_hash().filter(|_| who.is_key())
}

impl Accounts {
    /// `POST /v1/workflows/runs`: a new run of the caller's key.
    ///
    /// # Errors
    /// 422 for wrong fields; 400 for callers who have no key and are no administrators: they would not see it again.
    pub async fn new_workflow_run(&self, who: &Identity, body: &Json) -> Outcome<Json> {
        let asked = NewRun::read(body)?;
        let workflow_type = required(asked.workflow_type.clone(), "workflow_type", body)?;
        if owner(who).is_none() && !who.is_admin() {
            return Err(bad("A workflow run belongs to a key: call with one.").into());
        }
        let row = WorkflowRunRow {
            workflow_type,
            created_by: owner(who).map(str::to_owned),
            input: object(&asked.input),
            metadata: object(&asked.metadata),
            ..WorkflowRunRow::default()
        };
        self.store_or_refuse()?.table().insert(&row).await?;
        Ok(shown(&row, Json::Null))
    }

    /// `GET /v1/workflows/runs`: the caller's runs, the latest first; `status` may name several, with commas between them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn workflow_runs(
        &self,
        who: &Identity,
        workflow_type: Option<String>,
        statuses: Vec<String>,
        limit: u32,
    ) -> Outcome<Json> {
        let mut filter = Filter::new().maybe("workflow_type", workflow_type);
        if !statuses.is_empty() {
            filter = filter.any_of("status", statuses);
        }
        if !who.sees_all() {
            let Some(key) = owner(who) else { return Ok(counted("runs", Vec::new())) };
            filter = filter.is("created_by", key.to_owned());
        }
        let list = ListQuery::page(filter, 1, limit).sorted("created_at", true);
        let rows = self.store_or_refuse()?.table::<WorkflowRunRow>().rows(&list).await?;
        Ok(counted("runs", rows.iter().map(|run| shown(run, Json::Null)).collect()))
    }

    /// `GET /v1/workflows/runs/{run_id}`, with what happened last.
    ///
    /// # Errors
    /// 404 for a run that is not there or not the caller's.
    pub async fn workflow_run(&self, who: &Identity, id: &str) -> Outcome<Json> {
        let run = self.run_of(who, id, true).await?;
        let events = self.store_or_refuse()?.table::<WorkflowEventRow>().rows(&of_run(id, true, 1)).await?;
        Ok(shown(&run, Json::Array(events.iter().map(view::row).collect())))
    }

    /// `PATCH /v1/workflows/runs/{run_id}`: what is given is set.
    ///
    /// # Errors
    /// 404 for a run that is not the caller's, 400 for a body that says nothing, 422 for a status that is none.
    pub async fn change_workflow_run(&self, who: &Identity, id: &str, body: &Json) -> Outcome<Json> {
        let asked = RunBody::read(body)?;
        let status = asked.status.clone().flatten();
        if let Some(status) = status.as_deref().filter(|status| !STATUSES.contains(status)) {
            let message = "Input should be 'pending', 'running', 'paused', 'completed' or 'failed'";
            let (field, input) = ("status".to_owned(), Json::from(status));
            return Err(Problem::Fields(vec![FieldProblem { field, kind: "literal_error", message, input }]));
        }
        let patch = WorkflowRunPatch {
            status,
            output: object(&asked.output).map(Some),
            metadata: object(&asked.metadata).map(Some),
            ..WorkflowRunPatch::default()
        };
        if patch.changes().is_empty() {
            return Err(bad("No fields to update").into());
        }
        self.run_of(who, id, false).await?;
        self.store_or_refuse()?.table::<WorkflowRunRow>().update([id], &patch).await?;
        Ok(shown(&self.run_of(who, id, false).await?, Json::Null))
    }

    /// `POST /v1/workflows/runs/{run_id}/events`: something happened; the run becomes what that makes of it.
    ///
    /// # Errors
    /// 404 for a run that is not the caller's, 422 for wrong fields.
    pub async fn add_workflow_event(&self, who: &Identity, id: &str, body: &Json) -> Outcome<Json> {
        let asked = EventBody::read(body)?;
        let row = WorkflowEventRow {
            run_id: id.to_owned(),
            event_type: required(asked.event_type.clone(), "event_type", body)?,
            step_name: required(asked.step_name.clone(), "step_name", body)?,
            data: object(&asked.data),
            ..WorkflowEventRow::default()
        };
        let status = BY_EVENT.iter().find(|(event, _)| *event == row.event_type).map(|(_, status)| *status);
        self.append(who, row, status).await
    }

    /// `POST /v1/workflows/runs/{run_id}/messages`: something was said.
    ///
    /// # Errors
    /// As [`Accounts::add_workflow_event`].
    pub async fn add_workflow_message(&self, who: &Identity, id: &str, body: &Json) -> Outcome<Json> {
        let asked = MessageBody::read(body)?;
        let row = WorkflowMessageRow {
            run_id: id.to_owned(),
            role: required(asked.role.clone(), "role", body)?,
            content: required(asked.content.clone(), "content", body)?,
            session_id: asked.session_id.flatten(),
            ..WorkflowMessageRow::default()
        };
        self.append(who, row, None).await
    }

    /// `GET /v1/workflows/runs/{run_id}/events`: what happened first stands first.
    ///
    /// # Errors
    /// 404 for a run that is not there or not the caller's.
    pub async fn workflow_events(&self, who: &Identity, id: &str, limit: u32) -> Outcome<Json> {
        self.in_order::<WorkflowEventRow>(who, id, "events", limit).await
    }

    /// `GET /v1/workflows/runs/{run_id}/messages`, in the same order.
    ///
    /// # Errors
    /// As [`Accounts::workflow_events`].
    pub async fn workflow_messages(&self, who: &Identity, id: &str, limit: u32) -> Outcome<Json> {
        self.in_order::<WorkflowMessageRow>(who, id, "messages", limit).await
    }

    async fn in_order<T: InRun>(&self, who: &Identity, id: &str, name: &str, limit: u32) -> Outcome<Json> {
        self.run_of(who, id, true).await?;
        let rows = self.store_or_refuse()?.table::<T>().rows(&of_run(id, false, limit)).await?;
        Ok(counted(name, rows.iter().map(view::row).collect()))
    }

    /// Puts a row behind those of its run. The run is written first: whoever else appends waits for it, so that no two rows
    /// get the same place.
    async fn append<T: InRun>(&self, who: &Identity, mut row: T, status: Option<&str>) -> Outcome<Json> {
        let run = self.run_of(who, row.run(), false).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let patch = WorkflowRunPatch {
            session_id: Some(run.session_id),
            status: status.map(str::to_owned),
            ..WorkflowRunPatch::default()
        };
        tx.table::<WorkflowRunRow>().update([run.run_id.as_str()], &patch).await?;
        *row.place() = next::<T>(&mut tx, &run.run_id).await?;
        tx.table().insert(&row).await?;
        tx.commit().await?;
        Ok(view::row(&row))
    }

    /// A run, if it is for the caller. `reads`: those who see everything see it too.
    async fn run_of(&self, who: &Identity, id: &str, reads: bool) -> Outcome<WorkflowRunRow> {
        let row = self.store_or_refuse()?.table::<WorkflowRunRow>().get([id]).await?;
        let own = |row: &WorkflowRunRow| owner(who).is_some() && row.created_by.as_deref() == owner(who);
        let all = who.is_admin() || reads && who.sees_all();
        let row = row.filter(|row| all || own(row));
        row.ok_or_else(|| not_found(format!("Run '{id}' not found")).with_param("run_id").into())
    }
}

/// The place behind the last row of a run.
async fn next<T: InRun>(tx: &mut StoreTx, run: &str) -> Outcome<i64> {
    let last = tx.table::<T>().rows(&of_run(run, true, 1)).await?.into_iter().next();
    Ok(last.map_or(0, |mut last| *last.place() + 1))
}
