//! Staff who are matched by phone through a platform's directory: whom to look for, and what becomes of the answers.
//!
//! The phone and not the person is made to wait after a look-up, so that a number that was put right is tried at once.

use super::{
    desk,
    store::{self, Bound, phone_hash, phone_place},
};
use crate::{db::Tx, error::Result, message::Millis, seal::Keys};
use sqlx::{AnyConnection, Row};

/// The hash that stands for every phone.
const ALL: &str = "";

/// Somebody in office whose account is looked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Sought {
    /// The person.
    pub person: i64,
    /// The phone, 11 digits; not for a log.
    pub phone: String,
}

/// Up to `most` people in office who have a phone and no account on this channel, and whose phone need not wait.
///
/// # Errors
/// Those of the database; a fault when a sealed value does not open.
pub async fn sought(conn: &mut AnyConnection, keys: &Keys, channel: &str, most: usize, now: Millis) -> Result<Vec<Sought>> {
    let sql = "SELECT id, phone_sealed FROM person WHERE citizen = 0 AND retired = 0 AND phone_sealed IS NOT NULL \
               AND NOT EXISTS (SELECT 1 FROM account WHERE person_id = person.id AND channel = $1) \
               AND NOT EXISTS (SELECT 1 FROM phone_wait WHERE hash IN (phone_hash, $2) AND channel = $1 AND until > $3) \
               ORDER BY id LIMIT $4";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let query = sqlx::query(sql).bind(channel.to_owned()).bind(ALL).bind(now).bind(most);
    let mut sought = Vec::new();
    for row in query.fetch_all(conn).await? {
        let person = row.try_get(0)?;
        sought.push(Sought { person, phone: keys.open(&phone_place(person), row.try_get(1)?)? });
    }
    Ok(sought)
}

/// Binds the account that the directory gave, and what it reported as a citizen with it. Says whether it is the person's
/// now: not when the phone has become another's meanwhile or the account is somebody else's in office.
///
/// # Errors
/// Those of the database.
pub async fn bind(tx: &mut Tx, keys: &Keys, sought: &Sought, channel: &str, account: &str, now: Millis) -> Result<bool> {
    if store::person_by_phone(tx.conn(), keys, &sought.phone).await? != Some(sought.person) {
        return Ok(false);
    }
    match store::bind_account(tx, keys, sought.person, channel, account, now).await? {
        Bound::New | Bound::Already => Ok(true),
        Bound::Merged(citizen) => {
            desk::merge_reports(tx, keys, citizen, sought.person).await?;
            Ok(true)
        }
        Bound::Taken(_) => Ok(false),
    }
}

