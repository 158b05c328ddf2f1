//! Nobody hands out more than they have: permissions that callers who are no administrators give.

use std::collections::HashSet;

use llm_store::ObjectPermissionRow;
use llm_types::{Json, RawJson};

use super::body::Asked;
use crate::keys::forbidden;
use crate::request::Outcome;

type Row = ObjectPermissionRow;

/// A list of the row.
struct List {
    name: &'static str,
    /// Its entries grant; an empty one grants nothing of its own.
    grants: bool,
    of: fn(&Row) -> &Vec<String>,
    of_mut: fn(&mut Row) -> &mut Vec<String>,
}

macro_rules! lists {
    ($($field:ident),+) => { [$(List {
        name: stringify!($field),
        grants: in_list(&super::GRANTING, stringify!($field)),
        of: |row| &row.$field,
        of_mut: |row| &mut row.$field,
    }),+] };
}

/// What is checked, list by list; `blocked_tools` takes away and has a check of its own.
fn lists() -> [List; 9] {
    lists!(
        mcp_servers,
        mcp_access_groups,
        mcp_toolsets,
        vector_stores,
        agents,
        agent_access_groups,
        models,
        search_tools,
        skills
    )
}

fn in_list(list: &[&str], name: &str) -> bool {
    list.contains(&name)
}

/// How far a caller's hand reaches.
#[derive(Debug, Default)]
pub(crate) struct Reach<'r> {
    /// Rows that hold for the caller and not of themselves for whom he gives to: his own key's and user's.
    pub(crate) limits: Vec<&'r Row>,
    /// Rows whose MCP servers he may pass on: those of the team, the organization.
    pub(crate) sources: Vec<&'r Row>,
    /// What is there already.
    pub(crate) there: Option<&'r Row>,
    /// What is there may only become narrower: the caller stands below who gave it.
    pub(crate) narrows: bool,
}

