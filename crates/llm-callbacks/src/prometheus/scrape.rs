//! What is read when somebody scrapes: states of deployments, limits, budgets, totals. Nothing of it costs a request anything.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::homes::Homes;
use super::labels::Label::{self, *};
use super::labels::NONE;
use super::sets::{HOME, KEY, ORG, TEAM};
use super::shown::Shown;

/// What the gateway knows at the moment of a scrape.
#[derive(Debug, Clone, Default)]
pub struct Scrape {
    /// Deployments that are there.
    pub deployments: Vec<DeploymentNow>,
    /// What is left of budgets of providers, in US dollars.
    pub providers: Vec<(Arc<str>, f64)>,
    /// Budgets of those who called lately.
    pub budgets: Vec<BudgetNow>,
    /// Rows of the database, where there is one.
    pub totals: Option<Totals>,
}

/// A deployment at the moment of a scrape.
#[derive(Debug, Clone)]
pub struct DeploymentNow {
    /// Its id.
    pub id: Arc<str>,
    /// The group it is in.
    pub group: Arc<str>,
    /// Requests per minute at the most.
    pub rpm: Option<u64>,
    /// Tokens per minute at the most.
    pub tpm: Option<u64>,
    /// It rests.
    pub cooling: bool,
    /// How often it began to rest, by the status that caused it.
    pub rests: Vec<(u16, u64)>,
}

/// Whose a budget is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetOwner {
    /// A key, by its hash.
    Key,
    /// A team.
    Team,
    /// An internal user.
    User,
    /// An organization.
    Organization,
    /// An end user.
    Customer,
}

/// A budget, or its absence, at the moment of a scrape.
#[derive(Debug, Clone)]
pub struct BudgetNow {
    /// Whose it is.
    pub owner: BudgetOwner,
    /// Its owner's id.
    pub id: Arc<str>,
    /// Its owner's alias.
    pub alias: Option<Arc<str>>,
    /// US dollars; nothing: no limit.
    pub max: Option<f64>,
    /// US dollars.
    pub spent: f64,
    /// Hours until it starts again.
    pub hours: Option<f64>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Internal users.
    pub users: u64,
    /// Teams.
    pub teams: u64,
}

/// A metric that is read at a scrape.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) labels: &'static [Label],
}

macro_rules! kinds {
    ($($const:ident $name:literal $help:literal $labels:expr;)*) => {
        $(const $const: Kind = Kind { name: $name, help: $help, labels: $labels };)*
        /// All of them.
        pub(super) const KINDS: &[Kind] = &[$($const,)*];
    };
}

const GROUP_HOME: &[Label] = &[ModelGroup, ModelName, ModelId, ApiBase, Provider];

kinds! {
    STATE "litellm_deployment_state" "0: its last attempt went well, 1: it failed, 2: it rests" HOME;
    COOLED "litellm_deployment_cooled_down" "How often a deployment began to rest"
        &[ModelName, ModelId, ApiBase, Provider, ExceptionStatus];
    TPM "litellm_deployment_tpm_limit" "Tokens per minute of a deployment" GROUP_HOME;
    RPM "litellm_deployment_rpm_limit" "Requests per minute of a deployment" GROUP_HOME;
    PROVIDER "litellm_provider_remaining_budget_metric" "US dollars left of a provider" &[Provider];
    KEY_LEFT "litellm_remaining_api_key_budget_metric" "US dollars left of a key" KEY;
    KEY_MAX "litellm_api_key_max_budget_metric" "Budget of a key in US dollars" KEY;
    KEY_HOURS "litellm_api_key_budget_remaining_hours_metric" "Hours until the budget of a key starts again" KEY;
    TEAM_LEFT "litellm_remaining_team_budget_metric" "US dollars left of a team" TEAM;
    TEAM_MAX "litellm_team_max_budget_metric" "Budget of a team in US dollars" TEAM;
    TEAM_HOURS "litellm_team_budget_remaining_hours_metric" "Hours until the budget of a team starts again" TEAM;
    USER_LEFT "litellm_remaining_user_budget_metric" "US dollars left of a user" &[User];
    USER_MAX "litellm_user_max_budget_metric" "Budget of a user in US dollars" &[User];
    USER_HOURS "litellm_user_budget_remaining_hours_metric" "Hours until the budget of a user starts again" &[User];
    ORG_LEFT "litellm_remaining_org_budget_metric" "US dollars left of an organization" ORG;
    ORG_MAX "litellm_org_max_budget_metric" "Budget of an organization in US dollars" ORG;
    ORG_HOURS "litellm_org_budget_remaining_hours_metric" "Hours until the budget of an organization starts again" ORG;
    CUSTOMER_LEFT "litellm_remaining_customer_budget_metric" "US dollars left of an end user" &[EndUser];
    CUSTOMER_MAX "litellm_customer_max_budget_metric" "Budget of an end user in US dollars" &[EndUser];
    CUSTOMER_HOURS "litellm_customer_budget_remaining_hours_metric" "Hours until the budget of an end user starts again"
        &[EndUser];
    USERS "litellm_total_users" "Internal users" &[];
    TEAMS "litellm_teams_count" "Teams" &[];
}

