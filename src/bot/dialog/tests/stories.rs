//! What people say and what becomes of it.

use super::*;
use crate::clock::{HOUR, MINUTE};

fn report() -> Dialogs {
    shipped()
}

macro_rules! person {
    ($dialogs:ident, $person:ident, $id:literal) => {
        let $dialogs = report();
        let mut $person = Person::begins($dialogs.get($id).unwrap(), Answers::new());
    };
}

#[test]
fn the_shortest_report_is_village_words_submit() {
    person!(dialogs, person, "report");
    person.reads("是哪个村的").says("前观津").is_asked("what").says("夜里有人偷偷抽水").is_asked("confirm");
    person.reads("地点　审坡镇前观津\n事情　夜里有人偷偷抽水\n谁能知道是您　只有受理员（保密）\n请看对不对");
    person.reads("1. 提交").says("行").is_done();
    assert_eq!(person.key("place"), "131122102214");
    assert_eq!(person.key("identity"), "confidential");
}

#[test]
fn several_villages_of_one_name_are_asked_by_number() {
    person!(dialogs, person, "report");
    person.says("刘家庄").is_asked("place").reads("有几个刘家庄，是哪个？").reads("3. 龙店镇刘家庄");
    person.says("第二个").is_asked("what");
    assert_eq!(person.key("place"), "131122101240");
}

#[test]
fn a_township_narrows_and_an_unknown_name_stays() {
    person!(dialogs, person, "report");
    person.says("火星").is_asked("place").reads("没找到“火星”");
    person.says("审坡镇").is_asked("place").reads("审坡镇的哪个村？");
    person.says("观津").reads("有几个观津").says("2").is_asked("what");
    assert_eq!(person.key("place"), "131122102215");
}

#[test]
fn a_location_is_kept_while_the_village_is_asked() {
    person!(dialogs, person, "report");
    person.locates(-1.0).is_asked("place").reads("位置收到了").says("前观津").is_asked("what");
    let Some(Answer::Given(Value::Place { point: Some(point), words, .. })) = person.answer("place") else { panic!() };
    assert_eq!((point.lat, words.as_str()), (-1.0, "前观津"));
    person!(dialogs, other, "report");
    other.locates(37.8).is_asked("place").reads("1. 审坡镇前观津").says("1").is_asked("what");
    assert!(matches!(other.answer("place"), Some(Answer::Given(Value::Place { point: Some(_), .. }))));
}

#[test]
fn a_story_told_where_the_place_was_asked_is_kept() {
    person!(dialogs, person, "report");
    person.says("有人天天夜里偷着抽水浇地，井都干了").is_asked("place").reads("这件事记下了");
    person.says("前观津").is_asked("confirm");
    assert_eq!(person.account("what").text, "有人天天夜里偷着抽水浇地，井都干了");
}

#[test]
fn nine_pictures_at_once_are_one_answer() {
    person!(dialogs, person, "report");
    person.says("前观津").photo().is_asked("confirm");
    for _ in 0..8 {
        person.sends(MediaKind::Photo, "", 1);
        assert_eq!(person.taken, Some(Taken::Silent { answered: Some("what".into()) }));
    }
    person.says("发完了").is_asked("confirm").reads("事情　照片9张");
    person.says("发完了").is_done();
    assert_eq!(person.account("what").media.len(), 9);
}

#[test]
fn a_picture_that_began_the_report_is_asked_once_what_it_is_about() {
    let dialogs = report();
    let dialog = dialogs.get("report").unwrap();
    for end in ["words", "photo", "cannot say", "done"] {
        let mut person = Person::begins(dialog, Answers::new());
        let photo = MediaId { id: 90, kind: MediaKind::Photo };
        start_with(dialog, &mut person.state, "", &[photo], person.now);
        person.asked(None);
        person.is_asked("place").sends(MediaKind::Photo, "", 3);
        assert_eq!(person.taken, Some(Taken::Silent { answered: None }));
        person.says("前观津").is_asked("what").reads("照片收到了。是什么事？");
        match end {
            "words" => person.says("水"),
            "photo" => person.photo(),
            "cannot say" => person.says("不会说"),
            _ => person.says("好了"),
        };
        person.is_asked("confirm");
        assert_eq!(person.account("what").media.len(), if end == "photo" { 3 } else { 2 }, "{end}");
    }
}

