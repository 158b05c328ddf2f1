//! What was begun and is charged later, once: batches, interactions and responses in the background. Rows of the database
//! remember it.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use llm_accounts::Identity;
use llm_client::{Report, Tail};
use llm_store::{Filter, ManagedObjectRow};
use llm_types::{Error, Json, Kind, RawJson, Result};
use llm_wire::top::Top;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::core::Core;
use crate::flow::Context;
use crate::pass::tail::RelayTail;

/// What such a row is for, before the id of an interaction that was begun, and of one that was charged.
const BEGUN: &str = "interaction:";
const CHARGED: &str = "interaction charged:";
const INTERACTION: &str = "interaction";

/// When the answer to a request is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due<'a> {
    /// With this request.
    Now,
    /// The request begins an interaction in the background, which may end after it.
    Begins,
    /// It looks at this interaction, or stops it, which was begun in the background and is not charged yet.
    Owed(&'a str),
}

/// The rows, as a caller writes them.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    app: Arc<App>,
    who: Option<Arc<Identity>>,
}

impl Ledger {
    pub(crate) fn new(core: &Core, ctx: &Context) -> Self {
        Self { app: Arc::clone(&core.app), who: ctx.who.clone() }
    }

    /// The right to charge something, unless it is charged already or somebody is about to. Without a database everybody gets it
    /// who asks when nobody has it.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn claim(&self, id: &str, purpose: &str, object: Option<RawJson>) -> Result<Option<Claim>> {
        let claim = self.claim_blindly(id, purpose, object);
        Ok(if self.find(id.to_owned()).await?.is_none() { claim } else { None })
    }

    /// The same where the database cannot be asked: the store refuses what is charged already.
    fn claim_blindly(&self, id: &str, purpose: &str, object: Option<RawJson>) -> Option<Claim> {
        let new = self.app.charging.0.lock().insert(id.to_owned());
        new.then(|| Claim { ledger: self.clone(), row: Box::new(written(id, purpose, object)) })
    }

    /// Writes something down, unless it is there.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn note(&self, id: &str, purpose: &str, object: RawJson) -> Result<()> {
        self.write(written(id, purpose, Some(object))).await.map(drop)
    }

    /// What was written down under a name; nothing without a database.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn find(&self, id: String) -> Result<Option<ManagedObjectRow>> {
        let Some(store) = self.app.store.clone() else { return Ok(None) };
        let found =
            async move { store.table::<ManagedObjectRow>().find(Filter::new().is("unified_object_id", id)).await };
        done(self.app.background.spawn(found)).await.map(|mut rows| rows.pop())
    }

    /// True for what was begun and is still to be charged, by the names of both rows.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn is_open(&self, begun: String, charged: String) -> Result<bool> {
        Ok(self.find(begun).await?.is_some() && self.find(charged).await?.is_none())
    }

    /// Runs beside the requests.
    pub(crate) fn later(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.app.background.spawn(work);
    }

    async fn write(&self, row: ManagedObjectRow) -> Result<bool> {
        let Some(store) = self.app.store.clone() else { return Ok(true) };
        let caller = self.who.as_ref().map(|w| w.caller()).unwrap_or_default();
        let row = ManagedObjectRow {
            created_by: caller.user_id.as_deref().map(str::to_owned),
            team_id: caller.team_id.as_deref().map(str::to_owned),
            api_key: caller.key_hash.as_deref().map(str::to_owned),
            ..row
        };
        let id = row.unified_object_id.clone();
        let written = async move {
            let mut table = store.table::<ManagedObjectRow>();
            if !table.find(Filter::new().is("unified_object_id", id)).await?.is_empty() {
                return Ok(false);
            }
            // The id is unique: of two who come at once one fails here.
            match table.insert(&row).await {
                Ok(_) => Ok(true),
                Err(error) if error.is_transient() => Err(error),
                Err(_) => Ok(false),
            }
        };
        done(self.app.background.spawn(written)).await
    }

    /// True for an interaction that was begun in the background and is still to be charged.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn is_owed(&self, id: &str) -> Result<bool> {
        self.is_open(format!("{BEGUN}{id}"), format!("{CHARGED}{id}")).await
    }

    /// Settles what a whole answer says of an interaction: one that is not at its end costs nothing yet and is remembered,
    /// one that is owed is charged to whoever sees first what it cost, with the claim that is given back.
    pub(super) async fn settle(&self, due: Due<'_>, body: &Bytes, report: &mut Report) -> Option<Claim> {
        let top = Top::parse(body).ok()?;
        let ended = !matches!(top.str("status").as_deref(), Some("in_progress" | "queued"));
        match (due, ended) {
            (Due::Owed(id), true) if tells(report) => return self.charge(id, report).await,
            (Due::Owed(_), _) => free(report),
            (_, true) => {}
            (_, false) => {
                let id = top.str("id").filter(|id| !id.is_empty())?;
                match self.begun(&id).await {
                    Ok(()) => free(report),
                    Err(error) => unsettled(&id, &error),
                }
            }
        }
        None
    }

    /// Charges an interaction to who comes first; it costs the others nothing.
    async fn charge(&self, id: &str, report: &mut Report) -> Option<Claim> {
        let name = format!("{CHARGED}{id}");
        let claim = self.claim(&name, INTERACTION, None).await.unwrap_or_else(|error| {
            unsettled(id, &error);
            self.claim_blindly(&name, INTERACTION, None)
        });
        if claim.is_none() {
            free(report);
        }
        claim
    }

    async fn begun(&self, id: &str) -> Result<()> {
        let id = format!("{BEGUN}{id}");
        let row = ManagedObjectRow {
            unified_object_id: id.clone(),
            model_object_id: id,
            file_purpose: INTERACTION.to_owned(),
            status: Some("in_progress".to_owned()),
            ..ManagedObjectRow::default()
        };
        self.write(row).await.map(drop)
    }

    /// Remembers an interaction whose answer is still coming.
    pub(super) fn remember(self, id: &str) {
        let id = id.to_owned();
        self.app.background.clone().spawn(async move {
            if let Err(error) = self.begun(&id).await {
                tracing::error!(interaction = %id, error = %error.message, "an interaction cannot be remembered: its end may go uncharged");
            }
        });
    }
}

