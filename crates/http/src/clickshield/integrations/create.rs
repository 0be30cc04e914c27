//! `POST /integrations`: an integration and its Default filter group.

use super::super::{Answer, created};
use super::model::IntegrationChange;
use super::schema::NewIntegration;
use crate::ApiState;
use crate::auth::Writer;
use crate::body::read_object;
use crate::clickshield::schema::{BodyProblem, Created, FormFields};
use crate::fields::Fields;
use axum::extract::{Request, State};
use tollgate_catalog::{integration_defaults, new_integration};

/// Create an integration
///
/// With its Default filter group.
#[utoipa::path(
    post,
    path = "/integrations",
    operation_id = "create_integration",
    tag = "Integrations",
    request_body(content((NewIntegration = "application/json"), (FormFields = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, description = "The integration was created.", body = Created),
        BodyProblem,
    ),
)]
pub(super) async fn handle(
    State(state): State<ApiState>,
    Writer(caller): Writer,
    request: Request,
) -> Answer {
    let (body, encoding) = read_object(request).await?;
    let organization = caller.organization_id();
    let change = IntegrationChange::read(Fields::new(body, encoding), None, organization, &state.bidders);
    if !change.errors().is_empty() {
        return Err(crate::error::ApiError::invalid(change.errors().to_vec()).into());
    }
    let id = state
        .catalog
        .write(organization, &caller.actor(), |draft| {
            let mut integration = integration_defaults(draft, "");
            change.apply(&mut integration)?;
            let id = integration.id;
            new_integration(draft, integration, Vec::new())?;
            change.apply_key(draft, id.as_str())?;
            Ok(id)
        })
        .await?;
    Ok(created(id.as_str()))
}