#[test]
fn a_sentence_that_began_the_report_is_its_account() {
    let dialogs = report();
    let dialog = dialogs.get("report").unwrap();
    let mut person = Person::begins(dialog, Answers::new());
    start_with(dialog, &mut person.state, "前观津夜里有人抽水", &[], person.now);
    let asks = Input::Said { text: "前观津夜里有人抽水", media: &[], point: None, at: 0 };
    let items = person.items(Some(&asks));
    give(dialog, &mut person.state, "place", ("前观津夜里有人抽水", &[]), &items, 0).unwrap();
    person.asked(None);
    person.is_asked("confirm").says("对").is_done();
}

#[test]
fn a_picture_beside_another_question_goes_to_the_account() {
    person!(dialogs, person, "report");
    person.photo().is_asked("place").reads("照片收到了").sends(MediaKind::Photo, "", 2);
    assert_eq!(person.taken, Some(Taken::Silent { answered: None }));
    person.sends(MediaKind::Photo, "前观津", 60).is_asked("what");
    person.says("夜里抽水").is_asked("confirm").reads("夜里抽水（照片3张）");
}

#[test]
fn a_voice_answers_by_its_transcript_and_without_one_only_an_account() {
    person!(dialogs, person, "report");
    person.sends(MediaKind::Voice, "", 60).is_asked("place").reads("没听清");
    person.sends(MediaKind::Voice, "前观津。", 60).is_asked("what");
    person.sends(MediaKind::Voice, "", 60).is_asked("confirm").reads("语音1条");
    person.sends(MediaKind::Voice, "提交。", 60).is_done();
    assert_eq!(person.account("what").media.len(), 1);
}

#[test]
fn short_words_are_kept_and_completed_and_long_ones_lose_nothing() {
    person!(dialogs, person, "report");
    person.says("前观津").says("抽水").is_asked("what").reads("再多说一点好吗");
    person.says(&"水".repeat(10_000)).is_asked("what").reads("最多2000个字").reads("10002");
    person.says("夜里").is_asked("confirm");
    assert_eq!(person.account("what").text, "抽水\n夜里");
}

#[test]
fn an_identity_number_is_refused_on_every_text() {
    person!(dialogs, person, "report");
    let number = "我叫王五131122199001011234";
    person.says(number).is_asked("place").reads("请不要写身份证号");
    person.says("前观津").says(number).is_asked("what").reads("请不要写身份证号");
    person
        .sends(MediaKind::Photo, number, 60)
        .is_asked("what")
        .says("夜里抽水")
        .says(number)
        .is_asked("confirm")
        .reads("请不要写");
    assert_eq!(person.account("what").text, "夜里抽水");
    assert_eq!(person.account("what").media.len(), 1, "the picture stays");
}

#[test]
fn changing_keeps_the_old_answer_until_there_is_a_new_one() {
    person!(dialogs, person, "report");
    person.says("前观津").says("夜里有人抽水").says("改地点").is_asked("place").says("上一步").is_asked("confirm");
    person.reads("前观津").says("改 地点").says("东观津").is_asked("confirm").reads("地点　审坡镇东观津");
    person.says("地点改成前观津").is_asked("confirm").reads("地点　审坡镇前观津");
    person.says("改事情").is_asked("what").says("白天也有人抽水").is_asked("confirm").reads("事情　白天也有人抽水");
    person.says("改颜色").is_asked("confirm").reads("能改的有：地点、事情、谁能知道是您");
    person.says("不对").is_asked("confirm").reads("哪里不对").says("提交").is_done();
}

#[test]
fn a_real_name_is_asked_a_phone_that_stops_counting_when_it_is_taken_back() {
    person!(dialogs, person, "report");
    person.says("前观津").says("夜里有人抽水").says("3").is_asked("identity").reads("2. 实名").says("实名").is_asked("phone");
    person.says("12345").is_asked("phone").reads("这个号码不太对").says("１３８ 0000 0001").is_asked("confirm");
    person.reads("手机号　１３８****0001").says("换成实名或匿名").is_asked("identity").says("匿名").is_asked("confirm");
    assert!(!person.reply.as_text().contains("手机号"));
    person.says("提交").is_done();
    assert_eq!(person.answer("phone"), None);
    assert_eq!(person.key("identity"), "anonymous");
}

#[test]
fn a_phone_need_not_be_left() {
    person!(dialogs, person, "report");
    person.says("前观津").says("夜里有人抽水").says("谁能知道是您改成实名").is_asked("phone").says("不留").is_asked("confirm");
    assert_eq!(person.answer("phone"), Some(Answer::Skipped));
}

