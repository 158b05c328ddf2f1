//! The snapshot: deployments, settings, and the tables to find them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::Strategy;
use crate::budget::Budgets;
use crate::candidates::Affinities;
use crate::chooser::{AnyStrategy, Choosers};
use crate::{Deployment, DeploymentState, FallbackLists, Group, Needs, Pattern, RouterSettings, RouterState, Spent};

/// Tells the provider of a model name (`gpt-4o` → `openai`), as far as the owner can infer it.
#[derive(Clone)]
pub struct ProviderOf(Arc<dyn Fn(&str) -> Option<&'static str> + Send + Sync>);

impl ProviderOf {
    /// Wraps the owner's answer.
    pub fn new(answer: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    pub(crate) fn ask(&self, model: &str) -> Option<&'static str> {
        (self.0)(model)
    }
}

impl fmt::Debug for ProviderOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderOf(..)")
    }
}

/// Deployments and settings, ready for decisions. Never changes: a reload builds another one over the same state.
#[derive(Debug)]
pub struct Router {
    pub(crate) deployments: Vec<Arc<Deployment>>,
    /// State of each deployment, at the same positions.
    pub(crate) states: Vec<Arc<DeploymentState>>,
    pub(crate) groups: HashMap<Arc<str>, Arc<Group>>,
    pub(crate) group_order: Vec<Arc<str>>,
    /// Team → public name → group.
    pub(crate) team_groups: HashMap<Arc<str>, HashMap<Arc<str>, Arc<Group>>>,
    pub(crate) ids: HashMap<Arc<str>, usize>,
    /// Provider's model name → the deployments with it.
    pub(crate) models: HashMap<Arc<str>, Arc<Group>>,
    /// The most specific first.
    pub(crate) patterns: Vec<(Pattern, Arc<Group>)>,
    pub(crate) settings: RouterSettings,
    pub(crate) fallbacks: FallbackLists,
    pub(crate) state: Arc<RouterState>,
    pub(crate) choosers: Choosers,
    pub(crate) budgets: Budgets,
    pub(crate) affinities: Affinities,
    /// Groups whose ties differ from the general ones.
    pub(crate) group_affinities: HashMap<Arc<str>, Affinities>,
    /// Some group has a setting of its own on tags.
    pub(crate) group_tags: bool,
    /// Some group stands for others.
    pub(crate) has_auto: bool,
    /// What decisions look at.
    pub(crate) needs: Needs,
    pub(crate) provider_of: Option<ProviderOf>,
    warnings: Vec<String>,
}

impl Router {
    /// A router with a state of its own.
    #[must_use]
    pub fn new(deployments: Vec<Deployment>, settings: RouterSettings) -> Self {
        Self::with_state(deployments, settings, RouterState::new(Instant::now(), SystemTime::now()))
    }

    /// A router over the state of its predecessor: cooldowns and counters of known deployments go on.
    #[must_use]
    pub fn with_state(deployments: Vec<Deployment>, settings: RouterSettings, state: Arc<RouterState>) -> Self {
        let mut warnings = Vec::new();
        let choosers = Choosers::new(&settings, &mut warnings);
        let deployments: Vec<_> = deployments.into_iter().map(Arc::new).collect();
        let mut router = Self {
            states: deployments.iter().map(|d| state.deployment(&d.id)).collect(),
            groups: HashMap::new(),
            group_order: Vec::new(),
            team_groups: HashMap::new(),
            ids: HashMap::with_capacity(deployments.len()),
            models: HashMap::new(),
            patterns: Vec::new(),
            fallbacks: settings.all_fallbacks(),
            budgets: Budgets::new(&deployments, &settings, &state),
            affinities: Affinities::of(&settings),
            group_affinities: group_affinities(&settings),
            group_tags: deployments.iter().any(|d| d.enable_tag_filtering.is_some()),
            has_auto: deployments.iter().any(|d| d.auto.is_some()),
            needs: Needs::default(),
            deployments,
            settings,
            state,
            choosers,
            provider_of: None,
            warnings,
        };
        router.index();
        router.needs = router.all_needs();
        router.state.forget_unused();
        router
    }

    /// Lets the router complete names that lack their provider.
    #[must_use]
    pub fn infer_providers(mut self, provider_of: ProviderOf) -> Self {
        self.provider_of = Some(provider_of);
        self
    }

    /// Replaces the strategy of all groups that have none of their own.
    #[must_use]
    pub fn with_strategy(mut self, strategy: Arc<dyn Strategy>) -> Self {
        self.choosers.default.strategy = AnyStrategy::Own(strategy);
        self.needs = self.all_needs();
        self
    }

    /// What strategies, checks and ties look at.
    fn all_needs(&self) -> Needs {
        let checks = self.settings.enable_pre_call_checks == Some(true) || self.settings.enforces_rate_limits();
        let cached_prompts = self.affinities.prompt() || self.group_affinities.values().any(|a| a.prompt());
        let lists = [self.settings.context_window_fallbacks.as_ref(), self.settings.content_policy_fallbacks.as_ref()];
        let asked = self.has_auto && lists.into_iter().flatten().chain([&self.fallbacks]).any(|list| !list.is_empty());
        self.choosers.needs().and(Needs { tokens: checks, cached_prompts, asked, ..Needs::default() })
    }

