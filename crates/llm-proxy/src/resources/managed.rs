//! Files that several model groups keep under one id (`target_model_names: a,b`): each group's deployment gets the file,
//! the gateway's database remembers which id it has where. Batches name the group that does the work.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use llm_accounts::{Identity, Reservation};
use llm_client::resources::deleted;
use llm_client::{RelayHead, Report};
use llm_store::ManagedFileRow;
use llm_types::{Error, Json, Kind, Result};
use llm_wire::ids;
use llm_wire::top::Top;

use super::choose::{self, Home};
use super::kept::{Shelf, owner};
use super::request::{Sent, Told};
use super::translated::{self, Outcome, Served, whole};
use super::{Asked, answer, elsewhere, relay};
use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};

/// Model groups in a list; nothing when it names only one.
pub(super) fn several(names: &str) -> Option<Vec<String>> {
    let all: Vec<String> = names.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect();
    (all.len() > 1).then_some(all)
}

/// A file and the groups that keep it.
pub(super) struct Managed {
    id: String,
    groups: Vec<String>,
    row: ManagedFileRow,
}

/// The managed file in a path, which is no longer the provider's to find.
///
/// # Errors
/// 404 where the caller has no such file.
pub(super) async fn in_path(core: &Core, who: &Arc<Identity>, tail: &str) -> Result<Option<Managed>> {
    let id = translated::id_in(tail, "/files/", "/content");
    find(core, who, &id).await
}

/// The managed file that a batch is to read, and the body with the id that it has at the group that is named.
///
/// # Errors
/// 404 where the caller has no such file, 400 where no group is named and several keep it.
pub(super) async fn in_body(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    sent: Sent,
    told: &mut Told,
) -> Result<Sent> {
    let Sent::Whole(body) = sent else { return Ok(sent) };
    let Ok(top) = Top::parse(&body) else { return Ok(Sent::Whole(body)) };
    let Some(input) = top.str("input_file_id") else { return Ok(Sent::Whole(body)) };
    let Some(managed) = find(core, who, &input).await? else { return Ok(Sent::Whole(body)) };
    let group = match (&told.group, managed.groups.as_slice()) {
        (Some(named), _) if !managed.groups.contains(named) => {
            let why = format!("the file is not kept by {named}, but by {}", managed.groups.join(", "));
            return Err(Error::bad_request(why).with_param("model"));
        }
        (Some(named), _) => named.clone(),
        (None, [only]) => only.clone(),
        (None, several) => {
            let why = format!("Expected 1 model, got {}: name one of {} as `model`", several.len(), several.join(", "));
            return Err(Error::bad_request(why).with_param("model"));
        }
    };
    let (_, id) = managed.at(ctx, who, &group)?;
    let quoted = llm_types::RawJson::string(&id);
    let body = top.edited(&[("input_file_id", Some(quoted.get()))]);
    told.group = Some(group);
    Ok(Sent::Whole(body))
}

async fn find(core: &Core, who: &Arc<Identity>, id: &str) -> Result<Option<Managed>> {
    let Some(groups) = ids::decode_managed(id) else { return Ok(None) };
    let row = Shelf { core, who }.row(id).await?;
    Ok(Some(Managed { id: id.to_owned(), groups, row }))
}

impl Managed {
    /// Who of a group keeps the file, and the id that it has there.
    fn at(&self, ctx: &Context, who: &Identity, group: &str) -> Result<(Home, String)> {
        let home = choose::of_group(ctx, who, group, true)?;
        let places = Json::from(&self.row.model_mappings);
        let deployment = home.deployment.as_ref().map(|d| d.id.to_string()).unwrap_or_default();
        match places.text(&deployment) {
            Some(id) => Ok((home, id.to_owned())),
            None => Err(Error::bad_request(format!("no deployment of {group} keeps the file")).with_param("model")),
        }
    }

