//! Filter groups: objects of their organization, gathered by integration in the snapshot.

use crate::object::Object;
use tollgate_domain::FilterGroup;

impl Object for FilterGroup {
    const KIND: &'static str = "filter_group";

    fn id(&self) -> &str {
        self.id.as_str()
    }
}
