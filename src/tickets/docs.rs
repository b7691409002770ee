//! `docs/life-cycle.md`, made from the table in `life`.

use super::{
    Matter, State,
    commands::FORMS,
    life::{ROWS, Row, To, Told, When, Who},
};
use std::fmt::Write;

/// The page. A test compares it with the file; `MINHUTEST_UPDATE=1 cargo test` writes it.
pub fn life_cycle() -> String {
    let mut page = String::from(
        "# 工单的经过\n\n这一页由 `src/tickets/life.rs` 里的表生成，不要手改。“到时间”的由时钟来做，跟期限一起做。\n\n\
         ![工单的经过：每个方框是一个状态，箭头上是命令；下面的表是全的](life-cycle.svg)\n\n\
         | 命令 | 从 | 到 | 谁 | 条件 | 告诉谁 |\n|---|---|---|---|---|---|\n",
    );
    for row in ROWS {
        let mut is_open = State::ALL.iter().filter(|state| state.is_open());
        let from = match row.from {
            [] => "—".to_owned(),
            states if states == State::ALL => "哪一步都行".to_owned(),
            // All that are open stand under one name, with what comes besides.
            states if is_open.all(|state| states.contains(state)) => {
                let besides = states.iter().filter(|state| !state.is_open()).map(|state| state.chinese());
                std::iter::once("还没完的").chain(besides).collect::<Vec<_>>().join("、")
            }
            states => states.iter().map(|state| state.chinese()).collect::<Vec<_>>().join("、"),
        };
        // Writing into a String cannot fail.
        let _ = writeln!(
            page,
            "| {} | {from} | {} | {} | {} | {} |",
            command(row),
            match row.to {
                To::Same => "不变",
                To::State(state) => state.chinese(),
                To::Before => "回到之前的",
            },
            joined(row.who.iter().map(|who| name(*who))),
            joined(when(row.when).into_iter().chain([row.conditions])),
            joined(row.told.iter().map(|told| told_name(*told))),
        );
    }
    page.push_str("\n## 命令\n\n| 这样写 | 做什么 | 也可以写 |\n|---|---|---|\n");
    for form in FORMS {
        let _ = writeln!(page, "| `{}` | {} | `/{}` |", form.usage, form.does, form.alias);
    }
    page
}

fn command(row: &Row) -> String {
    format!("{}（`/{}`）", row.verb.chinese(), row.verb.code())
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("、")
}

fn name(who: Who) -> &'static str {
    match who {
        Who::Anybody => "谁都行",
        Who::Reporter => "反映人",
        Who::Holder(role) | Who::OnlyHolder(role) => role.chinese(),
        Who::CoLiaison => "协办单位联络员",
        Who::ChosenDeputy => "反映人找的代表",
        Who::IntakeAndDispatcher => "受理员兼派单员",
        Who::Arbiter => "上级派单员，没有的话县人大代表工委",
        Who::StaffInScope => "管这件事的人",
        Who::Itself => "自动",
        Who::Clock => "到时间",
    }
}

fn when(when: When) -> Option<&'static str> {
    Some(match when {
        When::Always => return None,
        When::FirstSendBack => "第一次退",
        When::SecondSendBack => "退过一次，没有裁定过",
        When::NeedsNoConsent => "不是举报、不是特急",
        When::NeedsConsent => "举报、特急",
        When::Proposed(Matter::Shelve) => "有人提出挂账",
        When::Proposed(Matter::Withdraw) => "反映人要撤回",
        When::Proposed(Matter::Unreasonable) => "单位提出不合理",
        When::NothingProposed => "没有别的事在等第二个人",
        When::ExtensionPending => "有延期等着批",
        When::NoExtensionPending => "没有延期等着批",
        When::Supervised => "有督办",
        When::NeedsNoReview => "咨询",
        When::NotSignedOff => "还没审核",
        When::NotAppealed => "没申诉过",
        When::NotRestored => "没恢复过",
        When::Given => "反映人找了代表",
        When::HasLeader => "有主单",
        When::Sealed => "密封的",
        When::ReopensLeft => "反映人要求重办不到两次",
        When::ReopensUsedUp => "反映人已经要求重办过两次",
        When::HasUnit => "有单位办过",
        When::NoUnit => "没有单位办过",
        When::FromDeputy => "代表反映的",
    })
}

fn told_name(told: Told) -> &'static str {
    match told {
        Told::Reporters => "反映人",
        Told::Intake => "受理员",
        Told::Dispatcher => "派单员",
        Told::Unit => "承办单位",
        Told::WhoeverHasIt => "手上有这件的人",
        Told::OldUnit => "原单位",
        Told::CoUnits => "协办单位",
        Told::UnitLeader => "单位负责人",
        Told::Arbiter => "裁定的人",
        Told::CallbackClerk => "回访员",
        Told::NpcStaff => "县人大代表工委",
        Told::Second => "另一方",
        Told::Asker => "提出的人",
        Told::Named => "指名的人",
        Told::Deputies => "代表",
        Told::Inspector => "纪检监察",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/life-cycle.md");
        if std::env::var_os("MINHUTEST_UPDATE").is_some() {
            std::fs::write(path, life_cycle()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), life_cycle(), "run with MINHUTEST_UPDATE=1 to write the page");
    }
}
