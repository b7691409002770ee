//! What is due is found through partial indexes, however much has been sent.

use super::*;

#[tokio::test]
async fn rows_whose_ids_are_known_are_looked_up_and_nothing_else_is_read() {
    let (place, db) = Place::new().await;
    let ids: Vec<i64> = (1..=32).collect();
    let held = store::held_sql(db.kind(), "UPDATE outbox SET state = 'sent', sent_at = ?", &ids).remove(0).0;
    // Plans that are made while the table is new stay for long.
    for rows in [0, 2_000] {
        let mut conn = db.read().await.unwrap();
        sqlx::query(
            "INSERT INTO outbox (id, turn_key, target, lane, class, body, at, not_before, expires_at, tries, state, lease_until)
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= $1)
             SELECT i, 't', 'p:1', 'p:1', 'reply', '', i, i, i, 1, CASE WHEN i > 1900 THEN 'held' ELSE 'sent' END, 0 FROM n WHERE i <= $1",
        )
        .bind(rows)
        .execute(&mut *conn)
        .await
        .unwrap();
        for sql in [&held, ends::SENT, ends::OURS] {
            let plan = plan(&place, &mut conn, sql).await;
            let looked_up = plan.contains("outbox_pkey") || plan.contains("sqlite_autoindex_outbox_1 (id=?)");
            assert!(looked_up && !plan.contains("outbox_queue") && !plan.contains("outbox_lane"), "{sql}\n{plan}");
        }
    }
    place.end(&[&db]).await;
}

#[tokio::test]
async fn what_is_due_is_found_by_an_index_among_many_sent_rows() {
    let (place, db) = Place::new().await;
    let mut conn = db.read().await.unwrap();
    sqlx::query(
        "INSERT INTO outbox (id, turn_key, target, lane, class, body, at, not_before, expires_at, tries, state, lease_until)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         SELECT i, 't', 'p:1', 'p:' || (i % 500), 'now', '', i, i, i, 1, CASE WHEN i % 1000 = 0 THEN 'pending' ELSE 'sent' END, 0 FROM n",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    sqlx::raw_sql("ANALYZE outbox").execute(&mut *conn).await.unwrap();
    for sql in [queue::any_sql(), queue::due_sql(db.kind(), 64), queue::roles_sql(db.kind(), 16)] {
        let sql = sql.replace("$1", "1000000").replace("$2", "''");
        let plan = plan(&place, &mut conn, &sql).await;
        let whole = ["Seq Scan", "SCAN o\n", "SCAN outbox\n", "SCAN e\n", "AUTOMATIC"];
        assert!(whole.iter().all(|scan| !format!("{plan}\n").contains(scan)), "{sql}\n{plan}");
        assert!(plan.contains("outbox_queue") || plan.contains("outbox_lane"), "{sql}\n{plan}");
    }
    drop(conn);
    place.end(&[&db]).await;
}

/// How the database would run this, whatever its values are.
async fn plan(place: &Place, conn: &mut sqlx::AnyConnection, sql: &str) -> String {
    let (explain, column) = if place.on_postgres() {
        let prepare = format!("SET plan_cache_mode = force_generic_plan; PREPARE asked AS {sql}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *conn).await.unwrap();
        let values = (1..).take_while(|n| sql.contains(&format!("${n}"))).map(|_| "NULL").collect::<Vec<_>>().join(", ");
        (format!("EXPLAIN EXECUTE asked{}", if values.is_empty() { values } else { format!("({values})") }), 0)
    } else {
        (format!("EXPLAIN QUERY PLAN {sql}"), 3)
    };
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *conn).await.unwrap();
    if place.on_postgres() {
        sqlx::raw_sql("DEALLOCATE asked").execute(conn).await.unwrap();
    }
    let lines: Vec<String> = rows.iter().map(|row| row.get(column)).collect();
    lines.join("\n")
}
