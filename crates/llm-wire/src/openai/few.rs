//! A list that is nearly always of one item.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A list of a reply that keeps its first item without an allocation. Every other type counts as empty.
#[derive(Debug)]
pub(crate) struct Few<T> {
    first: Option<T>,
    more: Vec<T>,
}

impl<T> Few<T> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The items, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.more)
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, more: Vec::new() }
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more)
    }
}

impl<'a, T: Deserialize<'a>> Deserialize<'a> for Few<T> {
    fn deserialize<D: Deserializer<'a>>(d: D) -> Result<Self, D::Error> {
        struct FewVisitor<T>(PhantomData<T>);
        impl<'a, T: Deserialize<'a>> Visitor<'a> for FewVisitor<T> {
            type Value = Few<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Few<T>, A::Error> {
                let mut out = Few { first: seq.next_element()?, more: Vec::new() };
                while let Some(item) = seq.next_element()? {
                    out.more.push(item);
                }
                Ok(out)
            }
            fn visit_unit<E>(self) -> Result<Few<T>, E> {
                Ok(Few::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Few<T>, E> {
                Ok(Few::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Few<T>, E> {
                Ok(Few::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Few<T>, E> {
                Ok(Few::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Few<T>, E> {
                Ok(Few::default())
            }
            fn visit_str<E>(self, _: &str) -> Result<Few<T>, E> {
                Ok(Few::default())
            }
            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Few<T>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Few::default())
            }
        }
        d.deserialize_any(FewVisitor(PhantomData))
    }
}
