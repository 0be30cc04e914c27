//! What is there already: the sums of segments that need not be read.

use super::collect::{self, Asked, Collector, Groups};
use super::file::Section;
use super::make::changes;
use super::sets::{SETS, Set};
use crate::amendments::{Amendments, Layers};
use crate::group::{Bounds, Dictionary, GroupError};
use crate::scan::ScanError;
use crate::segment::{Overlay, Segment, SegmentError, Wanted};
use crate::view::View;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Segments for which a thread of its own is worth it.
const WORTH_A_THREAD: usize = 4;

/// Adds to `groups` what the sums of segments say; answers a view of what is left to be read, the open rows among it.
pub(crate) fn ready(
    view: &View,
    asked: &Asked<'_>,
    as_of: Option<u64>,
    dictionary: &Dictionary,
    bounds: &Bounds,
    groups: &mut Groups,
) -> Result<View, GroupError> {
    let Some(set) = Set::covering(asked.keys, asked.predicates) else { return Ok(view.clone()) };
    let (usable, mut rest): (Vec<Arc<Segment>>, Vec<Arc<Segment>>) =
        view.segments().iter().cloned().partition(|segment| is_usable(segment, asked, as_of));
    let amended_to = view.all((asked.kind, asked.integration), asked.range.clone(), &[], as_of).amended_to;
    let layers = view.open().layers().map_err(ScanError::from)?;
    let work = Work { view, asked, set, amended_to, open: layers, usable, next: AtomicUsize::new(0) };
    let threads = bounds.threads.clamp(1, work.usable.len().div_ceil(WORTH_A_THREAD).max(1));
    let run = || work.run(dictionary, bounds);
    let done: Vec<Result<Done, GroupError>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut done = vec![run()];
        // A panic of another thread is this one's.
        done.extend(
            others
                .into_iter()
                .map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        );
        done
    });
    for done in done {
        let done = done?;
        merge(groups, done.groups);
        rest.extend(done.left.into_iter().map(|at| work.usable[at].clone()));
    }
    groups.retain(|_, sums| !sums.is_zero());
    if groups.len() > bounds.groups {
        return Err(GroupError::TooMany);
    }
    Ok(view.with_segments(rest.into()))
}

/// Adds the second to the first.
pub(super) fn merge(groups: &mut Groups, more: Groups) {
    if groups.is_empty() {
        *groups = more;
        return;
    }
    for (packed, sums) in more {
        groups.entry(packed).or_default().add(&sums);
    }
}

/// Whether a segment has rows that may be asked for and sums that may say what they are.
fn is_usable(segment: &Segment, asked: &Asked<'_>, as_of: Option<u64>) -> bool {
    let meta = segment.meta();
    let has = meta
        .bounds(asked.integration)
        .is_some_and(|(least, greatest)| least < asked.range.end && greatest >= asked.range.start);
    meta.kind == asked.kind
        && has
        && meta.rollup.is_some()
        && !segment.has_deletes()
        && as_of.is_none_or(|cut| meta.max_seq <= cut)
}

/// Segments that are gone through by several threads.
struct Work<'v> {
    view: &'v View,
    asked: &'v Asked<'v>,
    set: usize,
    amended_to: u64,
    open: Layers<'v>,
    usable: Vec<Arc<Segment>>,
    next: AtomicUsize,
}

/// What a thread made of its segments.
struct Done {
    groups: Groups,
    /// Those that have to be read after all.
    left: Vec<usize>,
}

/// What an overlay changes: sums, or the amendments themselves where there are none.
enum Amended {
    Nothing,
    Sums(Section),
    By(Arc<Amendments>),
}

impl Work<'_> {
    fn run(&self, dictionary: &Dictionary, bounds: &Bounds) -> Result<Done, GroupError> {
        let mut collector = Collector::new(self.asked, dictionary);
        let mut left = Vec::new();
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(segment) = self.usable.get(at) else { break };
            if bounds.stop.is_set() {
                return Err(GroupError::Stopped);
            }
            if !self.add(&mut collector, segment)? {
                left.push(at);
            }
            if collector.groups.len() > bounds.groups {
                return Err(GroupError::TooMany);
            }
        }
        Ok(Done { groups: collector.groups, left })
    }

    /// Adds a segment; false, with nothing added, when it has to be read.
    fn add(&self, collector: &mut Collector<'_>, segment: &Segment) -> Result<bool, ScanError> {
        let Some(slots) = collector.slots(segment.meta().day) else { return Ok(false) };
        let section = segment.rollup().map(|file| file.section(self.set));
        let Some(section) = told(section) else { return Ok(false) };
        let overlay = self.view.overlay(segment);
        let amended = overlay.map(|overlay| self.amended(overlay)).transpose()?;
        let set = &SETS[self.set];
        collector.section(set, &section, &slots)?;
        if let Some(Amended::Sums(section)) = &amended {
            collector.section(set, section, &slots)?;
        }
        if let Some(Amended::By(amendments)) = &amended {
            let amendments = Layers(vec![&**amendments]);
            self.change(collector, segment, &Layers::default(), &amendments)?;
        }
        if !self.open.is_empty() {
            let sealed = overlay.map(Overlay::amendments).transpose()?;
            let sealed = Layers(sealed.as_deref().into_iter().collect());
            self.change(collector, segment, &sealed, &self.open)?;
        }
        Ok(true)
    }

    fn amended(&self, overlay: &Overlay) -> Result<Amended, SegmentError> {
        if overlay.meta().min_seq > self.amended_to {
            return Ok(Amended::Nothing);
        }
        if overlay.meta().max_seq <= self.amended_to
            && let Some(section) = told(overlay.rollup().map(|file| file.section(self.set)))
        {
            return Ok(Amended::Sums(section));
        }
        overlay.amendments().map(Amended::By)
    }

    /// Adds what the newer amendments change of a segment's rows.
    fn change(
        &self,
        collector: &mut Collector<'_>,
        segment: &Segment,
        former: &Layers<'_>,
        newer: &Layers<'_>,
    ) -> Result<(), ScanError> {
        let asked = self.asked;
        let columns = collect::columns(asked.keys, asked.predicates);
        let wanted = Wanted { ids: false, seqs: false, columns };
        let ids = (asked.integration, &asked.range);
        changes(segment, ids, (former, newer), self.amended_to, &wanted, &mut |before, after| {
            collector.change(before, after);
        })
    }
}

/// The section, if there is one. That sums cannot be read is told, and the events are read instead.
fn told(section: Option<Result<Option<Section>, SegmentError>>) -> Option<Section> {
    section
        .transpose()
        .unwrap_or_else(|error| {
            tracing::error!(%error, "sums cannot be read; the events are read instead");
            None
        })
        .flatten()
}
