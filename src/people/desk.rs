//! Use cases about accounts: 绑定, 绑定群.

use super::{Actor, Level, Named, Role, codes, rights, store, wording};
use crate::{
    audit,
    bot::{
        Form, Resolved, Slot, Submitted, Turn,
        dialog::{self, Answer, Answers, Item, Query, Value},
    },
    db::Tx,
    error::{Error, Result},
    seal::Keys,
};
use sqlx::Row;

/// The actions that dialog files may name.
pub const ACTIONS: &[&str] =
    &["people.bind", "people.bind_group", "people.disable", "people.replace", "people.stand_in", "people.code", "people.rights"];

static BIND: Form = Form {
    dialog: "bind",
    word: "绑定",
    also: &[],
    alias: "bind",
    slots: &[Slot::Rest("code")],
    usage: "绑定 绑定码",
    does: "把这个账号和您的名字连起来",
};
static BIND_GROUP: Form = Form {
    dialog: "bind_group",
    word: "绑定群",
    also: &[],
    alias: "bind_group",
    slots: &[Slot::Word("group")],
    usage: "绑定群",
    does: "把这个群和名册上的群连起来",
};

static DISABLE: Form = Form {
    dialog: "disable",
    word: "停用",
    also: &[],
    alias: "disable",
    slots: &[Slot::Word("person")],
    usage: "停用 人",
    does: "不再在岗的人，手里的活交回单位",
};
static REPLACE: Form = Form {
    dialog: "replace",
    word: "换联络员",
    also: &[],
    alias: "replace",
    slots: &[Slot::Word("unit"), Slot::Rest("person")],
    usage: "换联络员 单位 新人",
    does: "换人，没办完的一起交接",
};
static STAND_IN: Form = Form {
    dialog: "stand_in",
    word: "代班",
    also: &[],
    alias: "stand_in",
    slots: &[Slot::Word("person"), Slot::Word("by"), Slot::Rest("until")],
    usage: "代班 人 代班的人 到哪天",
    does: "有人不在，别人代他几天",
};
static CODE: Form = Form {
    dialog: "code",
    word: "发码",
    also: &[],
    alias: "code",
    slots: &[Slot::Word("person")],
    usage: "发码 人",
    does: "给他一个绑定码",
};
static RIGHTS: Form = Form {
    dialog: "rights",
    word: "权限",
    also: &[],
    alias: "rights",
    slots: &[Slot::Word("person")],
    usage: "权限 人",
    does: "看他能做什么、谁能代他",
};

/// The commands about people.
pub static FORMS: &[&Form] = &[&BIND, &BIND_GROUP, &DISABLE, &REPLACE, &STAND_IN, &CODE, &RIGHTS];

/// May this person use the command at all?
pub fn may(actor: &Actor, form: &Form) -> bool {
    form == &BIND || actor.has(Role::Admin)
}

/// What an administrator does to people is said in private only. Says whether it was refused here.
///
/// # Errors
/// None; like every direct command.
pub fn refuse_here(turn: &mut Turn<'_, Actor>, form: &Form) -> Result<bool> {
    let private = [&DISABLE, &REPLACE, &STAND_IN, &CODE, &RIGHTS].contains(&form);
    let refused = private && turn.in_group();
    if refused {
        turn.say(wording::rights_in_private(form.word));
    }
    Ok(refused)
}

/// Runs an action.
///
/// # Errors
/// [`Error::User`] with what would be right; otherwise those of the database.
pub async fn submit(turn: &mut Turn<'_, Actor>, action: &str, answers: &Answers) -> Result<Submitted> {
    match action {
        "bind" => bind(turn, answers).await,
        "bind_group" => bind_group(turn, answers).await,
        "stand_in" => rights::stand_in(turn, answers).await,
        "code" => rights::code(turn, answers).await,
        "rights" => rights::show(turn, answers).await,
        other => Err(Error::fault(format!("no action about people is called {other}"))),
    }
}

