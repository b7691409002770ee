//! `docs/life-cycle.md`, made from the table in `life`.

use super::{
    commands::FORMS,
    life::{ROWS, Row, Who},
};
use std::fmt::Write;

/// The page. A test compares it with the file; `MINHUTEST_UPDATE=1 cargo test` writes it.
pub fn life_cycle() -> String {
    let mut page = String::from(
        "# 工单的经过\n\n这一页由 `src/tickets/life.rs` 里的表生成，不要手改。标“以后”的，词已经留好，现在按名字拒绝。\n\n\
         | 命令 | 从 | 到 | 谁 | 条件 | 告诉谁 | |\n|---|---|---|---|---|---|---|\n",
    );
    for row in ROWS {
        let from = match row.from {
            [] => "—".to_owned(),
            states if states.len() >= 9 => "还没完的".to_owned(),
            states => states.iter().map(|state| state.chinese()).collect::<Vec<_>>().join("、"),
        };
        // Writing into a String cannot fail.
        let _ = writeln!(
            page,
            "| {} | {from} | {} | {} | {} | {} | {} |",
            command(row),
            row.to.map_or("不变", |state| state.chinese()),
            row.who.iter().map(|who| name(*who)).collect::<Vec<_>>().join("、"),
            row.conditions,
            row.told,
            if row.later { "以后" } else { "" },
        );
    }
    page.push_str("\n## 命令\n\n| 这样写 | 做什么 | 也可以写 |\n|---|---|---|\n");
    for form in FORMS.iter().filter(|form| form.dialog != "later") {
        let _ = writeln!(page, "| `{}` | {} | `/{}` |", form.usage, form.does, form.alias);
    }
    page
}

fn command(row: &Row) -> String {
    format!("{}（`/{}`）", row.verb.chinese(), row.verb.code())
}

fn name(who: Who) -> &'static str {
    match who {
        Who::Anybody => "谁都行",
        Who::Reporter => "反映人",
        Who::Holder(role) => role.chinese(),
        Who::IntakeAndDispatcher => "受理员兼派单员",
        Who::ParentDispatcher => "上级派单员",
        Who::StaffInScope => "管这件事的人",
        Who::Timer => "到时间",
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
