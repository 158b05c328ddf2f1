//! What a house is asked, in its words.

use llm_types::{Json, Result};

use super::{Case, Domains, House, Query, one_text, query};
use crate::codec::EncodeContext;
use crate::task::write::{self, Fields};

/// Languages of countries where they are called otherwise.
const LANGUAGES: [(&str, &str); 3] = [("us", "en"), ("uk", "en"), ("jp", "ja")];

impl House {
    /// The fields of a request.
    ///
    /// # Errors
    /// `BadRequest` without a query.
    pub(super) fn body(&self, fields: &mut Fields, ctx: &mut EncodeContext<'_>) -> Result<Fields> {
        let query = query(fields)?;
        let domains = write::take(fields, "search_domain_filter");
        let domains = domains.as_ref().and_then(Json::as_array).unwrap_or_default();
        let mut said: Fields = Vec::new();
        self.ask(query, domains, &mut said);
        if let Some(most) = write::take(fields, "max_results") {
            match self.most {
                Some((name, cap)) => {
                    let number = most.as_i64().and_then(|n| u64::try_from(n).ok());
                    put(&mut said, name, number.map_or(most, |n| Json::from(n.min(cap))));
                }
                None if self.keep.is_some() => {}
                None => ctx.lost.push("max_results".to_owned()),
            }
        }
        match self.domains {
            Domains::List(name) if !domains.is_empty() => put(&mut said, name, Json::Array(domains.to_vec())),
            Domains::Lists(wanted, unwanted) => split(domains, wanted, unwanted, fields, &mut said),
            Domains::First(name, (also, what)) => {
                if let Some(first) = domains.first() {
                    put(&mut said, name, first.clone());
                    put(&mut said, also, Json::from(what));
                }
            }
            Domains::None if !domains.is_empty() => ctx.lost.push("search_domain_filter".to_owned()),
            _ => {}
        }
        if let Some(country) = write::take(fields, "country") {
            match self.country {
                Some((name, case)) => put(&mut said, name, case.of(country)),
                None => ctx.lost.push("country".to_owned()),
            }
        }
        if let Some(tokens) = write::take(fields, "max_tokens_per_page") {
            match self.tokens {
                Some(name) => put(&mut said, name, tokens),
                None => ctx.lost.push("max_tokens_per_page".to_owned()),
            }
        }
        for (name, place) in self.deeper {
            if let Some(value) = write::take(fields, name) {
                put(&mut said, place, value);
            }
        }
        for (names, value) in self.fixed {
            let known = fields.iter().chain(&said).any(|(known, _)| names.contains(&known.as_str()));
            if let Some(name) = names.first().filter(|_| !known) {
                said.push(((*name).to_owned(), serde_json::from_str(value).unwrap_or_default()));
            }
        }
        said.append(fields);
        Ok(said)
    }

    fn ask(&self, query: Json, domains: &[Json], said: &mut Fields) {
        let text = one_text(&query);
        let sites: Vec<String> = domains.iter().filter_map(Json::as_str).map(|d| format!("site:{d}")).collect();
        let text = match (self.domains, sites.as_slice()) {
            (Domains::Sites, [_, ..]) => format!("{text} ({})", sites.join(" OR ")),
            (Domains::SitesApart(between), [_, ..]) => format!("({text}){between}({})", sites.join(" OR ")),
            _ => text,
        };
        match self.query {
            Query::Text(name) => said.push((name.to_owned(), Json::from(text))),
            Query::AsIs(name) => said.push((name.to_owned(), query)),
            Query::List(list, one) => match query {
                Json::Array(_) => said.push((list.to_owned(), query)),
                query => {
                    said.push((list.to_owned(), Json::Array(vec![query])));
                    said.push((one.to_owned(), Json::from(text)));
                }
            },
        }
    }
}

impl Case {
    fn of(self, country: Json) -> Json {
        match self {
            Self::AsIs => country,
            Self::Lower => Json::from(write::text(&country).to_lowercase()),
            Self::Upper => Json::from(write::text(&country).to_uppercase()),
            Self::Language => {
                let country = write::text(&country).to_lowercase();
                let known = LANGUAGES.iter().find(|(name, _)| *name == country);
                Json::from(known.map_or(country.as_str(), |(_, language)| language))
            }
        }
    }
}

/// Sets a field; a name with dots is a place in objects.
fn put(fields: &mut Fields, place: &str, value: Json) {
    let Some((name, rest)) = place.split_once('.') else {
        write::set(fields, place, value);
        return;
    };
    let mut inner = match write::take(fields, name) {
        Some(Json::Object(inner)) => inner,
        _ => Vec::new(),
    };
    put(&mut inner, rest, value);
    fields.push((name.to_owned(), Json::Object(inner)));
}

/// Domains as two lists; a list that the client writes in the house's own words wins.
fn split(domains: &[Json], wanted: &str, unwanted: &str, fields: &Fields, said: &mut Fields) {
    let names = || domains.iter().filter_map(Json::as_str).filter(|d| !d.trim_start_matches('-').is_empty());
    let lists: [(&str, Vec<&str>); 2] = [
        (wanted, names().filter(|d| !d.starts_with('-')).collect()),
        (unwanted, names().filter_map(|d| d.strip_prefix('-')).collect()),
    ];
    for (name, list) in lists {
        if !list.is_empty() && fields.iter().all(|(known, _)| known != name) {
            said.push((name.to_owned(), Json::Array(list.into_iter().map(Json::from).collect())));
        }
    }
}
