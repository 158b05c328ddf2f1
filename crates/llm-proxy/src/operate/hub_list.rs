//! The public models in pages: `GET /public/v1/model_hub`, and what its columns hold. A list of LiteLLM's newer kind, of what
//! the configuration has: nothing is asked of the database.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use http::Response;
use http::request::Parts;
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

fn refused(name: &str, why: impl std::fmt::Display) -> Error {
    Error::bad_request(format!("{name}: {why}")).with_param(name)
}

impl Asked {
    fn read(parts: &Parts) -> Result<Self> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs: Vec<(String, String)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let decoded = |text: &str| crate::read::decode_path(&text.replace('+', " "));
                (decoded(name), decoded(value))
            })
            .collect();
        for (at, (name, _)) in pairs.iter().enumerate() {
            let known = ["page", "page_size", "sort", "q"].contains(&name.as_str());
            if !known && !FILTERS.iter().any(|(filter, ..)| filter == name) {
                let filters: Vec<&str> = FILTERS.iter().map(|(name, ..)| *name).collect();
                let all = format!("page, page_size, sort, q, {}", filters.join(", "));
                return Err(refused(name, format!("unknown query parameter. Allowed: {all}")));
            }
            if pairs.iter().take(at).any(|(before, _)| before == name) {
                return Err(refused(name, "may stand once; separate several values by commas"));
            }
        }
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
        let mut keys = Vec::new();
        for key in self.text("sort").into_iter().flat_map(|keys| keys.split(',')).map(str::trim) {
            let (column, falls) = key.strip_prefix('-').map_or((key, false), |column| (column, true));
            if !SORTABLE.contains(&column) {
                let all = SORTABLE.join(", ");
                return Err(refused("sort", format!("`{column}` cannot be sorted by. Allowed: {all}")));
            }
            keys.push((column, falls));
        }
        keys.push(("model_group", false));
        groups.sort_by(|a, b| {
            keys.iter()
                .map(|(column, falls)| compared(a, b, column, *falls))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        Ok(())
    }

    /// Another page of the same list.
    fn link(&self, path: &str, page: usize) -> String {
        let mut out = format!("{path}?");
        let form = |text: &str| text.bytes().fold(String::new(), |out, byte| out + &escaped(byte));
        for (name, value) in self.pairs.iter().filter(|(name, _)| name != "page") {
            out.push_str(&format!("{}={}&", form(name), form(value)));
        }
        out.push_str(&format!("page={page}"));
        out
    }
}

fn escaped(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
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
    let (total, size, page) = (groups.len(), asked.size, asked.page);
    let pages = total.div_ceil(size);
    let last = pages.max(1);
    let shown = groups.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect();
    let link = |page: Option<usize>| page.map(|page| asked.link(PATH, page));
    let about = [("total_count", total), ("page", page), ("page_size", size), ("total_pages", pages)];
    let links = [
        ("self", link(Some(page))),
        ("first", link(Some(1))),
        ("prev", link((page > 1).then(|| page - 1))),
        ("next", link((page < last).then(|| page + 1))),
        ("last", link(Some(last))),
    ];
    Ok(list(shown, Json::object(about.map(|(name, count)| (name, count as u64))), Json::object(links)))
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
    let (size, page) = (asked.size, asked.page);
    let more = all.len() > page.saturating_mul(size);
    let shown = all.into_iter().skip((page - 1).saturating_mul(size)).take(size).map(Json::from).collect();
    let about =
        [("page", Json::from(page as u64)), ("page_size", Json::from(size as u64)), ("has_more", Json::from(more))];
    let link = |page: usize| asked.link(column.path(), page);
    let links = [
        ("self", Some(link(page))),
        ("prev", (page > 1).then(|| link(page - 1))),
        ("next", more.then(|| link(page + 1))),
    ];
    Ok(list(shown, Json::object(about), Json::object(links)))
}

fn list(data: Vec<Json>, about: Json, links: Json) -> Response<Reply> {
    // A field of the answer. tidy: provider-id
    answer(&Json::object([("data", Json::Array(data)), ("meta", about), ("links", links)]))
}
