//! Calls of an index that the configuration knows (`/v1/indexes`): judged by the rights of key and team, sent to the vector
//! store that keeps it, with that store's credential.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use llm_accounts::Identity;
use llm_client::Target;
use llm_providers::passthrough::{Indexes, Mount};
use llm_types::{Error, Kind, RawJson, Result};
use llm_wire::top::Top;

use super::once;
use super::payload::Payload;
use super::relays::StoreIndex;
use crate::searched;
use crate::snapshot::Snapshot;

/// The setting of a store, and the field of a body, that choose among the databases of one Milvus.
const DATABASE: (&str, &str) = ("milvus_db_name", "dbName");

/// A call that goes to a store.
#[derive(Debug)]
pub(super) struct Indexed<'a> {
    /// Who keeps the store.
    pub(super) target: &'a Arc<Target>,
    /// The path, with the index's own name.
    pub(super) rest: String,
}

/// Finds the index that a call names, and puts its own name into path or body. Nothing for calls of no index that is known: they
/// are made as others of the mount, by those who may.
///
/// # Errors
/// 403 for what the caller has no right to, 400 for what cannot be told apart, 500 for an index of a store that is not there.
pub(super) fn find<'a>(
    snapshot: &'a Snapshot,
    method: &Method,
    mount: &Mount,
    who: &Identity,
    rest: &str,
    payload: &mut Payload,
) -> Result<Option<Indexed<'a>>> {
    let Some(place) = mount.indexes else { return Ok(None) };
    if place.makes_one(method, rest) && !who.is_admin() {
        let why = "Only proxy admins can create vector store indexes. Contact your LiteLLM administrator.";
        return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error"));
    }
    let Some(named) = named(place, rest, payload) else { return Ok(None) };
    let settings = &snapshot.relays.settings;
    let Some(index) = settings.indexes.iter().find(|index| index.name == named) else { return Ok(None) };
    who.may_use_index(&index.name, place.right(method, rest).name())?;
    let Some((store, target)) = settings.store_of(index) else {
        return Err(Error::internal(format!("Vector store not found for {}", index.store)));
    };
    searched::one(who, store)?;
    if let (Some(field), Some(body)) = (place.field(), payload.bytes()) {
        *payload = Payload::Whole(renamed(body, field, index, target, who)?);
    }
    let rest = place.with_index(rest, &index.index);
    let rest =
        rest.ok_or_else(|| Error::bad_request("the path of an index must not be escaped in front of its name"))?;
    Ok(Some(Indexed { target, rest }))
}

fn named(place: Indexes, rest: &str, payload: &Payload) -> Option<String> {
    match (place.field(), payload.bytes()) {
        (None, _) => place.of_path(rest),
        (Some(field), Some(body)) => Top::parse(body).ok()?.str(field).map(Cow::into_owned),
        (Some(_), None) => None,
    }
}

/// The body with the index's own name, in the store's own database.
fn renamed(body: &Bytes, field: &str, index: &StoreIndex, target: &Target, who: &Identity) -> Result<Bytes> {
    if !once::names_stand_once(body) {
        return Err(
            Error::bad_request("a name must not stand twice in an object of the body").with_param(field.to_owned())
        );
    }
    let (setting, database) = DATABASE;
    let (top, own) = (Top::parse(body)?, target.params.str(setting));
    let asked = top.get(database).map(|_| top.str(database));
    if !who.is_admin() && asked.is_some_and(|asked| asked.as_deref() != own) {
        let why = format!("the index {} lies in another database", index.name);
        return Err(Error::new(Kind::PermissionDenied, why).with_param(database));
    }
    let real = RawJson::string(&index.index);
    let own = own.map(RawJson::string);
    let mut edits = vec![(field, Some(real.get()))];
    edits.extend(own.as_ref().map(|own| (database, Some(own.get()))));
    Ok(top.edited(&edits))
}
