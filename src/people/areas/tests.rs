//! Every village of the demonstration county, answers, and sentences.

use super::*;
use crate::people::org;

fn wuyi() -> Areas {
    Areas::new(org::demonstration().unwrap().areas)
}

fn codes(found: &[&Area]) -> Vec<String> {
    found.iter().map(|area| area.code.clone()).collect()
}

#[test]
fn every_village_of_wuyi_is_found_by_its_official_short_and_bare_name() {
    let areas = wuyi();
    let villages: Vec<&Area> = areas.all().filter(|area| area.level() == Level::Village).collect();
    assert_eq!(villages.len(), 528);
    for village in villages {
        let town = areas.above(&village.code, Level::Township).unwrap();
        let bare_name = bare(&village.name, Level::Village).to_owned();
        let namesakes = villages_named(&areas, &bare_name);
        for name in [village.name.clone(), short(village), bare_name.clone()] {
            let found = codes(&areas.find(&name, None).into_iter().filter(|a| a.level() == Level::Village).collect::<Vec<_>>());
            assert_eq!(found, namesakes, "{name}");
            for full in
                [format!("{}{name}", town.name), format!("武邑县{} {name}", town.name), format!("我是{}{name}的", town.name)]
            {
                let found = codes(&areas.find(&full, None));
                assert_eq!(found, std::slice::from_ref(&village.code), "{full}");
            }
            let inside: Vec<String> = areas
                .find(&name, Some(&town.code))
                .iter()
                .filter(|a| a.level() == Level::Village)
                .map(|a| a.code.clone())
                .collect();
            assert_eq!(inside, std::slice::from_ref(&village.code), "{name} in {}", town.name);
        }
        let sentence = format!("昨天夜里{}{}有人倒垃圾", town.name, short(village));
        assert_eq!(areas.in_sentence(&sentence).map(|(area, _)| &area.code), Some(&village.code), "{sentence}");
    }
}

fn villages_named(areas: &Areas, name: &str) -> Vec<String> {
    areas.villages.get(name).map(|places| places.iter().map(|place| areas.code(*place).to_owned()).collect()).unwrap_or_default()
}

#[test]
fn answers_are_understood_generously() {
    let areas = wuyi();
    for (answer, expected) in [
        ("前观津", vec!["131122102214"]),
        ("我是前观津的", vec!["131122102214"]),
        ("就在审坡前观津村东头", vec!["131122102214"]),
        ("审坡 前观津", vec!["131122102214"]),
        ("观津", vec!["131122102214", "131122102215", "131122102216"]),
        ("刘家庄", vec!["131122100223", "131122101240", "131122106253"]),
        ("龙店刘家庄", vec!["131122106253"]),
        ("孙屯", vec!["131122101241", "131122102211"]),
        ("审坡镇", vec!["131122102"]),
        ("审坡", vec!["131122102", "131122102201"]),
        ("审坡村", vec!["131122102201"]),
        ("吕村", vec!["131122100312"]),
        ("闫庄", vec!["131122203209"]),
        ("吴吕音", vec!["131122104258"]),
        ("康泰社区", vec!["131122100001"]),
        ("郝连", vec!["131122101206"]),
        ("李家庄", vec![]),
        ("前关津", vec![]),
        ("不知道", vec![]),
        ("村", vec![]),
        ("", vec![]),
        ("？？", vec![]),
    ] {
        assert_eq!(codes(&areas.find(answer, None)), expected, "{answer}");
    }
    assert_eq!(codes(&areas.find("刘家庄", Some("131122101"))), ["131122101240"]);
    assert_eq!(codes(&areas.nearest("前关津村", None)), ["131122102214"]);
    assert!(areas.nearest("北京", None).is_empty());
}