impl Reach<'_> {
    /// What is to be written so that the receiver has no more than the giver: the asked fields, and for something `new` the
    /// giver's own limits where nothing was asked.
    ///
    /// # Errors
    /// 403 naming the list that is too much.
    pub(crate) fn within(&self, asked: Option<&Asked>, new: bool) -> Outcome<Option<Asked>> {
        if asked.is_none() && !new {
            return Ok(None);
        }
        let mut after = asked.map_or_else(Row::default, |asked| asked.over(self.there));
        if new {
            self.inherit(&mut after);
        }
        for list in lists() {
            let fine = if list.grants { self.granted(&list, &after) } else { self.narrow(&list, &after) };
            if !fine {
                return Err(too_much(list.name));
            }
        }
        self.fewer_tools(&after)?;
        self.no_wider_sets(&after)?;
        match asked {
            Some(Asked::Nothing) if is_silent(&after) => Ok(Some(Asked::Nothing)),
            None if is_silent(&after) => Ok(None),
            _ => Ok(Some(Asked::whole(&after))),
        }
    }

    /// Rows that what is given has to lie within.
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.limits.iter().copied().chain(self.there.filter(|_| self.narrows))
    }

    fn inherit(&self, after: &mut Row) {
        for list in lists() {
            if (list.of)(after).is_empty()
                && let Some(own) = self.limits.iter().map(|row| (list.of)(row)).find(|own| !own.is_empty())
            {
                (list.of_mut)(after).clone_from(own);
            }
        }
        for row in &self.limits {
            let missing = row.blocked_tools.iter().filter(|tool| !after.blocked_tools.contains(tool));
            let missing: Vec<String> = missing.cloned().collect();
            after.blocked_tools.extend(missing);
            let (mut tools, own) = (map(after.mcp_tool_permissions.as_ref()), map(row.mcp_tool_permissions.as_ref()));
            for (server, names) in own.as_object().unwrap_or_default() {
                if tools.get(server).is_none() {
                    tools.set(server, names.clone());
                    after.mcp_tool_permissions = Some(tools.to_raw());
                }
            }
        }
    }

    /// A list that narrows: within that of every row that has one.
    fn narrow(&self, list: &List, after: &Row) -> bool {
        let given = (list.of)(after);
        self.rows().all(|row| {
            let own = (list.of)(row);
            own.is_empty() || !given.is_empty() && subset(given, own)
        })
    }

    /// A list that grants: what the limits name, or where they name nothing, what the sources have; what was there stays.
    fn granted(&self, list: &List, after: &Row) -> bool {
        let given = (list.of)(after);
        let limited = |row: &&Row| lists().iter().any(|list| list.grants && !(list.of)(row).is_empty());
        let limits: Vec<&Row> = self.limits.iter().copied().filter(|row| limited(row)).collect();
        let there = self.there.map(|row| (list.of)(row).iter()).into_iter().flatten();
        let sources = if limits.is_empty() { &self.sources } else { &limits };
        let known: HashSet<&String> = sources.iter().flat_map(|row| (list.of)(row)).chain(there).collect();
        // Without servers of its own a key has those of its team, which may be more than the giver's key has.
        let some = limits.is_empty() || limited(&after);
        some && given.iter().all(|entry| known.contains(entry))
    }

    /// A toolset narrows the servers that it names, wherever those are granted as a whole: who leaves it out hands on no
    /// whole servers.
    fn no_wider_sets(&self, after: &Row) -> Outcome<()> {
        let whole = !after.mcp_servers.is_empty() || !after.mcp_access_groups.is_empty();
        let kept = |row: &Row| subset(&row.mcp_toolsets, &after.mcp_toolsets);
        if whole && !self.rows().all(kept) { Err(too_much("mcp_toolsets")) } else { Ok(()) }
    }

    /// Tools that are blocked stay blocked, and a server's list of tools only becomes shorter.
    fn fewer_tools(&self, after: &Row) -> Outcome<()> {
        let tools = map(after.mcp_tool_permissions.as_ref());
        let names = |json: &Json| -> Vec<String> {
            json.as_array().unwrap_or_default().iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        for row in self.rows() {
            if !subset(&row.blocked_tools, &after.blocked_tools) {
                return Err(too_much("blocked_tools"));
            }
            for (server, own) in map(row.mcp_tool_permissions.as_ref()).as_object().unwrap_or_default() {
                let (given, own) = (tools.get(server).map(names).unwrap_or_default(), names(own));
                if !own.is_empty() && (given.is_empty() || !subset(&given, &own)) {
                    return Err(too_much("mcp_tool_permissions"));
                }
            }
        }
        Ok(())
    }
}

/// True when a row says nothing.
fn is_silent(row: &Row) -> bool {
    lists().iter().all(|list| (list.of)(row).is_empty())
        && row.blocked_tools.is_empty()
        && row.mcp_tool_permissions.is_none()
        && row.mcp_tool_search_enabled.is_none()
}

fn subset(of: &[String], in_list: &[String]) -> bool {
    of.iter().all(|entry| in_list.contains(entry))
}

fn map(raw: Option<&RawJson>) -> Json {
    let read = raw.and_then(|raw| raw.read::<Json>().ok()).filter(|json| json.as_object().is_some());
    read.unwrap_or_else(|| Json::Object(Vec::new()))
}