/// Lets a phone wait until then before this channel is asked for it again; all phones without one.
///
/// # Errors
/// Those of the database.
pub async fn wait(tx: &mut Tx, keys: &Keys, phone: Option<&str>, channel: &str, until: Millis) -> Result<()> {
    let hash = phone.map_or_else(|| ALL.to_owned(), |phone| phone_hash(keys, phone));
    let sql = "INSERT INTO phone_wait (hash, channel, until) VALUES ($1, $2, $3) \
               ON CONFLICT (hash, channel) DO UPDATE SET until = excluded.until";
    sqlx::query(sql).bind(hash).bind(channel.to_owned()).bind(until).execute(tx.conn()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::{DAY, HOUR},
        db::Db,
        people::{import, org, store},
    };

    const NOW: Millis = 1_800_000_000_000;

    fn keys() -> Keys {
        Keys::new(&[7; 32], &[])
    }

    /// The demonstration's organisation, of whom 王联络 and 赵承办 have no account, and 王联络's phone is this.
    fn organisation(phone: &str) -> org::Org {
        let mut org = org::demonstration().unwrap();
        for person in &mut org.persons {
            match person.id.as_str() {
                "wang" => (person.phone, person.accounts) = (Some(phone.to_owned()), Vec::new()),
                "zhao" => person.accounts.clear(),
                _ => person.accounts = vec![("ding".to_owned(), person.id.clone())],
            }
        }
        org
    }

    async fn import(db: &Db, org: &org::Org) {
        let current = store::current(&mut db.read().await.unwrap(), &keys()).await.unwrap();
        let changes = import::plan(org, &current, false);
        let mut tx = db.write_with_ids(changes.ids()).await.unwrap();
        import::apply(&mut tx, &keys(), &changes, NOW).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn wuyi() -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/t.db", folder.path().display()), 4).await.unwrap();
        db.migrate().await.unwrap();
        import(&db, &organisation("13800000002")).await;
        (folder, db)
    }

    async fn phones(conn: &mut AnyConnection, channel: &str, most: usize, now: Millis) -> Vec<String> {
        sought(conn, &keys(), channel, most, now).await.unwrap().into_iter().map(|sought| sought.phone).collect()
    }

    const WANG: &str = "13800000002";
    const ZHAO: &str = "13800000003";

    #[tokio::test]
    async fn staff_with_a_phone_and_no_account_on_the_channel_are_sought() {
        let (_folder, db) = wuyi().await;
        let mut tx = db.write().await.unwrap();
        store::add_citizens(&mut tx, &keys(), &[("mp".to_owned(), "villager".to_owned())], NOW).await.unwrap();
        let conn = tx.conn();
        assert_eq!(phones(conn, "ding", 20, NOW).await, [WANG, ZHAO]);
        assert_eq!(phones(conn, "ding", 1, NOW).await, [WANG]);
        assert_eq!(phones(conn, "ding2", 99, NOW).await.len(), organisation(WANG).persons.len());
        let zhao = store::person_by_phone(conn, &keys(), ZHAO).await.unwrap().unwrap();
        store::retire(&mut tx, zhao, NOW).await.unwrap();
        assert_eq!(phones(tx.conn(), "ding", 20, NOW).await, [WANG]);
    }

    #[tokio::test]
    async fn a_phone_waits_its_time_on_its_channel_and_a_new_one_does_not() {
        let (_folder, db) = wuyi().await;
        let mut tx = db.write().await.unwrap();
        wait(&mut tx, &keys(), Some(WANG), "ding", NOW + HOUR).await.unwrap();
        wait(&mut tx, &keys(), Some(WANG), "ding", NOW + DAY).await.unwrap();
        assert_eq!(phones(tx.conn(), "ding", 20, NOW + DAY - 1).await, [ZHAO]);
        assert_eq!(phones(tx.conn(), "ding", 20, NOW + DAY).await, [WANG, ZHAO]);
        assert!(phones(tx.conn(), "ding2", 99, NOW).await.contains(&WANG.to_owned()));
        tx.commit().await.unwrap();
        import(&db, &organisation("13900000002")).await;
        assert_eq!(phones(&mut db.read().await.unwrap(), "ding", 20, NOW).await, ["13900000002", ZHAO]);
    }

    #[tokio::test]
    async fn all_phones_wait_together_where_the_directory_is_closed() {
        let (_folder, db) = wuyi().await;
        let mut tx = db.write().await.unwrap();
        wait(&mut tx, &keys(), None, "ding", NOW + HOUR).await.unwrap();
        assert!(phones(tx.conn(), "ding", 20, NOW).await.is_empty());
        assert!(!phones(tx.conn(), "ding2", 20, NOW).await.is_empty());
        assert_eq!(phones(tx.conn(), "ding", 20, NOW + HOUR).await, [WANG, ZHAO]);
    }

    #[tokio::test]
    async fn what_the_directory_gives_is_bound_unless_it_is_somebody_elses() {
        let (_folder, db) = wuyi().await;
        let mut tx = db.write().await.unwrap();
        let mut all = sought(tx.conn(), &keys(), "ding", 20, NOW).await.unwrap();
        let (zhao, wang) = (all.pop().unwrap(), all.pop().unwrap());
        let bind = async |tx: &mut Tx, sought, account| bind(tx, &keys(), sought, "ding", account, NOW).await.unwrap();
        assert!(!bind(&mut tx, &wang, "li").await, "李派单 has it");
        assert!(bind(&mut tx, &wang, "manager7731").await);
        assert!(bind(&mut tx, &wang, "manager7731").await, "again changes nothing");
        assert!(!bind(&mut tx, &zhao, "manager7731").await, "王联络 has it now");
        let changed = Sought { phone: WANG.to_owned(), ..zhao.clone() };
        assert!(!bind(&mut tx, &changed, "manager7732").await, "the phone is not 赵承办's");
        assert_eq!(phones(tx.conn(), "ding", 20, NOW).await, [ZHAO]);
    }

    #[tokio::test]
    async fn what_an_account_reported_before_stays_with_its_person() {
        let (_folder, db) = wuyi().await;
        let mut tx = db.write().await.unwrap();
        let citizen = store::add_citizens(&mut tx, &keys(), &[("ding".to_owned(), "w".to_owned())], NOW).await.unwrap()[0];
        let holder = |person| super::super::person_holder(&keys(), person);
        // The ticket is left out: nothing of this is committed.
        sqlx::raw_sql("PRAGMA defer_foreign_keys = ON").execute(tx.conn()).await.unwrap();
        let sql = "INSERT INTO reporter (id, ticket_id, mode, holder, sealed, at) VALUES (1, 1, 'named', $1, 'x', 0)";
        sqlx::query(sql).bind(holder(citizen)).execute(tx.conn()).await.unwrap();
        let wang = sought(tx.conn(), &keys(), "ding", 1, NOW).await.unwrap().remove(0);
        assert!(bind(&mut tx, &keys(), &wang, "ding", "w", NOW).await.unwrap());
        let now: String = sqlx::query_scalar("SELECT holder FROM reporter").fetch_one(tx.conn()).await.unwrap();
        assert_eq!(now, holder(wang.person));
    }
}
