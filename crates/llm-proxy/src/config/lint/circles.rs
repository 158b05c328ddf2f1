//! Fallbacks that lead back to where they began, or further than anybody follows them. Both end by themselves: no group is
//! tried twice for a request, and `max_fallbacks` bounds the way. Nobody means them all the same.

use std::collections::{HashMap, HashSet, VecDeque};

use llm_router::FallbackLists;

use crate::config::node::Node;
use crate::config::problem::Mark;
use crate::config::section::Section;
use crate::config::{Context, Loaded};

/// The lists of fallbacks that may stand in `router_settings` and `litellm_settings`.
pub(super) const LISTS: [&str; 3] = ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"];

/// One step from a group to a fallback.
struct Hop {
    to: String,
    list: &'static str,
}

/// A group's entry in a list.
struct Place {
    group: String,
    mark: Mark,
    path: String,
}

/// All lists that hold, as one graph of groups; aliases are those that they stand for.
#[derive(Default)]
struct Graph {
    hops: HashMap<String, Vec<Hop>>,
    places: Vec<Place>,
}

/// Tells of circles, of ways that are longer than `max_fallbacks`, and of lists that another section's list hides.
pub(super) fn fallbacks(top: &Section<'_>, loaded: &Loaded, ctx: &Context<'_>) {
    let mut graph = Graph::default();
    for list in LISTS {
        let mut known = false;
        for section in ["router_settings", "litellm_settings"] {
            let Some(node) = setting(top, section, list) else { continue };
            let path = format!("{section}.{list}");
            if known {
                ctx.problems.warn(
                    &node.mark,
                    path,
                    format!("router_settings.{list} is what holds: this list is not used"),
                );
                continue;
            }
            known = true;
            graph.add(node, &path, list, loaded);
        }
    }
    graph.tell_circles(ctx);
    graph.tell_unreachable(loaded.router.max_fallbacks(), ctx);
}

fn setting<'a>(top: &Section<'a>, section: &str, key: &str) -> Option<&'a Node> {
    top.entries().iter().find(|e| e.key == section)?.node.get(key).filter(|n| !n.is_null())
}

impl Graph {
    fn add(&mut self, lists: &Node, path: &str, list: &'static str, loaded: &Loaded) {
        let Ok(read) = FallbackLists::from_json(&lists.json()) else { return };
        let aliases = loaded.router.model_group_alias.as_ref();
        let real = |name: &str| aliases.and_then(|a| a.get(name)).map_or(name, |a| &*a.model).to_owned();
        for (group, targets) in read.iter().filter(|(group, _)| *group != "*") {
            let hops = targets.iter().map(|t| Hop { to: real(&t.model), list });
            self.hops.entry(real(group)).or_default().extend(hops);
        }
        for (at, item) in lists.items().iter().enumerate() {
            for entry in item.entries().iter().filter(|e| e.key != "*") {
                let path = format!("{path}[{at}].{}", entry.key);
                self.places.push(Place { group: real(&entry.key), mark: entry.mark.clone(), path });
            }
        }
    }

    fn tell_circles(&self, ctx: &Context<'_>) {
        let mut told: HashSet<Vec<String>> = HashSet::new();
        for place in &self.places {
            let Some((circle, lists)) = self.circle(&place.group) else { continue };
            let mut members = circle.clone();
            members.sort_unstable();
            members.dedup();
            if told.insert(members) {
                let through =
                    if lists.len() > 1 { format!(" (through {})", lists.join(" and ")) } else { String::new() };
                let message = format!("fallbacks go in a circle: {}{through}", circle.join(" → "));
                ctx.problems.warn_hint(&place.mark, place.path.clone(), message, "each is tried once for a request");
            }
        }
    }

    /// The shortest way from a group back to itself, and the lists that it uses.
    fn circle(&self, start: &str) -> Option<(Vec<String>, Vec<&'static str>)> {
        let mut ways = VecDeque::from([(vec![start.to_owned()], Vec::new())]);
        let mut seen = HashSet::new();
        while let Some((way, lists)) = ways.pop_front() {
            for hop in self.hops.get(way.last()?).into_iter().flatten() {
                let (mut longer, mut used) = (way.clone(), lists.clone());
                longer.push(hop.to.clone());
                if !used.contains(&hop.list) {
                    used.push(hop.list);
                }
                if hop.to == start {
                    return Some((longer, used));
                }
                if seen.insert(&hop.to) {
                    ways.push_back((longer, used));
                }
            }
        }
        None
    }

    /// Groups that are further away than `most` hops, from every group that begins a way.
    fn tell_unreachable(&self, most: u32, ctx: &Context<'_>) {
        let targets: HashSet<&str> = self.hops.values().flatten().map(|hop| hop.to.as_str()).collect();
        let mut told = HashSet::new();
        for place in self.places.iter().filter(|p| most == 0 || !targets.contains(p.group.as_str())) {
            if !told.insert(&place.group) {
                continue;
            }
            let far = self.further_than(&place.group, most);
            if !far.is_empty() {
                let message =
                    format!("max_fallbacks is {most}: from {:?} nobody gets as far as {}", place.group, far.join(", "));
                ctx.problems.warn(&place.mark, place.path.clone(), message);
            }
        }
    }

    fn further_than(&self, start: &str, most: u32) -> Vec<String> {
        let (mut near, mut seen, mut far) = (vec![start], HashSet::from([start]), Vec::new());
        let mut hops = 0;
        while !near.is_empty() {
            hops += 1;
            let mut next = Vec::new();
            for hop in near.iter().filter_map(|group| self.hops.get(*group)).flatten() {
                if seen.insert(&hop.to) {
                    next.push(hop.to.as_str());
                }
            }
            if hops > most {
                far.extend(next.iter().map(|name| format!("{name:?}")));
            }
            near = next;
        }
        far
    }
}
