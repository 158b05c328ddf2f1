//! The fields of an object while it is put together.

use std::collections::HashMap;

use super::Json;

/// In an object with more fields than these a table finds the names that stand twice: an attacker's may have a million.
const FEW: usize = 32;

/// Fields in order, each name once.
#[derive(Debug, Default)]
pub(super) struct Fields {
    list: Vec<(String, Json)>,
    /// Where each name is, once there are more than a few.
    places: HashMap<String, usize>,
}

impl Fields {
    pub(super) fn of(list: Vec<(String, Json)>) -> Self {
        Self { list, places: HashMap::new() }
    }

    /// Adds a field, or gives the one of this name its new value: the last one wins, as in every JSON parser our clients use.
    pub(super) fn put(&mut self, name: String, value: Json) {
        if self.list.len() >= FEW && self.places.is_empty() {
            self.places = self.list.iter().enumerate().map(|(at, (known, _))| (known.clone(), at)).collect();
        }
        let few = self.list.len() < FEW;
        let known = if few { self.list.iter().position(|(k, _)| *k == name) } else { self.places.get(&name).copied() };
        match known.and_then(|at| self.list.get_mut(at)) {
            Some((_, old)) => *old = value,
            None => {
                if !few {
                    self.places.insert(name.clone(), self.list.len());
                }
                self.list.push((name, value));
            }
        }
    }

    pub(super) fn into_list(self) -> Vec<(String, Json)> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_names_that_stand_twice_the_last_one_counts_in_objects_of_any_size() {
        for size in [2, FEW - 1, FEW, FEW + 1, 3 * FEW] {
            let fields: Vec<String> =
                (0..size).chain(0..size).enumerate().map(|(at, name)| format!("\"n{name}\":{at}")).collect();
            let read: Json = serde_json::from_str(&format!("{{{}}}", fields.join(","))).unwrap();
            let expected: Vec<String> = (0..size).map(|name| format!("\"n{name}\":{}", size + name)).collect();
            assert_eq!(read.to_string(), format!("{{{}}}", expected.join(",")));
            let mut grown: Json = serde_json::from_str(&format!("{{{}}}", expected.join(","))).unwrap();
            grown.extend([("n1".to_owned(), Json::Null), ("new".to_owned(), Json::from(true))]);
            assert_eq!(grown.as_object().unwrap().len(), size + 1);
            assert!(grown.get("n1").is_some_and(Json::is_null));
        }
    }
}
