//! The catalog: the built-in table, and price files laid over it.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value as JsonValue};

use crate::{
    Field,
    generated::models,
    model::ModelRef,
    pack::{PackError, Packer},
    table::Table,
};

/// Models and what is known of them.
///
/// [`Catalog::builtin`] costs nothing. A price file makes a new catalog over it, which replaces the old one as a whole.
#[derive(Debug)]
pub struct Catalog {
    overlay: Option<Table>,
}

static BUILTIN: Catalog = Catalog { overlay: None };

impl Catalog {
    /// The models that ship with the program.
    #[must_use]
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// Lays a price file in LiteLLM's JSON shape (an object of model name to fields) over the built-in models.
    ///
    /// Fields of a model that is already known replace that model's fields one by one; new models are added. The
    /// file's `sample_spec` and `fallback_generalizations` are not models and are skipped.
    ///
    /// # Errors
    /// When the text is not such an object. Nothing is half laid over.
    pub fn overlay(json: &str) -> Result<Arc<Self>, PackError> {
        let file: Map<String, JsonValue> = serde_json::from_str(json)?;
        Self::overlay_models(file.iter().map(|(name, fields)| (name.as_str(), fields)))
    }

    /// [`Catalog::overlay`] from values that are already parsed. A model may come several times (a price file, then a
    /// config's own models): later fields win.
    ///
    /// # Errors
    /// When an entry is not an object.
    pub fn overlay_models<'m>(
        models: impl IntoIterator<Item = (&'m str, &'m JsonValue)>,
    ) -> Result<Arc<Self>, PackError> {
        let mut merged: BTreeMap<&str, Map<String, JsonValue>> = BTreeMap::new();
        for (name, fields) in models {
            if matches!(name, "sample_spec" | "fallback_generalizations") {
                continue;
            }
            let JsonValue::Object(fields) = fields else { return Err(PackError::NotAnObject(name.to_owned())) };
            let known = || BUILTIN.exact(&[name]).map(|known| known.to_json()).unwrap_or_default();
            merged.entry(name).or_insert_with(known).extend(fields.clone());
        }
        let mut packer = Packer::new(Field::NAMES);
        for (name, fields) in &merged {
            packer.add(name, fields)?;
        }
        Ok(Arc::new(Self { overlay: Some(packer.pack("price file")?) }))
    }

    /// All models, the overlay's first. A built-in model that the overlay replaces comes once.
    pub fn models(&self) -> impl Iterator<Item = ModelRef<'_>> {
        let all = |table| all_of(table);
        let builtin = all(&models::TABLE)
            .filter(|model| self.overlay.as_ref().is_none_or(|overlay| overlay.find(&[model.name()]).is_none()));
        self.overlay.iter().flat_map(all).chain(builtin)
    }

    /// Number of models.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.overlay.is_none() { models::TABLE.counts.models as usize } else { self.models().count() }
    }

    /// Never true: there are built-in models.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The model of exactly this name, without any search. No allocation.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<ModelRef<'_>> {
        self.exact(&[name])
    }

    pub(crate) fn exact(&self, pieces: &[&str]) -> Option<ModelRef<'_>> {
        self.tables().find_map(|table| table.find(pieces).map(|place| ModelRef { table, place }))
    }

    pub(crate) fn any_case(&self, pieces: &[&str]) -> Option<ModelRef<'_>> {
        self.tables().find_map(|table| table.find_any_case(pieces).map(|place| ModelRef { table, place }))
    }

    fn tables(&self) -> impl Iterator<Item = &Table> {
        self.overlay.iter().chain(std::iter::once(&models::TABLE))
    }
}

fn all_of(table: &Table) -> impl Iterator<Item = ModelRef<'_>> {
    (0..table.counts.models).map(|index| ModelRef { table, place: table.place(index) })
}
