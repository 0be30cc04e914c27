//! Whatever takes the parameters of a request: an event in the making, or a rejection.

use crate::draft::Draft;
use tollgate_domain::Invalid;

/// A taker of parameters.
pub trait Parameters {
    /// Takes one parameter. An empty value is as good as none.
    fn set(&mut self, name: &str, value: &str);
    /// Takes one whose value is a JSON array or object.
    fn set_json(&mut self, name: &str, json: &str);
    /// Records a problem.
    fn refuse(&mut self, error: Invalid);
}

impl Parameters for Draft {
    fn set(&mut self, name: &str, value: &str) {
        self.set(name, value);
    }

    fn set_json(&mut self, name: &str, json: &str) {
        self.set_extra_json(name, json);
    }

    fn refuse(&mut self, error: Invalid) {
        self.refuse(error);
    }
}
