//! The files that are shipped.

use super::*;

/// Answers whatever is asked with the first thing that fits, and says where it was.
fn walk_to_the_end(dialog: &Dialog, given: Answers) -> Vec<String> {
    let mut person = Person::begins(dialog, given);
    let mut way = Vec::new();
    for _ in 0..40 {
        let Some(step) = wanted(dialog, &person.state) else { break };
        way.push(step.id.clone());
        assert!(person.reply.as_text().len() <= MAX_BYTES, "{} {}", dialog.id, step.id);
        match step.kind {
            Kind::Choice => {
                let first = person.reply.choices.first().unwrap_or_else(|| panic!("{} has no choice", step.id)).payload.clone();
                person.presses(&first)
            }
            Kind::Text if step.secret && step.id == "phone" => person.says("138 0000 0001"),
            Kind::Text if step.id == "code" => person.says("AB12-CD34"),
            Kind::Text => person.says("前天夜里看见的，水泵一直开着。"),
            Kind::Number => person.says("大约八"),
            Kind::Date if step.check.min.is_some_and(|min| min > 0) => person.says("明天"),
            Kind::Date => person.says("今天"),
            Kind::Media => person.photo(),
            Kind::Account => person.says("夜里有人偷偷抽水，抽了半个月，井水都见底了。"),
            Kind::Place => person.says("前观津"),
            Kind::Confirm => person.says("提交"),
            Kind::Say => panic!("a saying is never wanted"),
        };
    }
    assert!(matches!(person.taken, Some(Taken::Done { .. })), "{} ends at {way:?}: {}", dialog.id, person.reply.as_text());
    way
}

#[test]
fn every_shipped_dialog_loads_and_can_be_walked_to_its_end() {
    let dialogs = shipped();
    assert!(dialogs.iter().count() >= 27);
    for dialog in dialogs.iter() {
        // Which questions are asked about details hangs on the field alone.
        let field = if dialog.id == "details" { "land" } else { "" };
        assert!(!walk_to_the_end(dialog, slots(&[("field", field)])).is_empty(), "{}", dialog.id);
    }
}

#[test]
fn every_question_about_a_field_is_reached_in_its_field_only() {
    let dialogs = shipped();
    let details = dialogs.get("details").unwrap();
    let mut asked = 0;
    for field in ["land", "illegal_build", "resource_energy", "real_estate", "mine", "groundwater", "public_health", "topic"] {
        let way = walk_to_the_end(details, slots(&[("field", field)]));
        assert!(way.iter().all(|id| id.starts_with(&format!("{field}_"))), "{way:?}");
        asked += way.len();
    }
    assert_eq!(asked, details.steps.len());
}

#[test]
fn finishing_asks_the_verdict_only_where_it_is_needed() {
    let dialogs = shipped();
    let finish = dialogs.get("finish").unwrap();
    assert_eq!(walk_to_the_end(finish, Answers::new()), ["ticket", "result"]);
    assert_eq!(walk_to_the_end(finish, slots(&[("needs_verdict", "yes")])), ["ticket", "verification", "method", "result"]);
}

#[test]
fn start_words_begin_the_report_and_the_detailed_one_says_so() {
    let dialogs = shipped();
    for word in ["反映", "我要反映。", "爆料", " 反映问题 "] {
        let (dialog, presets) = dialogs.started_by(word).unwrap_or_else(|| panic!("{word}"));
        assert_eq!((dialog.id.as_str(), presets.len()), ("report", 0), "{word}");
    }
    let (_, presets) = dialogs.started_by("详细反映").unwrap();
    assert_eq!(presets, slots(&[("detailed", "yes")]));
    assert!(dialogs.started_by("反映一下水的事").is_none());
}