#[test]
fn words_at_the_confirmation_are_added_to_the_account() {
    person!(dialogs, person, "report");
    person.says("前观津").photo().is_asked("confirm").says("这口井在村东头").is_asked("confirm");
    person.reads("这句话也写上了").reads("事情　这口井在村东头（照片1张）").says("嗯").reads("没看明白").is_asked("confirm");
    assert_eq!(person.account("what").text, "这口井在村东头");
}

#[test]
fn a_sentence_that_mentions_an_answer_of_the_confirmation_is_not_that_answer() {
    person!(dialogs, person, "report");
    person
        .says("前观津")
        .says("夜里有人抽水")
        .says("村里叫我们不报了")
        .is_asked("confirm")
        .says("他们没给我提交材料")
        .is_asked("confirm");
    assert_eq!(person.account("what").text.lines().count(), 3);
    person.says("不报了");
    assert_eq!(person.taken, Some(Taken::Cancelled));
}

#[test]
fn a_choice_called_by_its_name_at_the_confirmation_is_changed_at_once() {
    person!(dialogs, person, "report");
    person.says("前观津").says("夜里有人抽水").says("匿名").is_asked("confirm").reads("谁也不知道（匿名）");
    person.says("改成实名").is_asked("phone").says("提交").is_asked("confirm").reads("办事的人也能知道（实名）");
    person.says("3").is_asked("identity").says("提交").is_asked("confirm").reads("办事的人也能知道（实名）");
}

#[test]
fn a_story_told_where_a_choice_was_asked_is_kept() {
    person!(dialogs, person, "rate");
    person.says("1").says("他们根本没来过，电话也打不通").is_asked("solved").reads("这件事记下了").reads("3. 没解决");
    person.says("3").says("2").says("2").says("3").says("1").is_done();
    assert_eq!(person.account("words").text, "他们根本没来过，电话也打不通");
}

#[test]
fn back_goes_through_what_was_asked() {
    person!(dialogs, person, "report");
    person.says("上一步").is_asked("place").reads("已经是第一个问题").says("前观津").says("夜里有人抽水").is_asked("confirm");
    person.says("上一步").is_asked("what").says("上一步").is_asked("place").says("东观津").is_asked("what");
}

#[test]
fn starting_over_keeps_only_what_was_brought_along() {
    let dialogs = report();
    let mut person = Person::begins(dialogs.get("report").unwrap(), slots(&[("detailed", "yes")]));
    person.says("前观津").says("夜里有人抽水").says("重新开始").is_asked("place").reads("从头来");
    assert_eq!(answers(person.dialog, &person.state).keys().collect::<Vec<_>>(), ["detailed", "identity"]);
}

#[test]
fn a_required_question_is_not_skipped_and_helps() {
    person!(dialogs, person, "report");
    person.says("不知道").is_asked("place").reads("先发乡镇名").says("帮助").is_asked("place").reads("回“取消”就不办了");
    person.says("取消");
    assert_eq!(person.taken, Some(Taken::Cancelled));
}

#[test]
fn old_buttons_are_answered_with_the_present_question() {
    person!(dialogs, person, "report");
    person.says("前观津").says("夜里有人抽水").presses("d:4:confirm:submit").is_asked("confirm").reads("用不了了");
    person.presses("d:5:what:x").is_asked("confirm").presses("d:5:confirm:edit:place").is_asked("place");
    person.presses("d:5:confirm:submit").is_asked("place").says("前观津").presses("d:5:confirm:submit").is_done();
}

#[test]
fn long_lists_have_pages_and_names_search_them() {
    person!(dialogs, person, "assign");
    person.says("1").is_asked("unit").reads("9. 信访局").reads("回“更多”").says("更多").reads("11. 审坡镇政府");
    person.says("更多").reads("1. 水务局").says("11").is_done();
    assert_eq!(person.key("unit"), "u10");
    person!(dialogs, other, "assign");
    other.says("一").says("水").is_asked("unit").reads("没找到").says("水利").is_done();
    assert_eq!(other.key("unit"), "u9");
}

#[test]
fn words_that_fit_several_choices_show_only_these() {
    person!(dialogs, person, "assign");
    person.says("观津").is_asked("ticket").reads("像的有这几个").reads("2. 0008 路灯不亮");
    person.says("路灯").is_asked("unit").says("农村").is_done();
    assert_eq!((person.key("ticket"), person.key("unit")), ("72".into(), "u3".into()));
}

