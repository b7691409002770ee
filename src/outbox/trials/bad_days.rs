//! Platforms that are gone, silent or slow; stopping in the middle; replies that were handed over.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_platform_is_gone_everything_waits_and_then_arrives_once_and_in_order() {
    for gone in [Mood::Gone, Mood::Silent] {
        let (lanes, each) = (50, 10);
        let (place, db) = Place::new().await;
        let world = Arc::new(World::default());
        world.set("mp", gone);
        let courier = place.at_work(&db, &world);
        let begun = place.clock.now() - 60_000;
        for n in 0..each {
            let pushes: Vec<Push> = (1..=lanes).map(|lane| push(Target::Person(lane), &n.to_string())).collect();
            write_at(&db, &pushes, begun + n).await;
            courier.wake.wake();
        }
        until("the circuit stays closed", || async { !courier.wake.circuits().is_empty() }).await;
        // The other platform works as ever.
        write_at(&db, &[push(Target::Person(OF_MP + 1), "0")], begun).await;
        courier.wake.wake();
        until_sent(&db, 1).await;
        // An hour goes by, probe by probe.
        for _ in 0..60 {
            place.clock.advance(61_000);
            let before = world.asked();
            courier.wake.wake();
            until("nobody probes", || async { world.asked() > before }).await;
            until("the probe leaves it", || async {
                courier.wake.circuits().first().is_some_and(|circuit| circuit.until > place.clock.now())
            })
            .await;
            assert_eq!(world.asked(), before + 1);
        }
        let tries: i64 = {
            let mut conn = db.read().await.unwrap();
            let sql = "SELECT CAST(MAX(tries) AS BIGINT) FROM outbox WHERE state = 'pending'";
            sqlx::query_scalar(sql).fetch_one(&mut *conn).await.unwrap()
        };
        assert!(tries <= 1, "{tries}");
        world.set("mp", Mood::Works);
        place.clock.advance(61_000);
        courier.wake.wake();
        until_sent(&db, lanes * each + 1).await;
        assert!(courier.wake.circuits().is_empty());
        world.sent.lock().unwrap().retain(|(account, _)| account != &(OF_MP + 1).to_string());
        world.assert_each_once_in_order(lanes, usize::try_from(each).unwrap());
        courier.end().await;
        place.end(&[&db]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_can_be_reached_elsewhere_does_not_wait_for_a_platform_that_is_gone() {
    let (place, db) = Place::new().await;
    let world = Arc::new(World::default());
    world.set("mp", Mood::Gone);
    let courier = place.at_work(&db, &world);
    let now = place.clock.now() - 1_000;
    let pushes: Vec<Push> = (1..=30).map(|n| push(Target::Person(n * 1_000), "0")).collect();
    write_at(&db, &pushes, now).await;
    courier.wake.wake();
    until_sent(&db, 30).await;
    world.assert_each_once_in_order(30, 1);
    courier.end().await;
    place.end(&[&db]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_that_takes_its_time_does_not_hold_up_another() {
    let (place, db) = Place::new().await;
    let world = Arc::new(World::default());
    world.set("mp", Mood::Hangs);
    let courier = place.at_work(&db, &world);
    let now = place.clock.now() - 60_000;
    let slow: Vec<Push> = (1..=200).map(|lane| push(Target::Person(lane), "0")).collect();
    write_at(&db, &slow, now).await;
    courier.wake.wake();
    until("nothing is tried", || async { world.asked() == 16 }).await;
    for n in 0..5 {
        let pushes: Vec<Push> = (1..=40).map(|lane| push(Target::Person(OF_MP + lane), &n.to_string())).collect();
        write_at(&db, &pushes, now + n).await;
    }
    courier.wake.wake();
    until_sent(&db, 200).await;
    world.assert_each_once_in_order(40, 5);
    assert_eq!(world.asked(), 216);
    courier.task.abort();
    place.end(&[&db]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_end_what_was_claimed_and_not_sent_is_given_back() {
    let (place, db) = Place::new().await;
    // Four calls at once, then one in 66 ms: most of what is claimed waits.
    let pace = Pace { at_once: 16, calls_a_second: std::num::NonZeroU32::new(20), session_a_minute: None };
    let world = Arc::new(World { pace, ..World::default() });
    let courier = place.at_work(&db, &world);
    let pushes: Vec<Push> = (1..=40).map(|lane| push(Target::Person(lane), "0")).collect();
    write_at(&db, &pushes, place.clock.now() - 1_000).await;
    courier.wake.wake();
    until("nothing is sent", || async { world.asked() >= 5 }).await;
    courier.end().await;
    let states = states(&db).await;
    assert_eq!(states.get("sending"), None, "{states:?}");
    assert_eq!(states["sent"], i64::try_from(world.sent().len()).unwrap());
    assert_eq!(states["sent"] + states["pending"], 40);
    let mut conn = db.read().await.unwrap();
    let tried: Option<i64> = sqlx::query_scalar("SELECT id FROM outbox WHERE state = 'pending' AND tries <> 0 LIMIT 1")
        .fetch_optional(&mut *conn)
        .await
        .unwrap();
    assert_eq!(tried, None);
    drop(conn);
    let next = place.at_work(&db, &world);
    until_sent(&db, 40).await;
    world.assert_each_once_in_order(40, 1);
    next.end().await;
    place.end(&[&db]).await;
}

#[tokio::test]
async fn a_message_that_alone_gets_no_answer_is_tried_twice_and_holds_up_nobody() {
    let (place, db) = Place::new().await;
    let world = Arc::new(World::default());
    world.set("mp", Mood::Silent);
    let courier = place.at_work(&db, &world);
    write_at(&db, &[push(Target::Person(1), "0")], place.clock.now() - 1_000).await;
    courier.wake.wake();
    until("it is not tried", || async { world.asked() == 1 && states(&db).await.contains_key("pending") }).await;
    world.set("mp", Mood::Works);
    write_at(&db, &[push(Target::Person(2), "0")], place.clock.now() - 1_000).await;
    courier.wake.wake();
    until_sent(&db, 1).await;
    world.set("mp", Mood::Silent);
    place.clock.advance(10_000);
    courier.wake.wake();
    until("it is still wanted", || async { states(&db).await.contains_key("undeliverable") }).await;
    assert!(courier.wake.circuits().is_empty());
    courier.end().await;
    place.end(&[&db]).await;
}

#[tokio::test]
async fn a_reply_that_was_handed_over_is_written_down_by_the_next_transaction_or_the_courier() {
    let (place, db) = Place::new().await;
    let world = Arc::new(World::default());
    let now = place.clock.now();
    let mut tx = db.write().await.unwrap();
    let ids: Vec<i64> = (0..3).map(|_| tx.id().unwrap()).collect();
    let held: Vec<_> = ids.iter().map(|id| (*id, String::new(), true, push(Target::Chat(*id), "0"))).collect();
    write(&mut tx, &keys(), &held, &HashMap::new(), now).await.unwrap();
    tx.commit().await.unwrap();

    let (courier, wake) = place.courier(&db, &world);
    wake.settle(ids[0]);
    // A transaction that is undone has not taken it along.
    let mut tx = db.write().await.unwrap();
    drop(wake.write_settled(&mut tx, now).await.unwrap());
    tx.rollback().await;
    assert_eq!(states(&db).await["held"], 3);
    let mut tx = db.write().await.unwrap();
    let settled = wake.write_settled(&mut tx, now).await.unwrap();
    tx.commit().await.unwrap();
    settled.kept();
    assert_eq!(states(&db).await["sent"], 1);

    // While no turn comes the courier does it, and in the end sends what nobody has handed over.
    let stop = CancellationToken::new();
    let task = tokio::spawn(courier.with_beat(Duration::from_secs(900)).run(stop.clone()));
    wake.settle(ids[1]);
    until_sent(&db, 2).await;
    assert_eq!(world.sent(), []);
    place.clock.advance(HOLD);
    wake.wake();
    until_sent(&db, 3).await;
    assert_eq!(world.sent().len(), 1);
    stop.cancel();
    task.await.unwrap();
    place.end(&[&db]).await;
}
