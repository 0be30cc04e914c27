//! What can be asked of an export, and the names of its columns.

use super::{Encoding, Format};
use std::collections::HashSet;
use tollgate_domain::Invalid;

impl Encoding {
    /// Refuses what cannot be written, with the name of the part that is wrong.
    pub fn check(&self) -> Result<(), Invalid> {
        let refuse = |field: &str, message: &str| Err(Invalid::new(field, message));
        if let Format::Csv { delimiter, .. } = self.format
            && (!delimiter.is_ascii() || matches!(delimiter, b'"' | b'\r' | b'\n' | 0))
        {
            return refuse("delimiter", "must be an ASCII character, neither a quote nor a line break");
        }
        if self.fields.is_empty() {
            return refuse("fields", "must name at least one field");
        }
        let mut names = HashSet::new();
        if let Some(twice) = self.fields.iter().find(|field| !names.insert(field.name())) {
            return refuse("fields", &format!("names {} twice", twice.name()));
        }
        match self.extra_parameters.iter().find(|name| !names.insert(name)) {
            Some(twice) => refuse("extra_parameters", &format!("names {twice}, which is a column already")),
            None => Ok(()),
        }
    }

    /// The names of the columns, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().map(|field| -> &str { field.name() });
        fields.chain(self.extra_parameters.iter().map(String::as_str))
    }
}