    /// True when requests go where the encrypted content that they bring was made.
    #[must_use]
    pub fn follows_encrypted_content(&self) -> bool {
        self.affinities.encrypted() || self.group_affinities.values().any(|a| a.encrypted())
    }

    /// The budgets of providers, deployments and tags, and what was spent of them.
    #[must_use]
    pub fn budgets(&self, now: Instant) -> Vec<Spent> {
        self.budgets.all(&self.state, now)
    }

    /// All deployments, in the order of the configuration.
    #[must_use]
    pub fn deployments(&self) -> &[Arc<Deployment>] {
        &self.deployments
    }

    /// All deployments with what is known of them right now.
    pub fn states(&self) -> impl Iterator<Item = (&Arc<Deployment>, &Arc<DeploymentState>)> {
        self.deployments.iter().zip(&self.states)
    }

    /// The deployment with this id.
    #[must_use]
    pub fn deployment(&self, id: &str) -> Option<&Arc<Deployment>> {
        self.deployments.get(*self.ids.get(id)?)
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &RouterSettings {
        &self.settings
    }

    /// What survives a reload.
    #[must_use]
    pub const fn state(&self) -> &Arc<RouterState> {
        &self.state
    }

    /// What was odd in the configuration, for the log.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn index(&mut self) {
        let mut groups: HashMap<Arc<str>, Group> = HashMap::new();
        let mut teams: HashMap<Arc<str>, HashMap<Arc<str>, Group>> = HashMap::new();
        let mut models: HashMap<Arc<str>, Group> = HashMap::new();
        for (at, d) in self.deployments.iter().enumerate() {
            if self.ids.insert(Arc::clone(&d.id), at).is_some() {
                self.warnings.push(format!("two deployments have the id {:?}; the later one answers to it", d.id));
            }
            add(&mut models, &d.model, at);
            match (&d.team_id, &d.team_public_model_name) {
                (Some(team), Some(public)) => add(teams.entry(Arc::clone(team)).or_default(), public, at),
                _ => {
                    if !groups.contains_key(&d.group) {
                        self.group_order.push(Arc::clone(&d.group));
                    }
                    add(&mut groups, &d.group, at);
                }
            }
        }
        self.add_routing_groups(&mut groups);
        self.groups = shared(groups);
        self.models = shared(models);
        self.team_groups = teams.into_iter().map(|(team, groups)| (team, shared(groups))).collect();
        let all = self.group_order.iter().filter_map(|name| self.groups.get(name));
        let all = all.chain(self.team_groups.values().flat_map(HashMap::values));
        let mut patterns: Vec<_> =
            all.filter_map(|group| Some((Pattern::parse(&group.name)?, Arc::clone(group)))).collect();
        patterns.sort_by_key(|(p, _)| std::cmp::Reverse(p.specificity()));
        self.patterns = patterns;
    }
}

impl Router {
    /// A routing group can be called by its name, where no model has it: all deployments of its models are candidates.
    fn add_routing_groups(&mut self, groups: &mut HashMap<Arc<str>, Group>) {
        for named in self.settings.routing_groups.iter().flatten().filter(|g| !g.group_name.is_empty()) {
            if groups.contains_key(named.group_name.as_str()) {
                self.warnings.push(format!(
                    "the routing group {:?} has the name of a model, which is what is called",
                    named.group_name
                ));
                continue;
            }
            let models = named.models.iter().filter_map(|model| Some((model, groups.get(model.as_str())?)));
            let (mut members, mut orders) = (Vec::new(), BTreeMap::new());
            for (model, group) in models {
                members.extend(&group.members);
                let order = named.priorities().and_then(|p| p.get(model));
                orders.extend(order.into_iter().flat_map(|order| group.members.iter().map(|at| (*at, *order))));
            }
            members.sort_unstable();
            members.dedup();
            if !members.is_empty() {
                let name: Arc<str> = Arc::from(named.group_name.as_str());
                groups.insert(Arc::clone(&name), Group { orders, ..Group::of(name, members) });
            }
        }
    }
}

fn group_affinities(settings: &RouterSettings) -> HashMap<Arc<str>, Affinities> {
    let own = settings.model_group_affinity_config.iter().flatten();
    own.map(|(group, checks)| (Arc::from(group.as_str()), Affinities::named(checks))).collect()
}

fn add(groups: &mut HashMap<Arc<str>, Group>, name: &Arc<str>, at: usize) {
    groups.entry(Arc::clone(name)).or_insert_with(|| Group::of(Arc::clone(name), Vec::new())).members.push(at);
}

fn shared(groups: HashMap<Arc<str>, Group>) -> HashMap<Arc<str>, Arc<Group>> {
    groups.into_iter().map(|(name, group)| (name, Arc::new(group))).collect()
}