impl BudgetOwner {
    /// Left, the whole, hours.
    const fn kinds(self) -> [&'static Kind; 3] {
        match self {
            Self::Key => [&KEY_LEFT, &KEY_MAX, &KEY_HOURS],
            Self::Team => [&TEAM_LEFT, &TEAM_MAX, &TEAM_HOURS],
            Self::User => [&USER_LEFT, &USER_MAX, &USER_HOURS],
            Self::Organization => [&ORG_LEFT, &ORG_MAX, &ORG_HOURS],
            Self::Customer => [&CUSTOMER_LEFT, &CUSTOMER_MAX, &CUSTOMER_HOURS],
        }
    }
}

/// Rows of the metrics, in the order of [`KINDS`].
#[derive(Debug)]
pub(super) struct Sheet(Vec<Family>);

#[derive(Debug)]
struct Family {
    kind: &'static Kind,
    labels: Vec<(Label, &'static str)>,
    rows: Vec<(Vec<(Label, String)>, f64)>,
}

impl Sheet {
    /// The rows of what is shown.
    pub(super) fn new(scrape: &Scrape, homes: &Homes, shown: &Shown) -> Self {
        let family = |kind: &'static Kind| {
            let labels = kind.labels.iter().map(|l| (*l, l.name()));
            let labels = labels.filter(|(_, name)| shown.label(kind.name, name)).collect();
            Family { kind, labels, rows: Vec::new() }
        };
        let mut sheet = Self(KINDS.iter().filter(|kind| shown.metric(kind.name)).map(family).collect());
        sheet.deployments(scrape, homes);
        for (provider, left) in &scrape.providers {
            sheet.put(&PROVIDER, vec![(Provider, provider.to_string())], *left);
        }
        for budget in scrape.budgets.iter().filter(|b| b.owner != BudgetOwner::Customer || shown.end_user) {
            sheet.budget(budget);
        }
        if let Some(totals) = scrape.totals {
            for (kind, count) in [(&USERS, totals.users), (&TEAMS, totals.teams)] {
                sheet.put(kind, Vec::new(), count as f64);
            }
        }
        sheet
    }

    fn deployments(&mut self, scrape: &Scrape, homes: &Homes) {
        let there: HashMap<&str, &DeploymentNow> = scrape.deployments.iter().map(|d| (&*d.id, d)).collect();
        for (home, well) in homes.iter() {
            let Some(now) = there.get(&*home.id) else { continue };
            let labels = || {
                vec![
                    (ModelName, home.model.to_string()),
                    (ModelId, home.id.to_string()),
                    (ApiBase, home.api_base.as_deref().unwrap_or(NONE).to_owned()),
                    (Provider, home.provider.to_string()),
                ]
            };
            let state = if now.cooling { 2.0 } else { f64::from(u8::from(!well)) };
            self.put(&STATE, labels(), state);
            for (status, count) in &now.rests {
                let labels = [labels(), vec![(ExceptionStatus, status.to_string())]].concat();
                self.put(&COOLED, labels, *count as f64);
            }
            for (kind, limit) in [(&TPM, now.tpm), (&RPM, now.rpm)] {
                if let Some(limit) = limit {
                    self.put(kind, [labels(), vec![(ModelGroup, now.group.to_string())]].concat(), limit as f64);
                }
            }
        }
    }

    fn budget(&mut self, b: &BudgetNow) {
        let [left, max, hours] = b.owner.kinds();
        let alias = b.alias.as_deref().unwrap_or(NONE).to_owned();
        let labels = || {
            let names = left.labels.iter().copied();
            names.zip([b.id.to_string(), alias.clone()]).collect::<Vec<_>>()
        };
        self.put(left, labels(), b.max.map_or(f64::INFINITY, |max| max - b.spent));
        for (kind, value) in [(max, b.max), (hours, b.hours)] {
            if let Some(value) = value {
                self.put(kind, labels(), value);
            }
        }
    }

    fn put(&mut self, kind: &Kind, labels: Vec<(Label, String)>, value: f64) {
        if let Some(family) = self.0.iter_mut().find(|family| family.kind.name == kind.name) {
            family.rows.push((labels, value));
        }
    }
}

impl Family {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.kind.name == COOLED.name;
        let kind = if counts { MetricType::Counter } else { MetricType::Gauge };
        let mut family = encoder.encode_descriptor(self.kind.name, self.kind.help, None, kind)?;
        for (values, value) in &self.rows {
            let of = |label: &Label| values.iter().find(|(l, _)| l == label).map_or(NONE, |(_, text)| text);
            let labels: Vec<(&str, &str)> = self.labels.iter().map(|(label, name)| (*name, of(label))).collect();
            match (counts, labels.is_empty()) {
                (true, _) => ConstCounter::new(*value).encode(family.encode_family(&labels)?)?,
                (false, false) => ConstGauge::new(*value).encode(family.encode_family(&labels)?)?,
                (false, true) => family.encode_gauge(value)?,
            }
        }
        Ok(())
    }
}

impl Collector for Sheet {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.iter().filter(|family| !family.rows.is_empty()).try_for_each(|family| family.encode(&mut encoder))
    }
}
