//! What a token says.

use llm_types::Json;

use crate::Refused;

/// How far the clocks of issuer and gateway may be apart, seconds.
const SKEW: f64 = 30.0;

/// The claims of a token that was verified, or what an issuer answered when it was asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Claims(Json);

impl Claims {
    /// From what is already known to be true.
    #[must_use]
    pub const fn new(json: Json) -> Self {
        Self(json)
    }

    pub(crate) fn parse(payload: &[u8]) -> Result<Self, Refused> {
        let refused = |why: &'static str| Refused::Token(why.into());
        let json: Json = serde_json::from_slice(payload).map_err(|_| refused("its claims cannot be read"))?;
        let Some(fields) = json.as_object() else { return Err(refused("its claims are no object")) };
        // Two readers of one token must not see two different callers.
        let twice = fields.iter().enumerate().any(|(at, (name, _))| fields.iter().skip(at + 1).any(|(n, _)| n == name));
        if twice {
            return Err(refused("a claim stands in it twice"));
        }
        Ok(Self(json))
    }

    /// The whole object.
    #[must_use]
    pub const fn json(&self) -> &Json {
        &self.0
    }

    /// The claim at a path: the claim of that name, else the way that its dots say (`realm_access.roles`). `\.` is a dot in
    /// a name.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Json> {
        if let Some(found) = self.0.get(path) {
            return Some(found).filter(|found| !found.is_null());
        }
        let mut here = &self.0;
        for name in path.replace("\\.", "\u{0}").split('.') {
            here = here.get(&name.replace('\u{0}', "."))?;
        }
        Some(here).filter(|found| !found.is_null())
    }

    /// A text that is not empty; numbers count as what is written for them.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        match self.at(path)? {
            Json::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The texts of a list; a text alone is a list of one.
    #[must_use]
    pub fn texts(&self, path: &str) -> Vec<String> {
        match self.at(path) {
            Some(Json::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            Some(Json::String(text)) if !text.is_empty() => vec![text.clone()],
            _ => Vec::new(),
        }
    }

    /// The scopes: `scope`, words or a list, else `scp` (Microsoft's name for it).
    #[must_use]
    pub fn scopes(&self) -> Vec<String> {
        let of = |name: &str| match self.0.get(name) {
            Some(Json::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
            Some(Json::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        let scopes: Vec<String> = of("scope");
        if scopes.is_empty() { of("scp") } else { scopes }
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.get("iss")?.as_str()
    }

    /// When it ends, seconds since 1970.
    #[must_use]
    pub fn expires(&self) -> Option<f64> {
        self.0.get("exp")?.as_f64().filter(|at| at.is_finite())
    }

    /// Checks the times. `now`: seconds since 1970.
    ///
    /// # Errors
    /// When it has ended, says no end, or has not begun.
    pub(crate) fn check_times(&self, now: f64) -> Result<(), Refused> {
        let Some(ends) = self.expires() else { return Err(Refused::Token("it never ends".into())) };
        if now >= ends + SKEW {
            return Err(Refused::Expired);
        }
        for name in ["nbf", "iat"] {
            let begins = self.0.get(name).filter(|at| !at.is_null());
            let begins = begins.map(|at| at.as_f64().ok_or_else(|| Refused::Token("its times are no numbers".into())));
            if begins.transpose()?.is_some_and(|at| now + SKEW < at) {
                return Err(Refused::Token("it is not valid yet".into()));
            }
        }
        Ok(())
    }

    /// True when the audience is one of these.
    pub(crate) fn is_for(&self, audiences: &[String]) -> bool {
        let meant = |one: &str| audiences.iter().any(|audience| audience == one);
        match self.0.get("aud") {
            Some(Json::String(one)) => meant(one),
            Some(Json::Array(all)) => all.iter().filter_map(Json::as_str).any(meant),
            _ => false,
        }
    }
}
