//! Looking the catalog's file over: what `tollgate doctor` does.

use crate::catalog::Catalog;
use crate::error::CatalogError;

impl Catalog {
    /// Lets SQLite check its file. Answers what is wrong, nothing when all is well.
    pub async fn check(&self) -> Result<Vec<String>, CatalogError> {
        let mut slot = self.writer().await;
        let mut connection = self.take(&mut slot).await?;
        let said: Vec<String> = sqlx::query_scalar("PRAGMA quick_check").fetch_all(&mut connection).await?;
        *slot = Some(connection);
        Ok(said.into_iter().filter(|line| line != "ok").collect())
    }
}
