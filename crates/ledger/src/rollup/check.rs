//! Whether sums are those of the events: everything is summed up once more and compared, byte for byte.

use super::file::RollupFile;
use super::fold::{Fold, Which};
use super::sets::SETS;
use crate::amendments::Layers;
use crate::scan::ScanError;
use crate::segment::{Overlay, Segment};

/// What is wrong with the sums of a segment and of what amends it, one line each. `go_on` is asked now and then; once it
/// says false, nothing more is found out. A segment of which rows are deleted is not looked at: its sums are not used.
pub(crate) fn check(
    segment: &Segment,
    overlay: Option<&Overlay>,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<String>, ScanError> {
    let mut wrong = Vec::new();
    if segment.has_deletes() {
        return Ok(wrong);
    }
    if let Some(file) = segment.rollup() {
        wrong.extend(file.verify().err().map(|error| error.to_string()));
        let (mut fold, has) = (Fold::unbounded(segment.meta().day), file.has()?);
        if !fold.add_segment_rows(segment, &has, go_on)? {
            return Ok(Vec::new());
        }
        compare(&fold, &file, &has, &mut wrong)?;
    }
    if let Some((overlay, file)) = overlay.and_then(|overlay| Some((overlay, overlay.rollup()?))) {
        wrong.extend(file.verify().err().map(|error| error.to_string()));
        let mut fold = Fold::unbounded(segment.meta().day);
        fold.add_overlay(segment, None, &Layers(vec![&*overlay.amendments()?]))?;
        compare(&fold, &file, &file.has()?, &mut wrong)?;
    }
    Ok(wrong)
}

fn compare(fold: &Fold, file: &RollupFile, has: &Which, wrong: &mut Vec<String>) -> Result<(), ScanError> {
    for (set, bytes) in fold.sections().into_iter().filter(|(set, _)| has.sets().any(|has| has == *set)) {
        if file.section(set)?.is_some_and(|section| section.bytes() != bytes) {
            wrong.push(format!("{}: the sums of {} are not those of the events", file.path, SETS[set].name));
        }
    }
    Ok(())
}
