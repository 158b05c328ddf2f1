//! The public models in pages: `GET /public/v1/model_hub`, and what its columns hold. A list of LiteLLM's newer kind, of what
//! the configuration has: nothing is asked of the database.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use http::Response;
use http::request::Parts;
use llm_management::lists::{self, ListPage};
use llm_types::{Error, Json, Kind, Result};

use super::hub;
use crate::body::Reply;
use crate::models::answer;
use crate::snapshot::Snapshot;

const PATH: &str = "/public/v1/model_hub";
const LARGEST_PAGE: usize = 100;
const PAGE: usize = 50;
/// What stands before the name of something that a model can do.
const CAN: &str = "supports_";
/// Parameters beside the filters.
const FIELDS: [&str; 4] = ["page", "page_size", "sort", "q"];
const SORTABLE: [&str; 9] = [
    "model_group",
    "mode",
    "providers",
    "max_input_tokens",
    "max_output_tokens",
    "input_cost_per_token",
    "output_cost_per_token",
    "rpm",
    "tpm",
];
/// Filters: the parameter, the column, whether its values are alternatives.
const FILTERS: [(&str, Column, bool); 5] = [
    ("filter[mode][eq]", Column::Modes, false),
    ("filter[mode][in]", Column::Modes, true),
    ("filter[providers][contains]", Column::Providers, false),
    ("filter[providers][in]", Column::Providers, true),
    ("filter[features][in]", Column::Features, true),
];

/// A column with texts that can be asked for by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Providers.
    Providers,
    /// Kinds of models.
    Modes,
    /// What they can do.
    Features,
}

impl Column {
    const fn path(self) -> &'static str {
        match self {
            Self::Providers => "/public/v1/model_hub/providers",
            Self::Modes => "/public/v1/model_hub/modes",
            Self::Features => "/public/v1/model_hub/features",
        }
    }

    /// The texts of a group.
    fn of(self, group: &Json) -> Vec<String> {
        match self {
            Self::Providers => group.texts("providers").map(str::to_owned).collect(),
            Self::Modes => vec![group.text("mode").unwrap_or("chat").to_owned()],
            Self::Features => {
                let fields = group.as_object().unwrap_or_default().iter();
                let can = fields.filter(|(_, value)| *value == Json::Bool(true));
                can.filter_map(|(name, _)| name.strip_prefix(CAN).map(str::to_owned)).collect()
            }
        }
    }
}

/// What is asked for.
struct Asked {
    pairs: Vec<(String, String)>,
    page: usize,
    size: usize,
}

impl Asked {
    fn read(parts: &Parts) -> Result<Self> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let known: Vec<&str> = FIELDS.into_iter().chain(FILTERS.map(|(name, ..)| name)).collect();
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(lists::unknown(name, &known));
        }
        lists::once(&pairs)?;
        let number = |name: &str, usual: usize| match pairs.iter().find(|(known, _)| known == name) {
            None => Ok(usual),
            Some((_, text)) => text.parse().ok().filter(|number| *number >= 1).ok_or_else(|| {
                let why = format!("{name}: Input should be a whole number, 1 or more");
                Error::new(Kind::Unprocessable, why).with_param(name)
            }),
        };
        let (page, size) = (number("page", 1)?, number("page_size", PAGE)?.min(LARGEST_PAGE));
        Ok(Self { pairs, page, size })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// True for a group that every filter lets through.
    fn wants(&self, group: &Json) -> bool {
        let named = group.text("model_group").unwrap_or_default().to_lowercase();
        let searched = self.text("q").is_none_or(|part| named.contains(&part.to_lowercase()));
        searched
            && FILTERS.iter().all(|(name, column, many)| {
                let Some(value) = self.text(name) else { return true };
                let wanted: Vec<&str> = if *many { value.split(',').map(str::trim).collect() } else { vec![value] };
                column.of(group).iter().any(|text| wanted.contains(&text.as_str()))
            })
    }

    fn sort(&self, groups: &mut [Json]) -> Result<()> {
        let mut keys = lists::sort_keys(self.text("sort"), &SORTABLE)?;
        keys.push(("model_group", false));
        groups.sort_by(|a, b| {
            keys.iter()
                .map(|(column, falls)| compared(a, b, column, *falls))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        Ok(())
    }

    /// The items of the page that was asked for.
    fn cut<T>(&self, all: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        all.into_iter().skip((self.page - 1).saturating_mul(self.size)).take(self.size)
    }

    fn list<'q>(&'q self, path: &'q str) -> ListPage<'q> {
        ListPage { path, query: &self.pairs, page: self.page as u64, size: self.size as u64 }
    }
}

/// The order of two groups by a column; what is not there comes last, whichever way it goes.
fn compared(a: &Json, b: &Json, column: &str, falls: bool) -> Ordering {
    let of = |group: &Json| match group.get(column) {
        Some(Json::Array(list)) => list.first().cloned(),
        value => value.filter(|value| !value.is_null()).cloned(),
    };
    let order = match (of(a), of(b)) {
        (None, None) => return Ordering::Equal,
        (None, Some(_)) => return Ordering::Greater,
        (Some(_), None) => return Ordering::Less,
        (Some(a), Some(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.as_str().cmp(&b.as_str()),
        },
    };
    if falls { order.reverse() } else { order }
}

/// `GET /public/v1/model_hub`.
///
/// # Errors
/// 400 for what the list does not know, 422 for pages that are no numbers.
pub(super) fn page(snapshot: &Snapshot, parts: &Parts) -> Result<Response<Reply>> {
    let asked = Asked::read(parts)?;
    let mut groups = hub::public(snapshot, parts);
    groups.retain(|group| asked.wants(group));
    asked.sort(&mut groups)?;
    let total = groups.len() as u64;
    Ok(answer(&asked.list(PATH).counted(asked.cut(groups).collect(), total)))
}

/// `GET /public/v1/model_hub/providers`, `/modes`, `/features`: what the column holds, of the groups that the filters let
/// through.
///
/// # Errors
/// As [`page`].
pub(super) fn column(snapshot: &Snapshot, parts: &Parts, column: Column) -> Result<Response<Reply>> {
    let asked = Asked::read(parts)?;
    let groups = hub::public(snapshot, parts).into_iter().filter(|group| asked.wants(group));
    let all: BTreeSet<String> = groups.flat_map(|group| column.of(&group)).collect();
    let more = all.len() > asked.page.saturating_mul(asked.size);
    let shown = asked.cut(all).map(Json::from).collect();
    Ok(answer(&asked.list(column.path()).uncounted(shown, more)))
}
