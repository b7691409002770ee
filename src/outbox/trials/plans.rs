//! What is due is found through partial indexes, however much has been sent.

use super::*;

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
    let explain = if place.on_postgres() { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
    for sql in [queue::any_sql(), queue::due_sql(db.kind(), 64), queue::roles_sql(db.kind(), 16)] {
        let sql = sql.replace("$1", "1000000").replace("$2", "''");
        let rows = sqlx::query(AssertSqlSafe(format!("{explain} {sql}"))).fetch_all(&mut *conn).await.unwrap();
        let column = if place.on_postgres() { 0 } else { 3 };
        let plan: Vec<String> = rows.iter().map(|row| row.get(column)).collect();
        let plan = plan.join("\n");
        let whole = ["Seq Scan", "SCAN o\n", "SCAN outbox\n", "SCAN e\n", "AUTOMATIC"];
        assert!(whole.iter().all(|scan| !format!("{plan}\n").contains(scan)), "{sql}\n{plan}");
        assert!(plan.contains("outbox_queue") || plan.contains("outbox_lane"), "{sql}\n{plan}");
    }
    drop(conn);
    place.end(&[&db]).await;
}
