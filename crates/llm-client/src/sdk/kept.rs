//! How the functions of [`super::resources`] are done: by the provider itself in OpenAI's words, or by its house in others.

use std::sync::Arc;

use http::Method;
use llm_http::Timeouts;
use llm_providers::batches::{BatchHouse, Job, Want};
use llm_providers::registry;
use llm_providers::uploads::Look;
use llm_types::{Error, Json, Result};
use llm_wire::task::FilePart;
use tokio::runtime::Handle;

use super::Client;
use super::calls::{Answered, Params};
use super::relayed::relayed;
use super::resources::object;
use crate::answer::Report;
use crate::resources::{BATCH, Batches, Family, Finished, Keeper, Requests, Told, Tuning, Uploading};
use crate::target::Target;

/// A call of the table.
pub(super) struct Asked<'a> {
    pub(super) family: Family,
    pub(super) method: Method,
    pub(super) call_type: &'static str,
    pub(super) path: String,
    /// The ids in the path, as they were given.
    pub(super) ids: &'a [&'a str],
}

impl Asked<'_> {
    pub(super) fn id(&self) -> &str {
        self.ids.first().copied().unwrap_or_default()
    }

    /// What is in a file is asked for: there may be much of it, and it may be a page.
    pub(super) fn content(&self) -> bool {
        self.path.ends_with("/content")
    }
}

/// What is sent with it.
pub(super) enum Sent {
    Nothing,
    Query(Json),
    Body(Json),
    Form(Vec<FilePart>, Json),
}

impl Sent {
    /// What of a list is asked for: how many entries, and behind which one.
    fn page(&self) -> (Option<u32>, Option<&str>) {
        let Self::Query(query) = self else { return (None, None) };
        let limit = query.get("limit").and_then(Json::as_i64).and_then(|limit| u32::try_from(limit).ok());
        (limit, query.text("after"))
    }

    /// The body, which may name a model with its provider in front.
    pub(super) fn body(self, provider: &str) -> Result<Json> {
        let Self::Body(mut body) = self else { return Err(Error::internal("a call without a body")) };
        object(&body)?;
        let bare = body.text("model").and_then(|model| model.strip_prefix(provider)?.strip_prefix('/'));
        if let Some(bare) = bare.map(str::to_owned) {
            body.set("model", bare);
        }
        Ok(body)
    }

    /// The file of a form, and its other fields.
    fn file(self) -> Result<(FilePart, Json)> {
        let Self::Form(files, fields) = self else { return Err(Error::internal("a call without a form")) };
        let file = files.into_iter().find(|file| file.name == "file");
        Ok((file.ok_or_else(|| Error::bad_request("the form has no file").with_param("file"))?, fields))
    }
}

/// The name by which a provider, or one of its models, is found.
pub(super) fn named(provider: &str) -> Result<String> {
    let (first, rest) = provider.split_once('/').unwrap_or((provider, "*"));
    let known = registry::by_prefix(first);
    let known =
        known.ok_or_else(|| Error::bad_request(format!("there is no provider {first:?}")).with_param("provider"))?;
    Ok(format!("{}/{rest}", known.row().id))
}

impl Client {
    pub(super) async fn kept(
        &self,
        provider: &str,
        asked: Asked<'_>,
        sent: Sent,
        params: Params<'_>,
    ) -> Result<Answered> {
        let target = Arc::new(self.target_of(&named(provider)?, params)?);
        if asked.family == Family::Interactions && !target.provider.interacts() {
            return self.bridged(&target, asked, sent, params).await;
        }
        let aside = Handle::current();
        let model = model_of(&target).filter(|_| asked.family != Family::VectorStores);
        let keeper = self.keeper(&target, model.as_deref(), &aside);
        let sent = match elsewhere(&keeper, &asked, sent).await? {
            Outcome::Told(told) => return Ok(told.into()),
            Outcome::Relay(sent) => sent,
        };
        relayed(&keeper, &asked, sent).await
    }

    fn keeper<'a>(&'a self, target: &'a Arc<Target>, model: Option<&'a str>, aside: &'a Handle) -> Keeper<'a> {
        let limit = self.engine.settings.request_timeout;
        let connect = Some(self.engine.settings.connect_timeout);
        Keeper {
            engine: &self.engine,
            http: &*self.http,
            target,
            deployment: None,
            model,
            timeouts: Timeouts { connect, first_byte: limit, idle: limit, ..Timeouts::NONE },
            aside,
        }
    }

    /// What a batch that [`Self::retrieve_batch`] told of consumed and cost: by its own words, else by its answers, which
    /// are fetched for that. Nothing for one that is not `completed`.
    ///
    /// # Errors
    /// `BadRequest` for what is no batch; when its answers cannot be had.
    pub async fn batch_cost(&self, provider: &str, batch: &Answered, params: Params<'_>) -> Result<Box<Report>> {
        let batch: Finished<'_> = serde_json::from_slice(&batch.body)
            .map_err(|e| Error::bad_request(format!("this is no batch: {e}")).with_param("batch"))?;
        let mut report = Box::<Report>::default();
        if batch.status == "completed" {
            let target = Arc::new(self.target_of(&named(provider)?, params)?);
            let (aside, model) = (Handle::current(), model_of(&target));
            let keeper = self.keeper(&target, model.as_deref(), &aside);
            keeper.price_batch(&Box::pin(keeper.consumed(&batch)).await?, &mut report);
        }
        Ok(report)
    }
}

/// The model that stands behind a provider, as the provider knows it.
fn model_of(target: &Target) -> Option<String> {
    (!target.model.contains('*')).then(|| target.provider.wire_model(&target.model).into_owned())
}

