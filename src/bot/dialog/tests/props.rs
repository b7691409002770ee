//! What holds whatever people say.

use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;

static DIALOGS: LazyLock<Dialogs> = LazyLock::new(shipped);

#[derive(Debug, Clone)]
enum Act {
    Says(String),
    Photo(i64),
    Voice(String),
    Locates(bool),
    Presses(usize),
    PressesOld,
    Pauses,
    Waits,
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "前观津", "刘家庄", "审坡镇", "夜里有人偷偷抽水浇地，井都干了", "1", "2", "第三个", "9", "更多", "跳过", "完成", "上一步",
            "提交", "对", "不对", "重新开始", "帮助", "改地点", "地点改成东观津", "改事情", "事情改成路坏了", "实名", "13800000001",
            "不留", "水务局", "不清楚", "131122199001011234", "接着来", "改 谁能知道是您", "20", "昨天", "没有",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,30}",
        1 => "[改成为 0-9。{}:*]{0,12}",
        1 => Just("长".repeat(10_000)),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => words().prop_map(Act::Says),
        2 => (0i64..40).prop_map(Act::Photo),
        1 => words().prop_map(Act::Voice),
        1 => any::<bool>().prop_map(Act::Locates),
        2 => (0usize..12).prop_map(Act::Presses),
        1 => Just(Act::PressesOld),
        1 => Just(Act::Pauses),
        1 => Just(Act::Waits),
    ]
}

fn dialog() -> impl Strategy<Value = (&'static Dialog, Answers)> {
    let given = prop::sample::select(vec!["land", "groundwater", "resource_energy", "topic", "none"]);
    (prop::sample::select(DIALOGS.iter().collect::<Vec<_>>()), given).prop_map(|(dialog, field)| {
        (dialog, slots(&[("field", field), ("needs_verdict", if field == "land" { "yes" } else { "no" })]))
    })
}

fn perform(person: &mut Person<'_>, act: &Act) {
    match act {
        Act::Says(text) => _ = person.says(text),
        Act::Photo(seconds) => _ = person.sends(MediaKind::Photo, "", *seconds),
        Act::Voice(text) => _ = person.sends(MediaKind::Voice, text, 5),
        Act::Locates(near) => _ = person.locates(if *near { 37.5 } else { -1.5 }),
        Act::Presses(at) => {
            if let Some(choice) = person.reply.choices.get(*at).cloned() {
                person.presses(&choice.payload);
            }
        }
        Act::PressesOld => _ = person.presses("d:1:place:131122102214"),
        Act::Pauses => pause(&mut person.state),
        Act::Waits => person.now += 3 * 3_600 * SECOND,
    }
}

fn over(person: &Person<'_>) -> bool {
    matches!(person.taken, Some(Taken::Done { .. } | Taken::Cancelled))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_said_breaks_a_dialog((dialog, given) in dialog(), acts in prop::collection::vec(act(), 0..25)) {
        let mut person = Person::begins(dialog, given);
        for act in &acts {
            perform(&mut person, act);
            if over(&person) {
                break;
            }
            prop_assert!(person.reply.as_text().len() <= MAX_BYTES, "{}", person.reply.as_text());
            // What is kept between two messages is all there is.
            let stored = serde_json::to_string(&person.state).unwrap();
            prop_assert_eq!(&serde_json::from_str::<State>(&stored).unwrap(), &person.state);
            // A question that was asked is the one that is wanted, and has words.
            if !person.state.paused && !matches!(person.taken, Some(Taken::Silent { .. })) {
                prop_assert_eq!(
                    wanted(dialog, &person.state).map(|step| step.id.clone()),
                    person.state.open.as_ref().map(|open| open.step.clone())
                );
                prop_assert!(wanted(dialog, &person.state).is_none() || !person.reply.text.is_empty());
            }
        }
    }

    #[test]
    fn cancelling_ends_from_any_state((dialog, given) in dialog(), acts in prop::collection::vec(act(), 0..20)) {
        let mut person = Person::begins(dialog, given);
        for act in &acts {
            if over(&person) {
                break;
            }
            perform(&mut person, act);
        }
        if !over(&person) && (person.state.paused || wanted(dialog, &person.state).is_some()) {
            person.says("取消");
            prop_assert_eq!(&person.taken, &Some(Taken::Cancelled));
        }
    }

    #[test]
    fn back_after_an_answer_restores_the_question((dialog, given) in dialog(), acts in prop::collection::vec(act(), 0..15), said in words()) {
        let mut person = Person::begins(dialog, given);
        for act in &acts {
            if over(&person) {
                break;
            }
            perform(&mut person, act);
        }
        let asked = wanted(dialog, &person.state).map(|step| step.id.clone());
        let fresh = person.state.edit.is_none() && !person.state.paused;
        if let (Some(asked), true, false) = (asked, fresh, over(&person)) {
            person.says(&said);
            if person.taken == Some(Taken::Next { note: None, answered: Some(asked.clone()) }) {
                person.says("上一步");
                prop_assert_eq!(wanted(dialog, &person.state).map(|step| step.id.clone()), Some(asked));
            }
        }
    }

    #[test]
    fn a_broken_file_is_a_list_of_problems_and_never_a_panic(
        which in 0usize..30, at in 0usize..4_000, cut in 0usize..40, put in "[\\[\\]\"'={}a-z0-9\\n#*?(é是]{0,8}",
    ) {
        let mut files = Dialogs::builtin_files();
        let which = which % files.len();
        let text = &mut files[which].1;
        let mut from = at.min(text.len());
        while !text.is_char_boundary(from) { from -= 1; }
        let mut to = (from + cut).min(text.len());
        while !text.is_char_boundary(to) { to -= 1; }
        text.replace_range(from..to.max(from), &put);
        let lines = text.lines().count() + 1;
        let name = files[which].0.clone();
        if let Err(problems) = Dialogs::load(&files, &known()) {
            prop_assert!(!problems.is_empty());
            for problem in problems.iter().filter(|problem| problem.file == name) {
                prop_assert!(problem.line >= 1 && problem.line <= lines, "{problem}");
                prop_assert!(!problem.key.is_empty() && !problem.says.starts_with('，') && !problem.says.ends_with('，'));
            }
        }
    }
}