#[test]
fn a_command_fills_the_form_and_what_is_missing_is_asked() {
    let dialogs = report();
    let dialog = dialogs.get("assign").unwrap();
    let mut person = Person::begins(dialog, Answers::from([("ticket".to_owned(), Value::key("71", "0007 夜里抽水").into())]));
    let units = person.items(None);
    assert_eq!(give(dialog, &mut person.state, "unit", ("U0", &[]), &units, 0), Ok(()));
    assert!(wanted(dialog, &person.state).is_none());
    assert_eq!(person.key("unit"), "u0");

    let mut other = Person::begins(dialog, Answers::from([("ticket".to_owned(), Value::key("71", "0007 夜里抽水").into())]));
    let note = give(dialog, &mut other.state, "unit", ("业局水局政局教育局水务局", &[]), &units, 0).unwrap_err();
    other.asked(Some(&note));
    other.is_asked("unit").reads("像的有这几个").reads("1. 水务局\n2. 教育局").says("2").is_done();
    assert_eq!(other.key("unit"), "u6");
}

#[test]
fn a_result_that_is_too_short_is_completed_and_a_picture_needs_fewer_words() {
    let dialogs = report();
    let dialog = dialogs.get("finish").unwrap();
    let mut person = Person::begins(dialog, Answers::new());
    person.says("1").is_asked("result").says("已经封填了这口井").is_asked("result").reads("请写20个字以上");
    person.photo().is_asked("result").reads("请写10个字以上").says("水泵也拆走了").is_done();
    assert_eq!(person.account("result").text, "已经封填了这口井\n水泵也拆走了");
    let mut strict = Person::begins(dialog, slots(&[("needs_photo", "yes")]));
    strict
        .says("1")
        .says("井已经封填，水泵已经拆走，村干部现场看过了。")
        .is_asked("result")
        .reads("要有一张照片")
        .photo()
        .is_done();
}

#[test]
fn a_command_in_one_message_with_a_picture_is_complete() {
    let dialogs = report();
    let dialog = dialogs.get("finish").unwrap();
    let mut state = begin(dialog, 1, slots(&[("needs_verdict", "yes"), ("needs_photo", "yes")]));
    state.answers.insert("ticket".into(), Value::key("71", "0007").into());
    let photo = [MediaId { id: 1, kind: MediaKind::Photo }];
    give(dialog, &mut state, "verification", ("属实", &[]), &[], 0).unwrap();
    give(dialog, &mut state, "method", ("关停", &[]), &[], 0).unwrap();
    assert!(give(dialog, &mut state, "method", ("炸了", &[]), &[], 0).is_err());
    give(dialog, &mut state, "result", ("井已封填，水泵已拆走。", &photo), &[], 0).unwrap();
    assert!(wanted(dialog, &state).is_none());
    assert_eq!(answers(dialog, &state)["method"], Value::key("shut", "关停").into());
}

#[test]
fn ratings_take_the_fixed_numbers_and_tell_each_answer() {
    person!(dialogs, person, "rate");
    person.says("1").is_asked("solved").reads("1. 解决了").says("3");
    assert_eq!(person.taken, Some(Taken::Next { note: None, answered: Some("solved".into()) }));
    person
        .is_asked("satisfaction")
        .reads("5. 非常满意\n4. 满意")
        .says("7")
        .is_asked("satisfaction")
        .says("1")
        .is_asked("contacted");
    assert_eq!((person.key("solved"), person.key("satisfaction")), ("no".into(), "1".into()));
    person.says("没有").is_asked("reason").says("太慢").is_asked("reopen").says("要").is_asked("words").photo().is_done();
    person!(dialogs, happy, "rate");
    happy.says("1").says("都解决了").says("很满意").says("来过").is_asked("words").says("没有").is_done();
    assert_eq!(happy.answer("reason"), None);
}

#[test]
fn a_choice_wins_over_a_control_word() {
    person!(dialogs, person, "sendback");
    person.says("1").says("职责").is_asked("unit").says("不清楚").is_done();
    assert_eq!(person.key("unit"), "unknown");
}

#[test]
fn several_choices_fit_into_one_answer() {
    let dialogs = report();
    let mut person = Person::begins(dialogs.get("details").unwrap(), slots(&[("field", "resource_energy")]));
    for _ in 0..4 {
        person.says("跳过");
    }
    person.is_asked("resource_energy_harm").reads("比如回“1 3”").says("1、噪声 1").is_asked("resource_energy_quantity");
    assert_eq!(person.key("resource_energy_harm"), "land,noise");
}