/// 绑定 CODE, in private only. Whoever sends the first code of a new installation is the administrator. What the account
/// reported as a citizen stays with the person.
async fn bind(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    if turn.in_group() {
        return Err(Error::user(wording::bind_in_private()));
    }
    let office = turn.actor.office.clone();
    let Some(Value::Text(code)) = answers.get("code").and_then(Answer::value) else {
        return Err(Error::fault("绑定 without a code"));
    };
    let now = turn.now;
    let guesser = office.keys.hash("code_guess", &turn.actor.person.to_string());
    if codes::guessed_too_often(turn.tx, &guesser, now).await? {
        turn.say(wording::too_many());
        return Ok(Submitted::Done(Vec::new()));
    }
    let from = (turn.actor.address.channel.clone(), turn.actor.address.account.clone());
    let redeemed = match codes::redeem(turn.tx, &office.keys, code, (&from.0, &from.1), now).await? {
        Ok(redeemed) => redeemed,
        Err(why) => {
            codes::guessed_wrong(turn.tx, &guesser, now).await?;
            turn.say(wording::refused(why));
            return Ok(Submitted::Done(Vec::new()));
        }
    };
    if let Some(citizen) = redeemed.merged {
        merge_reports(turn.tx, &office.keys, citizen, redeemed.person).await?;
    }
    if redeemed.admin {
        turn.say(wording::first_admin());
        return Ok(Submitted::Done(Vec::new()));
    }
    let staff = office.directory.staff(redeemed.person);
    let name = staff.map_or("", |staff| staff.name.as_str());
    let mut roles: Vec<&str> =
        staff.map(|staff| staff.grants.iter().map(|grant| grant.role.chinese()).collect()).unwrap_or_default();
    roles.dedup();
    turn.say(wording::bound(name, &roles.join("、")));
    Ok(Submitted::Done(Vec::new()))
}