fn too_much(name: &str) -> crate::Problem {
    let why = format!("`object_permission.{name}` must be within what you may use yourself.");
    forbidden(why).with_param("object_permission").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Map;

    fn row(text: &str) -> Row {
        ask(text).over(None)
    }

    fn ask(text: &str) -> Asked {
        Asked::read(Some(&Map(serde_json::from_str(text).unwrap()))).unwrap()
    }

    fn given(reach: &Reach<'_>, text: &str, new: bool) -> Option<Row> {
        reach.within(Some(&ask(text)), new).ok().flatten().map(|asked| asked.over(None))
    }

    #[test]
    fn narrowing_lists_stay_within_the_giver_s() {
        let own = row(r#"{"vector_stores":["a","b"],"blocked_tools":["rm"]}"#);
        let reach = Reach { limits: vec![&own], ..Reach::default() };
        assert_eq!(given(&reach, r#"{"vector_stores":["a"]}"#, true).unwrap().vector_stores, ["a"]);
        assert!(given(&reach, r#"{"vector_stores":["a","c"]}"#, true).is_none());
        let silent = reach.within(None, true).unwrap().unwrap().over(None);
        assert_eq!((silent.vector_stores, silent.blocked_tools), (own.vector_stores.clone(), vec!["rm".to_owned()]));
        // Later nothing is filled in: an empty list would be everything.
        assert!(given(&reach, r#"{"vector_stores":[],"blocked_tools":["rm"]}"#, false).is_none());
        assert!(given(&reach, r#"{"vector_stores":["a"],"blocked_tools":[]}"#, false).is_none());
        assert!(reach.within(None, false).unwrap().is_none());
        assert!(reach.within(Some(&Asked::Nothing), false).is_err());
    }

    #[test]
    fn servers_come_from_the_team_or_the_giver_s_own_key() {
        let team = row(r#"{"mcp_servers":["one","two"]}"#);
        let reach = Reach { sources: vec![&team], ..Reach::default() };
        assert_eq!(given(&reach, r#"{"mcp_servers":["one"]}"#, true).unwrap().mcp_servers, ["one"]);
        assert!(given(&reach, r#"{"mcp_servers":["three"]}"#, true).is_none());
        assert!(reach.within(None, true).unwrap().is_none(), "the team's hold without being repeated");
        let own = row(r#"{"mcp_servers":["one"]}"#);
        let reach = Reach { limits: vec![&own], sources: vec![&team], ..Reach::default() };
        assert!(given(&reach, r#"{"mcp_servers":["two"]}"#, true).is_none());
        assert_eq!(reach.within(None, true).unwrap().unwrap().over(None).mcp_servers, ["one"]);
        assert!(given(&reach, r#"{"mcp_servers":[]}"#, false).is_none(), "it would be the whole team's");
    }

    #[test]
    fn tools_of_a_server_become_fewer() {
        let own = row(r#"{"mcp_tool_permissions":{"s":["read","list"]}}"#);
        let reach = Reach { limits: vec![&own], ..Reach::default() };
        assert!(given(&reach, r#"{"mcp_tool_permissions":{"s":["read"]}}"#, true).is_some());
        assert!(given(&reach, r#"{"mcp_tool_permissions":{"s":["write"]}}"#, true).is_none());
        assert!(given(&reach, r#"{"mcp_tool_permissions":{"s":[]}}"#, true).is_none());
        let silent = reach.within(None, true).unwrap().unwrap().over(None);
        assert_eq!(map(silent.mcp_tool_permissions.as_ref()), map(own.mcp_tool_permissions.as_ref()));
    }

    #[test]
    fn whole_servers_keep_the_toolsets_that_narrow_them() {
        let own = row(r#"{"mcp_servers":["one"],"mcp_toolsets":["s","t"]}"#);
        let reach = Reach { limits: vec![&own], ..Reach::default() };
        assert!(given(&reach, r#"{"mcp_toolsets":["s"]}"#, false).is_some());
        assert!(given(&reach, r#"{"mcp_servers":["one"],"mcp_toolsets":["s"]}"#, false).is_none());
        assert!(given(&reach, r#"{"mcp_servers":["one"],"mcp_toolsets":["s","t"]}"#, false).is_some());
        assert!(given(&reach, r#"{"mcp_toolsets":["u"]}"#, false).is_none());
        assert_eq!(given(&reach, r#"{"mcp_servers":["one"]}"#, true).unwrap().mcp_toolsets, ["s", "t"]);
    }

    #[test]
    fn what_others_gave_may_only_shrink_where_the_caller_stands_below_them() {
        let there = row(r#"{"vector_stores":["a","b"],"mcp_servers":["one"]}"#);
        let manager = Reach { there: Some(&there), narrows: true, ..Reach::default() };
        assert!(given(&manager, r#"{"vector_stores":["a"]}"#, false).is_some());
        assert!(given(&manager, r#"{"vector_stores":["c"]}"#, false).is_none());
        assert!(given(&manager, r#"{"mcp_servers":[]}"#, false).is_some());
        assert!(given(&manager, r#"{"mcp_servers":["one","two"]}"#, false).is_none());
    }
}
