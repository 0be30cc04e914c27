//! Whether the app-ads.txt of an app's developer names the operator as a seller: fetch it, compare it with the
//! organization's seller lines, and keep the outcome on the app.

mod fetch;
mod rounds;

pub use rounds::RoundStats;

use fetch::Page;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::Semaphore;
use tollgate_catalog::{Actor, Catalog, OrganizationSnapshot, Refused, WriteError};
use tollgate_domain::app_ads::{AppAds, SellerLine};
use tollgate_domain::{App, AppAdsTxtStatus, AppId, OrganizationId};
use tollgate_outbound::Outbound;

/// Files that are fetched at a time because someone asked for it.
const ASKED_AT_ONCE: usize = 16;

/// Checks app-ads.txt files.
pub struct AppAdsTxt {
    catalog: Arc<Catalog>,
    outbound: Outbound,
    places: Semaphore,
    rounds: Rounds,
}

/// Counts of the checks that nobody asked for.
#[derive(Default)]
struct Rounds {
    files: AtomicU64,
    failures: AtomicU64,
}

impl fmt::Debug for AppAdsTxt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppAdsTxt").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// In one word; this is kept on the app.
    pub status: AppAdsTxtStatus,
    /// The address that was asked first.
    pub url: String,
    /// In a sentence, when there is more to say than the status does.
    pub explanation: Option<String>,
    /// The organization's seller lines that the file lacks.
    pub absent: Vec<String>,
    /// What the file says, when there is one.
    pub file: Option<AppAds>,
}

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The organization has no such app.
    #[error("the organization has no such app")]
    NoApp,
    /// The app does not say whose file speaks for it.
    #[error("the app has no developer domain")]
    NoDeveloperDomain,
    /// There is nothing to look for.
    #[error("the organization has no seller lines")]
    NoSellerLines,
    /// As many checks as are made at a time are under way.
    #[error("too many checks are under way")]
    Busy,
    /// The app's developer domain was changed meanwhile.
    #[error("the app's developer domain was changed while its file was fetched")]
    Changed,
    /// The outcome could not be stored.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl AppAdsTxt {
    /// Checks the apps of `catalog` through `outbound`.
    pub fn new(catalog: Arc<Catalog>, outbound: Outbound) -> Self {
        Self { catalog, outbound, places: Semaphore::new(ASKED_AT_ONCE), rounds: Rounds::default() }
    }

    /// Checks one app now and keeps the outcome on it, in the name of `actor`.
    pub async fn check(
        &self,
        organization: OrganizationId,
        app: AppId,
        actor: &Actor,
    ) -> Result<Check, CheckError> {
        let snapshot = self.catalog.snapshot();
        let owner = snapshot.organization(organization).ok_or(CheckError::NoApp)?;
        let found = owner.get::<App>(app.as_str()).ok_or(CheckError::NoApp)?;
        let domain = found.developer_domain.clone().ok_or(CheckError::NoDeveloperDomain)?;
        let lines = seller_lines(owner);
        if lines.is_empty() {
            return Err(CheckError::NoSellerLines);
        }
        let _place = self.places.try_acquire().map_err(|_| CheckError::Busy)?;
        let page = fetch::fetch(&self.outbound, &domain).await;
        let check = judge(&domain, &page, &lines);
        if self.keep(organization, &domain, &[app], check.status, actor).await? {
            Ok(check)
        } else {
            Err(CheckError::Changed)
        }
    }

    /// Writes the outcome down on those of `apps` that still name `domain` and do not have it already. Answers
    /// whether any still does.
    async fn keep(
        &self,
        organization: OrganizationId,
        domain: &str,
        apps: &[AppId],
        status: AppAdsTxtStatus,
        actor: &Actor,
    ) -> Result<bool, WriteError> {
        let write = self.catalog.write(organization, actor, |draft| {
            let mut any = false;
            for id in apps {
                let Some(app) = draft.get::<App>(id.as_str()) else { continue };
                if app.developer_domain.as_deref() != Some(domain) {
                    continue;
                }
                any = true;
                if app.app_ads_txt_status != Some(status) {
                    let changed = App { app_ads_txt_status: Some(status), ..App::clone(app) };
                    draft.update(changed, None)?;
                }
            }
            Ok::<_, Refused>(any)
        });
        write.await
    }
}

/// What the organization asks its developers to write into their files.
fn seller_lines(organization: &OrganizationSnapshot) -> Vec<String> {
    organization.organization().map_or_else(Vec::new, |organization| organization.seller_lines.clone())
}

/// What `page` says about `lines`. A line that cannot be read is looked for in vain.
fn judge(domain: &str, page: &Page, lines: &[String]) -> Check {
    let url = fetch::url(domain);
    let without_file = |status, why: &str| {
        let explanation = Some(why.to_owned());
        Check { status, url: url.clone(), explanation, absent: Vec::new(), file: None }
    };
    let text = match page {
        Page::Unreachable(why) => return without_file(AppAdsTxtStatus::Unreachable, why),
        Page::None(why) => return without_file(AppAdsTxtStatus::Missing, why),
        Page::Text(text) => text,
    };
    let parsed: Vec<_> = lines.iter().map(|line| SellerLine::parse(line).ok()).collect();
    let wanted: Vec<_> = parsed.iter().copied().flatten().collect();
    let file = AppAds::read(text, &wanted);
    let mut found = file.found.iter();
    let absent: Vec<_> = lines
        .iter()
        .zip(&parsed)
        .filter(|(_, parsed)| parsed.is_none() || found.next() != Some(&true))
        .map(|(line, _)| line.clone())
        .collect();
    let (status, explanation) = if absent.is_empty() {
        (AppAdsTxtStatus::Verified, None)
    } else {
        let explanation = format!("the file lacks {} of {} seller lines", absent.len(), lines.len());
        (AppAdsTxtStatus::Mismatch, Some(explanation))
    };
    Check { status, url, explanation, absent, file: Some(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_seller_line_has_to_be_there() {
        let ours = lines("tollgate.example, 7, DIRECT\npartner.example, x, RESELLER, abc");
        let judged = |text: &str| judge("dev.example", &Page::Text(text.to_owned()), &ours);
        let both = judged("partner.example,x,reseller\nTOLLGATE.example,7,DIRECT");
        assert_eq!((both.status, both.explanation, both.absent.len()), (AppAdsTxtStatus::Verified, None, 0));
        let one = judged("tollgate.example,7,DIRECT\nnonsense");
        assert_eq!(
            (one.status, &one.absent),
            (AppAdsTxtStatus::Mismatch, &lines("partner.example, x, RESELLER, abc"))
        );
        assert_eq!(one.explanation.as_deref(), Some("the file lacks 1 of 2 seller lines"));
        assert_eq!(one.file.unwrap().broken_lines, 1);
        assert_eq!(judged("").status, AppAdsTxtStatus::Mismatch, "an empty file authorizes nobody");
        let broken = lines("not a line\ntollgate.example, 7, DIRECT");
        let judged = judge("dev.example", &Page::Text("tollgate.example, 7, DIRECT".into()), &broken);
        assert_eq!((judged.status, judged.absent), (AppAdsTxtStatus::Mismatch, lines("not a line")));
    }
}