/// Gives what was reported under a citizen's entry to the person the account belongs to now.
pub(super) async fn merge_reports(tx: &mut Tx, keys: &Keys, citizen: i64, person: i64) -> Result<()> {
    let old = super::person_holder(keys, citizen);
    let new = super::person_holder(keys, person);
    let rows = sqlx::query("SELECT id FROM reporter WHERE holder = $1").bind(old).fetch_all(tx.conn()).await?;
    for row in rows {
        let id: i64 = row.try_get(0)?;
        let sealed = keys.seal(&super::reporter_place(id), &person.to_string())?;
        sqlx::query("UPDATE reporter SET holder = $1, sealed = $2 WHERE id = $3")
            .bind(new.clone())
            .bind(sealed)
            .bind(id)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// 绑定群, from inside the group.
async fn bind_group(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    if !turn.actor.has(Role::Admin) {
        return Err(Error::user(wording::only_admin()));
    }
    let Some(chat) = turn.from().group.clone() else { return Err(Error::user(wording::bind_group_in_group())) };
    let group = dialog::key(answers, "group");
    let channel = turn.from().channel.clone();
    store::bind_chat(turn.tx, &group, &channel, &chat).await?;
    let keys = turn.actor.office.keys.clone();
    audit::record(turn.tx, &keys, "group.bind", Some(turn.actor.person), &group, turn.key, turn.now).await?;
    let name = turn
        .actor
        .directory()
        .chat_groups()
        .iter()
        .find(|known| known.id == group)
        .map_or(group.clone(), |known| known.name.clone());
    turn.say(wording::group_bound(&name));
    Ok(Submitted::Done(Vec::new()))
}

/// The places that an answer may mean, as choices. A township narrows the search to its villages; a location gives the nearest,
/// where the villages' coordinates are known.
pub fn places(actor: &Actor, query: &Query) -> Vec<Item> {
    let areas = &actor.directory().areas;
    let (search, within, point) = (query.search.as_deref(), query.within.as_deref(), query.point.as_ref());
    let said = search.unwrap_or_default();
    let label = point.map(|point| point.label.as_str());
    // Of 景县刘家庄 the village is not ours, even where we have one of that name.
    let ours = |text: &str| areas.in_sentence(text).is_some();
    let named = [label, search].into_iter().flatten().filter(|text| !ours(text)).find_map(|text| areas.neighbour_in(text));
    if let Some((name, county)) = named {
        let refuse = Some(wording::not_our_county(name, &county.name));
        return vec![Item { refuse, ..Item::new(String::new(), name) }];
    }
    let sure = search.map(|text| areas.find(text, within)).unwrap_or_default();
    // 龙店 after a question which 刘家庄 is the one of that township, though there is a village 龙店 too.
    let town = sure.iter().find(|area| area.level() == Level::Township);
    let of_township = match (town, query.among.as_deref()) {
        (Some(town), Some(among)) => areas.find(among, Some(&town.code)),
        _ => Vec::new(),
    };
    let sure = if of_township.is_empty() { sure } else { of_township };
    let (found, guess) = if !sure.is_empty() {
        (sure, false)
    } else if let Some((area, _)) = areas.in_sentence(label.unwrap_or(said)) {
        (vec![area], false)
    } else if let Some(point) = point.filter(|_| said.is_empty()) {
        (areas.around((point.lat, point.lng)), true)
    } else {
        // Not in this township, but elsewhere under the same name; else a slip of the finger.
        let elsewhere = if within.is_some() { areas.find(said, None) } else { Vec::new() };
        (if elsewhere.is_empty() { areas.nearest(said, within) } else { elsewhere }, true)
    };
    found
        .into_iter()
        .map(|area| {
            let name = areas.display(&area.code);
            let short = super::areas::short(area);
            let value = Value::Place {
                code: area.code.clone(),
                name: name.clone(),
                point: None,
                words: search.unwrap_or_default().to_owned(),
            };
            Item {
                key: area.code.clone(),
                text: name,
                also: vec![short],
                value: Some(value),
                narrows: area.level() != Level::Village,
                guess,
                ..Item::default()
            }
        })
        .collect()
}

/// The unit that a word of a command line names, or the sentence that asks for it.
pub fn unit_named(actor: &Actor, words: &str) -> Option<Resolved> {
    let answer = |unit: &super::Unit| Value::key(unit.id.clone(), unit.name.clone());
    let notes = match actor.directory().units_named(words) {
        Named::One(unit) => return Some(Resolved::is(answer(unit))),
        // The dialog lists those that the word may mean, and knows its own choices besides units.
        Named::Several(_) => return None,
        Named::Unknown(near) if near.is_empty() => return None,
        Named::Unknown(near) => wording::unknown_unit(words, &near.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>()),
    };
    Some(Resolved::ask(notes))
}

/// The group that a word of a command line names by id or name, also one that is bound already: groups move.
pub fn group_named(actor: &Actor, words: &str) -> Option<Resolved> {
    let groups = actor.directory().chat_groups();
    let found = groups.iter().find(|group| group.id == words || group.name == words);
    Some(match found {
        Some(group) => Resolved::is(Value::key(group.id.clone(), group.name.clone())),
        None => Resolved::not(wording::unknown_group(words)),
    })
}

/// Groups that wait to be bound.
pub fn unbound_groups(actor: &Actor) -> Vec<Item> {
    let groups = actor.directory().chat_groups().iter().filter(|group| group.chat.is_none());
    groups.map(|group| Item { also: vec![group.id.clone()], ..Item::new(group.id.clone(), group.name.clone()) }).collect()
}

/// All units, those that are proposed first.
pub fn units(actor: &Actor, first: &[String]) -> Vec<Item> {
    let mut items: Vec<Item> = actor
        .directory()
        .units()
        .map(|unit| {
            let also = unit.aliases.iter().cloned().chain([unit.id.clone()]).collect();
            Item { also, ..Item::new(unit.id.clone(), unit.name.clone()) }
        })
        .collect();
    items.sort_by_key(|item| first.iter().position(|id| *id == item.key).unwrap_or(first.len()));
    items
}