#[test]
fn a_paused_dialog_asks_whether_to_go_on_and_keeps_what_woke_it() {
    person!(dialogs, person, "report");
    person.says("前观津").is_asked("what");
    pause(&mut person.state);
    person.says("夜里有人偷偷抽水").reads("上次的“反映问题”还没说完").reads("1. 接着来").says("1").is_asked("confirm");
    assert_eq!(person.account("what").text, "夜里有人偷偷抽水");
    pause(&mut person.state);
    person.photo().reads("接着来吗").says("2").is_asked("place");
    pause(&mut person.state);
    person.says("取消");
    assert_eq!(person.taken, Some(Taken::Cancelled));
}

#[test]
fn silence_reminds_once_then_pauses_then_drops() {
    let dialogs = report();
    let dialog = dialogs.get("report").unwrap();
    for (waited, reminded, expected) in [
        (119 * MINUTE, false, Idle::Fresh),
        (2 * HOUR, false, Idle::Remind),
        (2 * HOUR, true, Idle::Fresh),
        (6 * HOUR, true, Idle::Pause),
        (24 * HOUR, false, Idle::Drop),
    ] {
        assert_eq!(idle(dialog, 1_000, reminded, 1_000 + waited), expected, "{waited}");
    }
}

#[test]
fn a_submission_that_is_not_accepted_mends_one_step() {
    person!(dialogs, person, "report");
    person.says("前观津").says("夜里有人抽水").says("提交").is_done();
    mend(person.dialog, &mut person.state, Some("place"));
    person.asked(Some("这个村刚刚并了。"));
    person.is_asked("place").says("东观津").is_asked("confirm").says("提交").is_done();
}

#[test]
fn a_running_conversation_goes_on_under_a_changed_file() {
    person!(dialogs, person, "report");
    person.says("前观津").says("抽水啊").is_asked("what").says("夜里").is_asked("confirm");
    person.state.answers.insert("gone".into(), Answer::Skipped);
    let mut files = Dialogs::builtin_files();
    for (name, text) in &mut files {
        if name == "report.toml" {
            *text = text.replace("min_chars = 4", "min_chars = 9").replace("是哪个村的？", "在哪个村？");
        }
    }
    let changed = Dialogs::load(&files, &known()).unwrap();
    let mut later = Person::begins(changed.get("report").unwrap(), Answers::new());
    later.state = person.state.clone();
    later.says("提交").is_asked("what").reads("再说一次").says("有人开泵抽水").is_asked("confirm").says("提交").is_done();
    assert_eq!(later.account("what").text, "抽水啊\n夜里\n有人开泵抽水");
    assert!(later.state.answers.contains_key("gone"));
}

#[test]
fn other_kinds_of_questions_check_what_they_get() {
    let file = r#"
schema = 1
id = "kinds"
title = "各种"
submit = "do.it"
[[step]]
id = "hello"
kind = "say"
ask = "先说一句。"
[[step]]
id = "count"
label = "几口"
kind = "number"
ask = "几口人？"
check = { min = 1, max = 20 }
[[step]]
id = "day"
label = "哪天"
kind = "date"
ask = "哪天，{count}口人？"
check = { max = 0 }
[[step]]
id = "shots"
label = "照片"
kind = "media"
ask = "请发照片。"
multi = true
check = { max_items = 2 }
[[step]]
id = "end"
label = "最后"
kind = "text"
ask = "还有吗？"
depends = ["count"]
default = "无"
"#;
    let controls = Dialogs::builtin_files().into_iter().find(|(name, _)| name == "controls.toml").unwrap();
    let known = Known { actions: &["do.it"], ..Known::default() };
    let dialogs = Dialogs::load(&[controls, ("kinds.toml".into(), file.into())], &known).unwrap();
    let mut person = Person::begins(dialogs.get("kinds").unwrap(), Answers::new());
    person
        .reads("先说一句。\n几口人？")
        .says("很多")
        .reads("请回一个数")
        .says("二十五")
        .reads("请回 1 到 20")
        .says("五口")
        .is_asked("day");
    assert!(!person.reply.text.contains("先说一句"));
    person.reads("哪天，5口人？").says("明天").reads("不合适").says("昨天").is_asked("shots").says("在这").reads("请发照片");
    person.photo().is_asked("shots").reads("没有了回“完成”").photo().photo().reads("最多放2张").says("完成").is_done();
    assert_eq!(person.account("shots").media.len(), 2);
    assert_eq!(person.key("end"), "无");
    assert_eq!(summary(person.dialog, &person.state).lines().count(), 4);
}