#[test]
fn a_free_text_names_a_place_only_when_that_is_certain() {
    let areas = wuyi();
    for (sentence, expected) in [
        ("前观津村有人夜里打井", Some("131122102214")),
        ("前观津东头的路灯坏了", Some("131122102214")),
        ("审坡镇刘家庄没有，龙店镇刘家庄有人占地", None),
        ("龙店镇刘家庄有人占地", Some("131122106253")),
        ("我在龙店镇，刘家庄村的路坏了", Some("131122106253")),
        ("刘家庄的路坏了", None),
        ("张庄，路灯坏了", Some("131122102230")),
        ("孙屯，路灯坏了", None),
        ("我们张庄村路灯坏了", Some("131122102230")),
        ("在大兴村", Some("131122102244")),
        ("有人大兴土木", None),
        ("东张庄村有人烧秸秆", Some("131122101248")),
        ("北张家庄村有人烧秸秆", None),
        ("红旗渠边上有垃圾", None),
        ("红旗招展", None),
        ("新营养餐有问题", None),
        ("沙河里都是污水", None),
        ("沙河村有污水", Some("131122101208")),
        ("我刚村里回来", None),
        ("黄村长不公平", None),
        ("在黄村东边有污水", Some("131122104215")),
        ("我去石家庄打工，工资没给", None),
        ("石家庄市的公司欠工资", None),
        ("石家庄村欠工资", Some("131122100269")),
        ("村里的甜水井干了", None),
        ("从前观津村到东观津村的路坏了", None),
        ("清凉店的集市太脏", None),
        ("清凉店村的集市太脏", Some("131122101202")),
        ("清凉店镇的集市太脏", Some("131122101")),
        ("审坡沙河村", None),
        ("大刘家庄有污水", None),
        ("前进的路上有坑", None),
        ("榔梨镇花园村没有路灯", None),
        ("榔梨镇前观津村没有路灯", None),
        ("圈头乡前观津村没有路灯", Some("131122201")),
        ("共建和谐社区，人人有责", None),
        ("武邑镇和谐社区的路灯坏了", Some("131122100003")),
        ("物业不管，楼道灯坏了", None),
        ("", None),
    ] {
        assert_eq!(areas.in_sentence(sentence).map(|(area, _)| area.code.as_str()), expected, "{sentence}");
    }
    let sentence = "听说前观津村有人打井";
    let (_, range) = areas.in_sentence(sentence).unwrap();
    assert_eq!(&sentence[range], "前观津");
}

#[test]
fn places_are_shown_with_their_township() {
    let areas = wuyi();
    for (code, shown) in [
        ("131122102214", "审坡镇前观津村"),
        ("131122100001", "武邑镇康泰社区"),
        ("131122100005", "武邑镇南街居委会"),
        ("131122101209", "清凉店镇于寺村"),
        ("131122102", "审坡镇"),
        ("131122", "武邑县"),
        ("999", "999"),
    ] {
        assert_eq!(areas.display(code), shown);
    }
}

/// What people say for a village: its short name, and without 村 where enough is left.
fn said(areas: &Areas, village: &Area) -> Vec<String> {
    let bare = bare(&village.name, Level::Village).to_owned();
    // 石家庄 is a city before it is a village, 甜水井 a well: nobody can tell without 村 or a township, so the bot asks.
    let everyday = ["石家庄", "甜水井"].contains(&bare.as_str());
    let own = bare.chars().count() >= 3 && !areas.larger.contains_key(&bare) && !everyday;
    std::iter::once(short(village)).chain(own.then_some(bare)).collect()
}

/// Sentences around a village's name: with `{}` for the name, `{town}` and `{t}` for the township with and without its ending.
const SENTENCES: [&str; 16] = [
    "{}有人夜里打井抽水卖",
    "我们{}的路灯坏了半个月没人管",
    "在{}，垃圾堆成山了",
    "{town}{}有人占地建房",
    "{town}的{}停水三天了",
    "{t}{}的井坏了",
    "我是{}的，低保没发",
    "{}东头的污水没人管",
    "你好，反映一下{}小学门口乱停车",
    "从县城到{}的路全是坑",
    "昨天晚上{}停电了，找谁？",
    "{}：垃圾没人拉",
    "请问{}的机井归谁管",
    "{}大队欠工钱不给",
    "武邑县{town}{}村头有人养猪，臭得很",
    "我家住{}，门口的路不平",
];

