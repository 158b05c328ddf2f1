//! The catalog: the built-in table, and price files laid over it.

use std::sync::Arc;

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

    /// [`Catalog::overlay`] from values that are already parsed, such as `register_model` of a config file.
    ///
    /// # Errors
    /// When an entry is not an object.
    pub fn overlay_models<'m>(
        models: impl IntoIterator<Item = (&'m str, &'m JsonValue)>,
    ) -> Result<Arc<Self>, PackError> {
        let mut packer = Packer::new(Field::NAMES);
        for (name, fields) in models {
            if matches!(name, "sample_spec" | "fallback_generalizations") {
                continue;
            }
            let JsonValue::Object(fields) = fields else { return Err(PackError::NotAnObject(name.to_owned())) };
            match BUILTIN.exact(&[name]) {
                None => packer.add(name, fields)?,
                Some(known) => {
                    let mut merged = known.to_json();
                    merged.extend(fields.clone());
                    packer.add(name, &merged)?;
                }
            }
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

/// Prices and facts of one deployment: what its `litellm_params` and `model_info` say, over what is known of its model.
#[derive(Debug)]
pub struct CustomPrice {
    table: Table,
}

impl CustomPrice {
    /// `base`: the model that the deployment serves, if known. `fields`: the deployment's own, in LiteLLM's names;
    /// unknown names are kept, `null` leaves the base's value.
    ///
    /// # Errors
    /// When a value is too long to be kept.
    pub fn new(name: &str, base: Option<ModelRef<'_>>, fields: &Map<String, JsonValue>) -> Result<Self, PackError> {
        let mut merged = base.map(|base| base.to_json()).unwrap_or_default();
        merged.extend(fields.iter().filter(|(_, v)| !v.is_null()).map(|(name, value)| (name.clone(), value.clone())));
        let mut packer = Packer::new(Field::NAMES);
        packer.add(name, &merged)?;
        Ok(Self { table: packer.pack("deployment")? })
    }

    /// True when `fields` say anything about money, so that a [`CustomPrice`] is worth making.
    #[must_use]
    pub fn has_prices(fields: &Map<String, JsonValue>) -> bool {
        fields.iter().any(|(name, value)| {
            !value.is_null()
                && (name.contains("cost") || matches!(name.as_str(), "tiered_pricing" | "off_peak_pricing"))
        })
    }

    /// The deployment as a model, to be given to [`crate::cost`].
    #[must_use]
    pub fn model(&self) -> ModelRef<'_> {
        ModelRef { table: &self.table, place: self.table.place(0) }
    }
}
