//! Which steps can ever be asked, and which can be asked in the same run: by trying all answers their conditions look at.

use super::{Kind, Step};
use std::collections::BTreeMap;

/// More combinations than this are not tried; the steps then count as reachable.
const MOST: usize = 50_000;

/// Can all of these steps be active in one run?
pub(super) fn together(steps: &[Step], wanted: &[&Step]) -> bool {
    let mut slots: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
    let mut open: Vec<&Step> = wanted.to_vec();
    while let Some(step) = open.pop() {
        for (slot, mentioned) in step.when.slots() {
            let asked = steps.iter().find(|step| step.id == slot);
            if !slots.contains_key(slot) {
                // No value also stands for every answer that no condition mentions.
                slots.insert(slot, vec![None]);
                open.extend(asked);
            }
            let values = slots.entry(slot).or_default();
            let fixed = asked.filter(|step| step.kind == Kind::Choice && step.from.is_none());
            for value in mentioned {
                let possible = fixed.is_none_or(|step| step.choices.iter().any(|choice| choice.key == *value));
                if possible && !values.contains(&Some(value.as_str())) {
                    values.push(Some(value));
                }
            }
        }
    }
    let slots: Vec<_> = slots.into_iter().collect();
    let combinations = slots.iter().try_fold(1usize, |all, (_, values)| all.checked_mul(values.len()).filter(|n| *n <= MOST));
    let Some(combinations) = combinations else { return true };
    (0..combinations).any(|number| {
        let mut rest = number;
        let mut assigned: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for (slot, values) in &slots {
            assigned.insert(slot, values[rest % values.len()]);
            rest /= values.len();
        }
        wanted.iter().all(|step| active(steps, step, &assigned))
    })
}

fn active(steps: &[Step], step: &Step, assigned: &BTreeMap<&str, Option<&str>>) -> bool {
    step.when.holds(&|slot| {
        // The answer of a step that is not asked does not count. Conditions look only at earlier steps, so this ends.
        let asked = steps.iter().position(|step| step.id == slot);
        if asked.is_some_and(|at| !active(&steps[..at], &steps[at], assigned)) {
            return Vec::new();
        }
        assigned.get(slot).copied().flatten().map(str::to_owned).into_iter().collect()
    })
}