#[test]
fn every_village_is_recognised_in_sentences() {
    let areas = wuyi();
    let mut wrong = Vec::new();
    let mut count = 0;
    for village in areas.all().filter(|area| area.level() == Level::Village) {
        let town = areas.above(&village.code, Level::Township).unwrap();
        let namesakes = villages_named(&areas, bare(&village.name, Level::Village));
        for name in said(&areas, village).into_iter().chain([village.name.clone()]) {
            for pattern in SENTENCES {
                let with_town = pattern.contains("{t");
                let sentence = pattern.replace("{town}", &town.name);
                let sentence = sentence.replace("{t}", bare(&town.name, Level::Township)).replace("{}", &name);
                let found = areas.in_sentence(&sentence).map(|(area, _)| area.code.clone());
                count += 1;
                let right = if with_town || namesakes.len() == 1 {
                    found.as_deref() == Some(&village.code)
                } else {
                    found.is_none() && codes(&areas.several_in(&sentence)) == namesakes
                };
                if !right {
                    wrong.push(format!("{pattern}\t{sentence} -> {found:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

#[test]
fn short_names_everyday_words_and_other_counties() {
    let areas = wuyi();
    for (sentence, expected) in [
        ("张庄的路灯坏了", Some("131122102230")),
        ("我们张庄有人打井", Some("131122102230")),
        ("城角张庄的路灯坏了", Some("131122100233")),
        ("小张庄的路灯坏了", None),
        ("花园里的花死了", None),
        ("我们小区花园没人管", None),
        ("审坡花园的路坏了", Some("131122102226")),
        ("花园村的路坏了", Some("131122102226")),
        ("大兴土木，红旗招展，前进路上", None),
        ("过上太平庄稼人的日子", None),
        ("太平庄的路坏了", Some("131122100257")),
        ("晚上前观津停电", Some("131122102214")),
        ("上刘家庄停电", None),
        ("赵桥镇的刘家村停水", Some("131122103263")),
        ("南街居委会不给开证明", Some("131122100005")),
        ("景县张庄村的路坏了", None),
        ("景县的张庄村的路坏了", None),
        ("韩庄的路坏了", None),
        ("韩庄村的路坏了", Some("131122104201")),
    ] {
        assert_eq!(areas.in_sentence(sentence).map(|(area, _)| area.code.as_str()), expected, "{sentence}");
    }
}

#[test]
fn several_villages_are_asked_about_in_their_order() {
    let areas = wuyi();
    for (sentence, expected) in [
        ("从前观津村到东观津村的路坏了", vec!["131122102214", "131122102215"]),
        ("东观津和前观津都停水", vec!["131122102215", "131122102214"]),
        ("刘家庄的路坏了", vec!["131122100223", "131122101240", "131122106253"]),
        ("龙店镇和清凉店镇的刘家庄都停水", vec!["131122101240", "131122106253"]),
        ("龙店镇刘家庄停水", vec![]),
        ("前观津停水", vec![]),
        ("哪儿都停水", vec![]),
    ] {
        let found = areas.several_in(sentence);
        assert_eq!(codes(&found), expected, "{sentence}");
        // The dialog searches for what it is given, and must find the same.
        let names: Vec<String> = found.iter().map(|area| areas.display(&area.code)).collect();
        assert_eq!(codes(&areas.find(&names.join("、"), None)), expected, "{names:?}");
    }
    let found = areas.several_in("刘家庄的路坏了");
    assert_eq!(areas.common_name(&found), Some("刘家庄"));
}

#[test]
fn villages_around_a_point_and_counties_beside_ours() {
    let mut list = org::demonstration().unwrap().areas;
    for (code, lat) in [
        ("131122102214", 37.80),
        ("131122102215", 37.81),
        ("131122102216", 37.82),
        ("131122102201", 37.83),
        ("131122102202", 37.9),
    ] {
        let area = list.iter_mut().find(|area| area.code == code).unwrap();
        area.point = Some(crate::people::Coordinates::of(lat, 115.90));
    }
    let areas = Areas::new(list);
    assert_eq!(codes(&areas.around((37.812, 115.90))), ["131122102215", "131122102216", "131122102214"]);
    assert_eq!(codes(&areas.around((37.90, 115.90))), ["131122102202"]);
    assert!(areas.around((38.5, 115.90)).is_empty());
    assert_eq!(
        areas.neighbour_in("河北省衡水市景县龙华镇").map(|(name, ours)| (name, ours.name.as_str())),
        Some(("景县", "武邑县"))
    );
    assert!(areas.neighbour_in("河北省衡水市武邑县审坡镇").is_none());
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,40}", names in proptest::collection::vec(0usize..538, 0..4), between in "[的村镇到，在 大]{0,3}") {
        let areas = wuyi_once();
        let named: Vec<&str> = names.iter().filter_map(|index| areas.list.get(*index)).map(|area| area.name.as_str()).collect();
        for text in [text.clone(), named.join(&between), format!("{text}{}{text}", named.join(&between))] {
            if let Some((_, at)) = areas.in_sentence(&text) {
                proptest::prop_assert!(text.get(at).is_some_and(|name| !name.is_empty()));
            }
            areas.several_in(&text);
            areas.find(&text, None);
            areas.nearest(&text, Some("131122102"));
        }
    }
}

fn wuyi_once() -> &'static Areas {
    static WUYI: std::sync::LazyLock<Areas> = std::sync::LazyLock::new(wuyi);
    &WUYI
}