impl From<Box<Told>> for Answered {
    fn from(told: Box<Told>) -> Self {
        Self { body: told.body, content_type: Some(told.content_type.to_owned()), report: told.report }
    }
}

/// What became of a call.
enum Outcome {
    Told(Box<Told>),
    /// It is the provider's as it is.
    Relay(Sent),
}

/// Answers where a house keeps the thing in another way than OpenAI.
async fn elsewhere(keeper: &Keeper<'_>, asked: &Asked<'_>, sent: Sent) -> Result<Outcome> {
    let provider = keeper.target.provider;
    let told = match asked.family {
        Family::VectorStores => {
            let Some(house) = provider.stores(&keeper.target.model) else { return Ok(Outcome::Relay(sent)) };
            if asked.call_type != "avector_store_search" {
                return Err(unserved(keeper, "vector stores of the provider % can only be searched"));
            }
            keeper.search(house, asked.id(), &sent.body(provider.row().id)?).await?.into()
        }
        Family::FineTuning => {
            let Some(house) = provider.tuning() else { return Ok(Outcome::Relay(sent)) };
            let (limit, after) = sent.page();
            let wanted = match asked.call_type {
                "alist_fine_tuning_jobs" => Tuning::Job(Job::List { limit, after }),
                "aretrieve_fine_tuning_job" => Tuning::Job(Job::Facts(asked.id())),
                "acancel_fine_tuning_job" => Tuning::Job(Job::Cancel(asked.id())),
                "acreate_fine_tuning_job" => return begin(keeper, house, sent).await,
                _ => return Ok(Outcome::Relay(sent)),
            };
            keeper.tuning(house, wanted).await?
        }
        Family::Files => match (provider.uploads(), provider.batches()) {
            (Some(house), _) => {
                let (limit, after) = sent.page();
                let look = match asked.call_type {
                    "afile_list" => Look::List { limit, after },
                    "afile_retrieve" => Look::Facts(asked.id()),
                    "afile_delete" => Look::Removal(asked.id()),
                    "acreate_file" => {
                        let (file, fields) = sent.file()?;
                        let told = keeper.uploads(house, Uploading::Put(file, fields.text("purpose"))).await?;
                        return Ok(Outcome::Told(Box::new(told)));
                    }
                    _ => return Err(unserved(keeper, "the provider % does not give files back")),
                };
                keeper.uploads(house, Uploading::Look(look)).await?
            }
            (None, Some(house)) => return file(&batches(keeper, house), asked, sent).await,
            (None, None) => return Ok(Outcome::Relay(sent)),
        },
        Family::Batches => match provider.batches() {
            Some(house) => batch(&batches(keeper, house), asked, sent).await?,
            None => return Ok(Outcome::Relay(sent)),
        },
        _ => return Ok(Outcome::Relay(sent)),
    };
    Ok(Outcome::Told(Box::new(told)))
}

/// Says what cannot be done; `%` stands for the provider.
fn unserved(keeper: &Keeper<'_>, why: &str) -> Error {
    Error::bad_request(why.replace('%', keeper.target.provider_id())).with_param("provider")
}

async fn begin(keeper: &Keeper<'_>, house: &dyn llm_providers::tuning::TuningHouse, sent: Sent) -> Result<Outcome> {
    let wish = sent.body(keeper.target.provider_id())?;
    Ok(Outcome::Told(Box::new(keeper.tuning(house, Tuning::Begin(wish)).await?)))
}

const fn batches<'a>(keeper: &Keeper<'a>, house: &'static dyn BatchHouse) -> Batches<'a> {
    Batches { keeper: *keeper, house, may_use: &|_| true }
}

/// Files with requests and results are kept by a gateway, where the house takes requests inline.
const INLINE: &str = "the provider % takes the requests of a batch inline: a gateway keeps the file with them in its database, \
    a program has none";

async fn batch(batches: &Batches<'_>, asked: &Asked<'_>, sent: Sent) -> Result<Told> {
    let (limit, after) = sent.page();
    let job = match asked.call_type {
        "acreate_batch" if batches.house.files().is_none() => return Err(unserved(&batches.keeper, INLINE)),
        "acreate_batch" => {
            let body = object(&sent.body(batches.keeper.target.provider_id())?)?;
            return batches.begin(&body, &Requests::default()).await;
        }
        "alist_batches" => Job::List { limit, after },
        "acancel_batch" => Job::Cancel(asked.id()),
        _ => Job::Facts(asked.id()),
    };
    batches.job(job).await
}

async fn file(batches: &Batches<'_>, asked: &Asked<'_>, sent: Sent) -> Result<Outcome> {
    let files = batches.house.files();
    let told = match (asked.call_type, files) {
        ("acreate_file", files) => {
            let Sent::Form(_, fields) = &sent else { return Ok(Outcome::Relay(sent)) };
            let purpose = fields.text("purpose").unwrap_or_default().to_owned();
            match files {
                Some(files) => {
                    let (file, _) = sent.file()?;
                    batches.put(files, file.filename.as_deref().unwrap_or("file"), &purpose, file.data).await?
                }
                None if purpose == BATCH => return Err(unserved(&batches.keeper, INLINE)),
                None => return Ok(Outcome::Relay(sent)),
            }
        }
        ("afile_list", Some(_)) => return Err(batches.unlisted()),
        ("afile_content", _) => match batches.content(asked.id()).await? {
            Some(told) => told,
            None => return Ok(Outcome::Relay(sent)),
        },
        ("afile_retrieve", Some(files)) => batches.stored(files, asked.id(), Want::Facts).await?,
        ("afile_delete", Some(files)) => batches.stored(files, asked.id(), Want::Removal).await?,
        _ => return Ok(Outcome::Relay(sent)),
    };
    Ok(Outcome::Told(Box::new(told)))
}