/// What is being charged, by the names under which it is written down.
#[derive(Debug, Default)]
pub struct Charging(Mutex<HashSet<String>>);

/// The right to charge something. What is charged goes to the journal under its name, so that it counts once even where the
/// process dies before it is written down, or another one charges it too.
#[derive(Debug)]
pub(crate) struct Claim {
    ledger: Ledger,
    row: Box<ManagedObjectRow>,
}

impl Claim {
    /// The name under which it counts once.
    pub(crate) fn name(&self) -> &str {
        &self.row.unified_object_id
    }

    /// It is charged: that is written down beside the requests.
    pub(crate) fn done(self) {
        self.ledger.app.background.clone().spawn(async move {
            if let Err(error) = self.ledger.write((*self.row).clone()).await {
                // Whoever looks next charges it again, and the store refuses that.
                tracing::warn!(name = self.name(), error = %error.message, "what was charged cannot be written down");
            }
        });
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.ledger.app.charging.0.lock().remove(&self.row.unified_object_id);
    }
}

/// The row that says that something is at its end.
fn written(id: &str, purpose: &str, object: Option<RawJson>) -> ManagedObjectRow {
    ManagedObjectRow {
        unified_object_id: id.to_owned(),
        model_object_id: id.to_owned(),
        file_object: object.unwrap_or_else(|| Json::Null.to_raw()),
        file_purpose: purpose.to_owned(),
        status: Some("complete".to_owned()),
        batch_processed: true,
        ..ManagedObjectRow::default()
    }
}

/// Settles an interaction in the background whose answer comes in pieces, when it is over.
pub(super) struct Late {
    ledger: Ledger,
    /// Of an interaction that is looked at; one that begins tells its own.
    id: Option<String>,
    tail: Box<RelayTail>,
}

impl Late {
    pub(super) fn new(ledger: Ledger, due: Due<'_>, tail: RelayTail) -> Self {
        let id = if let Due::Owed(id) = due { Some(id.to_owned()) } else { None };
        Self { ledger, id, tail: Box::new(tail) }
    }
}

impl Tail for Late {
    fn done(self: Box<Self>, mut report: Box<Report>) {
        let Self { ledger, id, tail } = *self;
        let Some(id) = id.or_else(|| report.response_id.clone()) else { return tail.done(report) };
        if !tells(&report) {
            // Its end was not seen: whoever sees it is charged.
            free(&mut report);
            return tail.done(report);
        }
        ledger.app.background.clone().spawn(async move {
            let mut tail = tail;
            tail.charges(ledger.charge(&id, &mut report).await);
            tail.done(report);
        });
    }
}

/// True when the host told what was consumed, which it does at the end.
pub(crate) fn tells(report: &Report) -> bool {
    !report.estimated && !report.usage.is_empty()
}

fn free(report: &mut Report) {
    report.usage = llm_types::Usage::default();
    report.cost = llm_types::record::Cost::default();
    report.usage_raw = None;
    report.cost_problem = None;
    report.estimated = false;
}

fn unsettled(id: &str, error: &Error) {
    tracing::error!(interaction = %id, error = %error.message, "what an interaction costs cannot be remembered; it is charged now");
}

/// Waits for work at the database, which is reached from the background runtime only.
async fn done<T>(work: JoinHandle<llm_store::Result<T>>) -> Result<T> {
    match work.await {
        Ok(done) => done.map_err(|error| unavailable(&error.to_string())),
        Err(error) => Err(unavailable(&error.to_string())),
    }
}

fn unavailable(why: &str) -> Error {
    Error::new(Kind::Unavailable, why.to_owned())
}
