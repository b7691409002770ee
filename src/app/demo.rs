//! The demonstration: who can be played, a clock that stays turned, a fresh start.

use super::House;
use crate::{
    channels::simulator::{Chat, Look, Page, Persona, Shared, routes, sample_places},
    clock::Clock,
    db::Db,
    error::Result,
    message::Millis,
    outbox::Wake,
    people::{self, Directory, GroupOf, Role},
    tickets::calendar,
};
use sqlx::{AssertSqlSafe, Row};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the demonstration's page needs.
pub(super) struct Parts {
    pub shared: Arc<Shared>,
    pub house: Arc<House>,
    pub db: Db,
    pub clock: Clock,
    pub wake: Wake,
    pub stop: CancellationToken,
}

/// Tables that 重新开始 empties, those that refer to others first.
const TABLES: &[&str] = &[
    "rating",
    "reporter",
    "ticket_event",
    "ticket",
    "code_guess",
    "offer",
    "outbox",
    "send_window",
    "quota",
    "media",
    "fault",
    "seen",
    "conversation",
    "sequence",
    "binding_code",
    "role_grant",
    "account",
    "person",
    "job",
];

/// Turns the clock as far as it was turned when the demonstration was stopped.
pub(crate) async fn clock_offset(db: &Db, clock: &Clock, demo: bool) -> Result<()> {
    if !demo {
        return Ok(());
    }
    let mut conn = db.read().await?;
    let row = sqlx::query("SELECT value FROM setting WHERE name = 'clock_offset'").fetch_optional(&mut *conn).await?;
    if let Some(offset) = row.map(|row| row.try_get::<String, _>(0)).transpose()?.and_then(|value| value.parse().ok())
        && clock.offset() == 0
    {
        clock.advance(offset);
    }
    Ok(())
}

/// The page with everything it may do.
pub(super) fn page(parts: Parts) -> axum::Router {
    let Parts { shared, house, db, clock, wake, stop } = parts;
    let directory = house.office().directory.clone();
    let county = directory.areas.all().find(|area| area.prefix.is_some()).map_or_else(String::new, |area| area.name.clone());
    let moved = {
        let (db, wake) = (db.clone(), wake.clone());
        Arc::new(move |offset: Millis| {
            let (db, wake) = (db.clone(), wake.clone());
            Box::pin(async move {
                let mut tx = db.write().await?;
                let sql = "INSERT INTO setting (name, value) VALUES ('clock_offset', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
                sqlx::query(sql).bind(offset.to_string()).execute(tx.conn()).await?;
                tx.commit().await?;
                wake.wake();
                Ok(())
            }) as futures_util::future::BoxFuture<'static, Result<()>>
        })
    };
    let restart = {
        let (db, house, clock) = (db, house.clone(), clock);
        Arc::new(move |()| {
            let (db, house, clock) = (db.clone(), house.clone(), clock.clone());
            Box::pin(async move { begin_again(&db, &house, &clock).await })
                as futures_util::future::BoxFuture<'static, Result<()>>
        })
    };
    routes(Page {
        shared,
        county,
        people: personas(&directory),
        places: sample_places(),
        next_workday: Arc::new(|now| calendar::due(now, calendar::Amount::Days(1)) - 15 * crate::clock::HOUR + 1),
        clock_moved: moved,
        restart,
        stop,
    })
}

/// Empties what the demonstration has gathered and loads its county again, in one transaction.
async fn begin_again(db: &Db, house: &House, clock: &Clock) -> Result<()> {
    let org = people::org::demonstration().map_err(super::listed)?;
    let before = people::store::current(&mut *db.read().await?, house.keys()).await?;
    let fresh = people::org::Org { persons: Vec::new(), ..before };
    let changes = people::import::plan(&org, &fresh, false);
    let mut tx = db.write_with_ids(changes.ids()).await?;
    for table in TABLES {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(tx.conn()).await?;
    }
    people::import::apply(&mut tx, house.keys(), &changes, clock.now()).await?;
    people::store::raise_version(&mut tx).await?;
    tx.commit().await?;
    super::upkeep::reload(house, db, clock.now()).await
}

/// Two villagers, and everybody in office who has an account on the page.
fn personas(directory: &Directory) -> Vec<Persona> {
    let wechat = |account: &str, name: &str| Persona {
        account: account.to_owned(),
        name: name.to_owned(),
        role: "村民".to_owned(),
        look: Look::Wechat,
        chats: vec![Chat { group: None, title: "武邑民呼".to_owned(), subtitle: "微信服务号".to_owned() }],
    };
    let mut people = vec![wechat("laozhou", "老周"), wechat("axiu", "阿秀")];
    for staff in directory.all_staff() {
        let mut roles: Vec<&str> = staff.grants.iter().map(|grant| grant.role.chinese()).collect();
        roles.dedup();
        let mut chats = vec![Chat { group: None, title: "民呼".to_owned(), subtitle: "钉钉单聊".to_owned() }];
        for group in directory.chat_groups() {
            let Some((_, chat)) = &group.chat else { continue };
            let members = directory.all_staff().filter(|other| belongs(directory, other.id, &group.of)).count();
            if belongs(directory, staff.id, &group.of) {
                chats.push(Chat {
                    group: Some(chat.clone()),
                    title: group.name.clone(),
                    subtitle: format!("钉钉 · {members} 人"),
                });
            }
        }
        people.push(Persona {
            account: staff.reference.clone(),
            name: staff.name.clone(),
            role: roles.join("、"),
            look: Look::Ding,
            chats,
        });
    }
    people
}

fn belongs(directory: &Directory, person: i64, of: &GroupOf) -> bool {
    let Some(staff) = directory.staff(person) else { return false };
    match of {
        GroupOf::Unit(unit) => staff.grants.iter().any(|grant| grant.unit.as_deref() == Some(unit)),
        GroupOf::Deputies(group) => directory.deputy_groups_of(&staff.reference).any(|known| known.id == *group),
        GroupOf::Centre => {
            staff.grants.iter().any(|grant| matches!(grant.role, Role::Intake | Role::Dispatcher | Role::CallbackClerk))
        }
    }
}