    /// The first place that still is in the configuration, and the path there.
    ///
    /// # Errors
    /// When none is.
    pub(super) fn first(&self, ctx: &Context, who: &Identity, tail: &str) -> Result<(Home, String)> {
        let behind = if tail.ends_with("/content") { "/content" } else { "" };
        let places = self.groups.iter().map(|group| self.at(ctx, who, group));
        let mut last = Error::new(Kind::NotFound, format!("No such File object: {}", self.id));
        for place in places {
            match place {
                Ok((home, id)) => return Ok((home, format!("/files/{id}{behind}"))),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// What it is.
    fn facts(&self) -> Json {
        self.row.file_object.as_ref().map(Json::from).unwrap_or_default()
    }

    /// Throws it away, everywhere.
    ///
    /// # Errors
    /// What a provider refuses; the file stays known then.
    async fn remove(&self, core: &Core, ctx: &Context, asked: &Asked<'_>) -> Result<Delivered> {
        let who = ctx.who.as_ref().ok_or_else(|| Error::internal("a caller that nobody knows"))?;
        let mut last = None;
        for group in &self.groups {
            let Ok((home, id)) = self.at(ctx, who, group) else { continue };
            let tail = format!("/files/{id}");
            let asked = Asked { tail: &tail, home: &home, ..*asked };
            last = Some(deliver(core, ctx, &asked, Sent::Whole(Bytes::new())).await?);
        }
        Shelf { core, who }.forget(&self.row).await?;
        let (from, report) =
            last.map_or_else(|| (translated::here(core, ctx, asked.home), Box::default()), |d| (d.from, d.report));
        Ok(Delivered { object: deleted(&self.id), from, report })
    }
}

/// A provider's answer, read whole.
struct Delivered {
    object: Json,
    from: RelayHead,
    report: Box<Report>,
}

/// Answers for a file that several groups keep, or that they are to keep.
///
/// # Errors
/// 403 for a group that the caller may not use; what a provider refuses. Copies that were put somewhere before stay.
pub(super) async fn serve(
    core: &Core,
    ctx: &Context,
    asked: &Asked<'_>,
    file: Option<Managed>,
    groups: Option<Vec<String>>,
    sent: Sent,
    reservation: Reservation,
) -> Result<Response<Reply>, Refused> {
    let done = match (file, groups) {
        (Some(file), _) if asked.what.call_type == "afile_delete" => file.remove(core, ctx, asked).await,
        (Some(file), _) => Ok(Delivered {
            object: file.facts(),
            from: translated::here(core, ctx, asked.home),
            report: Box::default(),
        }),
        (None, groups) => everywhere(core, ctx, asked, &groups.unwrap_or_default(), sent).await,
    };
    match done {
        Ok(Delivered { object, from, report }) => {
            let served = *Served::json(&object, from, report);
            Ok(answer::as_is(core, ctx, asked, served, reservation))
        }
        Err(error) => Err(Refused::after(error, reservation)),
    }
}

async fn everywhere(core: &Core, ctx: &Context, asked: &Asked<'_>, groups: &[String], sent: Sent) -> Result<Delivered> {
    let who = ctx.who.as_ref().ok_or_else(|| Error::internal("a caller that nobody knows"))?;
    if let Some(denied) = groups.iter().find(|group| !who.may_use(group)) {
        let why = format!("the model {denied} may not be used");
        return Err(Error::new(Kind::PermissionDenied, why).with_param("target_model_names"));
    }
    let body = whole(sent).await?;
    let mut places: Vec<(String, Json)> = Vec::new();
    let mut last = None;
    for group in groups {
        let home = choose::of_group(ctx, who, group, true)?;
        crate::region::permits(ctx, home.deployment.as_deref())?;
        let to = Asked { home: &home, ..*asked };
        let delivered = deliver(core, ctx, &to, Sent::Whole(body.clone())).await?;
        let id = delivered.object.text("id").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Error::new(Kind::InvalidReply, "a file without an id"))?.to_owned();
        let deployment = home.deployment.as_ref().map(|d| d.id.to_string()).unwrap_or_default();
        places.push((deployment, Json::from(id)));
        last = Some(delivered);
    }
    let mut last = last.ok_or_else(|| Error::internal("a file for nobody"))?;
    let id = ids::encode_managed(&uuid::Uuid::new_v4().to_string(), groups);
    last.object.set("id", id.as_str());
    let row = ManagedFileRow {
        unified_file_id: id,
        file_object: Some(last.object.to_raw()),
        flat_model_file_ids: places.iter().filter_map(|(_, id)| id.as_str().map(str::to_owned)).collect(),
        model_mappings: Json::Object(places).to_raw(),
        created_by: owner(who),
        team_id: who.team_id().map(str::to_owned),
        ..ManagedFileRow::default()
    };
    Shelf { core, who }.keep(row).await?;
    Ok(last)
}

async fn deliver(core: &Core, ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Delivered> {
    let read = |bytes: &[u8]| serde_json::from_slice::<Json>(bytes).unwrap_or_default();
    let sent = match elsewhere(core, ctx, asked, sent).await? {
        Outcome::Served(served) => {
            return Ok(Delivered { object: read(&served.body), from: served.from, report: served.report });
        }
        Outcome::Relay(sent) => sent,
    };
    let (relayed, _) = relay::send(core, ctx, asked, sent).await.map_err(|failure| failure.error)?;
    let (status, from) = (relayed.parts.status, relayed.from);
    let (bytes, report) = relayed.body.collect(ctx.snapshot.engine.settings.max_reply_bytes).await?;
    if !status.is_success() {
        let said = report.error.clone().unwrap_or_else(|| Error::new(Kind::BadGateway, status.to_string()));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        return Err(Error { message: format!("{}: {text}", said.message), ..said });
    }
    Ok(Delivered { object: read(&bytes), from, report })
}
