//! `/account` and `/account/entries`: what an account adds up to, and entries of any kind. Payouts and deposits are made by
//! whoever runs Tollgate: no key of an organization may say that money came or went.

use super::{Answer, Control};
use crate::body::read_json_object;
use crate::native::account::{Books, EntryBody, add, read_entry, sums, totals};
use crate::once::{Once, Reply};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use tollgate_catalog::{Actor, Draft, OrganizationSnapshot};
use tollgate_domain::{AccountEntry, EntryKind, OrganizationId};

/// What the only organization's account adds up to.
pub(super) async fn only(State(control): State<Control>) -> Answer {
    let organization = control.only()?;
    read(&control, organization).await
}

/// What an organization's account adds up to.
pub(super) async fn of(State(control): State<Control>, Path(organization): Path<String>) -> Answer {
    let organization = control.named(&organization)?;
    read(&control, organization).await
}

/// Enters something into the only organization's account.
pub(super) async fn enter_only(State(control): State<Control>, request: Request) -> Answer {
    let organization = control.only()?;
    enter(&control, organization, request).await
}

/// Enters something into an organization's account.
pub(super) async fn enter_of(
    State(control): State<Control>,
    Path(organization): Path<String>,
    request: Request,
) -> Answer {
    let organization = control.named(&organization)?;
    enter(&control, organization, request).await
}

fn books(control: &Control) -> Books<'_> {
    Books { catalog: &control.catalog, ledger: &control.ledger, limits: &control.limits }
}

async fn read(control: &Control, organization: OrganizationId) -> Answer {
    let sums = sums(books(control), organization).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], sums.json()).into_response())
}

/// What a key of an entry is for, however the organization is named.
const ENTER: &str = "POST /account/entries";

async fn enter(control: &Control, organization: OrganizationId, request: Request) -> Answer {
    let once = Once::named(request.headers(), ENTER)?;
    let body = read_json_object(request).await?;
    let once = once.of(&body);
    let (kind, amount, note) = read_entry(body, EntryKind::NAMES)?;
    let totals = totals(books(control), organization).await?;
    let actor = Actor::command_line();
    let change = |draft: &mut Draft<'_>| add(draft, (kind, amount, note.as_deref()), totals);
    let reply = |id: String, organization: &OrganizationSnapshot| {
        Reply::stored(StatusCode::CREATED, organization.get::<AccountEntry>(&id), EntryBody::of)
    };
    once.write_in(&control.catalog, organization, &actor, change, reply).await
}
