//! One row once, a lane in its order, with any number of couriers.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_couriers_send_every_row_once_and_every_lane_in_order() {
    let (lanes, each) = (60, 40);
    let (place, one) = Place::new().await;
    let two = place.open().await;
    let world = Arc::new(World::default());
    let couriers = [place.at_work(&one, &world), place.at_work(&two, &world)];
    // Two processes take turns to write: their ids come from blocks of their own, so these do not grow with the time.
    let begun = place.clock.now() - 60_000;
    for n in 0..each {
        let db = if n % 2 == 0 { &one } else { &two };
        let pushes: Vec<Push> = (1..=lanes).map(|lane| push(Target::Person(lane), &n.to_string())).collect();
        write_at(db, &pushes, begun + n).await;
        couriers[usize::try_from(n % 3).unwrap() % 2].wake.wake();
    }
    until_sent(&one, lanes * each).await;
    world.assert_each_once_in_order(lanes, usize::try_from(each).unwrap());
    assert_eq!(states(&one).await.len(), 1);
    for courier in couriers {
        courier.end().await;
    }
    place.end(&[&one, &two]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_for_a_role_reach_each_holder_in_order_whoever_replaces_it() {
    let (place, one) = Place::new().await;
    let two = place.open().await;
    let world = Arc::new(World::default());
    let couriers = [place.at_work(&one, &world), place.at_work(&two, &world)];
    let role = Target::Role { role: "intake".into(), area: "131122".into(), unit: None };
    let begun = place.clock.now() - 60_000;
    for n in 0..50 {
        write_at(if n % 2 == 0 { &one } else { &two }, &[push(role.clone(), &n.to_string())], begun + n).await;
        couriers[usize::try_from(n % 2).unwrap()].wake.wake();
    }
    until_sent(&one, 150).await;
    world.assert_each_once_in_order(3, 50);
    assert_eq!(states(&one).await["superseded"], 50);
    for courier in couriers {
        courier.end().await;
    }
    place.end(&[&one, &two]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_lanes_to_one_chat_do_not_overtake_each_other() {
    let (place, db) = Place::new().await;
    let world = Arc::new(World { pause: Duration::from_millis(200), hurries: true, ..World::default() });
    write_at(&db, &[push(Target::Chat(1), "0"), push(Target::Person(1), "1")], place.clock.now()).await;
    let courier = place.at_work(&db, &world);
    until_sent(&db, 2).await;
    world.assert_each_once_in_order(1, 2);
    courier.end().await;

    // What is behind another takes no room either.
    let pace = Pace { at_once: 2, calls_a_second: None, session_a_minute: None };
    let world = Arc::new(World { pause: Duration::from_millis(200), pace, ..World::default() });
    let pushes = [push(Target::Chat(1), "0"), push(Target::Person(1), "1"), push(Target::Person(2), "0")];
    write_at(&db, &pushes, place.clock.now()).await;
    let courier = place.at_work(&db, &world);
    until_sent(&db, 5).await;
    assert_eq!(world.sent()[2], ("1".to_owned(), "1".to_owned()));
    courier.end().await;
    place.end(&[&db]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_behind_another_is_not_begun_any_more_at_the_end() {
    let (place, db) = Place::new().await;
    let world = Arc::new(World { pause: Duration::from_millis(500), ..World::default() });
    write_at(&db, &[push(Target::Chat(1), "0"), push(Target::Person(1), "1")], place.clock.now()).await;
    let courier = place.at_work(&db, &world);
    until("the first is under way", || async { world.asked() == 1 }).await;
    courier.end().await;
    assert_eq!(world.sent(), [("1".to_owned(), "0".to_owned())]);
    let untried: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM outbox WHERE state = 'pending' AND tries = 0")
        .fetch_one(&mut *db.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(untried, 1);
    place.end(&[&db]).await;
}

#[tokio::test]
async fn a_row_in_hand_holds_its_lane_even_after_its_lease() {
    let (place, db) = Place::new().await;
    let world = Arc::new(World::default());
    let now = place.clock.now();
    write_at(&db, &[push(Target::Person(1), "0")], now - 2_000).await;
    write_at(&db, &[push(Target::Person(1), "1")], now - 1_000).await;
    let mut tx = db.write().await.unwrap();
    let first = queue::due(&mut tx, &keys(), "", 9, now).await.unwrap();
    assert_eq!(first.iter().map(|due| due.row.reply.text.as_str()).collect::<Vec<_>>(), ["0"]);
    sqlx::query("UPDATE outbox SET state = 'sending', lease_until = $1 WHERE id = $2")
        .bind(now - 1)
        .bind(first[0].row.id)
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.write().await.unwrap();
    let again = queue::due(&mut tx, &keys(), "", 9, now).await.unwrap();
    assert_eq!(again.iter().map(|due| due.row.reply.text.as_str()).collect::<Vec<_>>(), ["0"]);
    if place.on_postgres() {
        // Another process sees it locked: neither this row nor the one behind it is for the taking.
        let other = place.open().await;
        let mut second = other.write().await.unwrap();
        assert!(queue::due(&mut second, &keys(), "", 9, now).await.unwrap().is_empty());
        second.rollback().await;
        other.close().await;
    }
    tx.rollback().await;
    drop(world);
    place.end(&[&db]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_courier_sent_and_did_not_write_down_is_sent_again_after_its_lease_and_nothing_else_is() {
    let (place, one) = Place::new().await;
    let world = Arc::new(World::default());
    let now = place.clock.now() - 1_000;
    let pushes: Vec<Push> = (1..=40).map(|lane| push(Target::Person(lane), "0")).collect();
    write_at(&one, &pushes, now).await;
    let first = place.at_work(&one, &world);
    first.wake.wake();
    until("nothing is sent", || async { world.sent().len() >= 3 }).await;
    // Killed: its sends and its transaction end where they are.
    first.task.abort();
    let _ = first.task.await;
    one.close().await;

    let two = place.open().await;
    let known = states(&two).await;
    let arrived = world.sent().len();
    let second = place.at_work(&two, &world);
    second.wake.wake();
    let in_hand = known.get("sending").copied().unwrap_or_default();
    until_sent(&two, 40 - in_hand).await;
    place.clock.advance(61_000);
    second.wake.wake();
    until_sent(&two, 40).await;
    let mut accounts: Vec<String> = world.sent().into_iter().map(|(account, _)| account).collect();
    let doubled = i64::try_from(accounts.len()).unwrap() - 40;
    assert!(doubled <= in_hand && arrived <= 40, "{doubled} of {in_hand}");
    accounts.sort();
    accounts.dedup();
    assert_eq!(accounts.len(), 40);
    second.end().await;
    place.end(&[&two]).await;
}

#[tokio::test]
async fn a_courier_whose_lease_ran_out_does_not_overwrite_what_became_of_the_row() {
    let (place, db) = Place::new().await;
    let world = Arc::new(World { pause: Duration::ZERO, ..World::default() });
    world.set("mp", Mood::Hangs);
    write_at(&db, &[push(Target::Person(1), "0")], place.clock.now() - 1_000).await;
    let slow = place.at_work(&db, &world);
    until("it is not claimed", || async { world.asked() == 1 }).await;
    place.clock.advance(61_000);
    world.set("mp", Mood::Works);
    // Its own clock says that the lease is over; it still has the row in hand and does not send it a second time.
    slow.wake.wake();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(world.asked(), 1);
    let two = place.open().await;
    let quick = place.at_work(&two, &world);
    until_sent(&two, 1).await;
    quick.end().await;

    // The slow one comes back with another story.
    let (courier, _) = place.courier(&db, &world);
    let mut tx = db.write().await.unwrap();
    let rows = sqlx::query("SELECT id FROM outbox").fetch_all(tx.conn()).await.unwrap();
    let row = Waiting {
        id: rows[0].get(0),
        target: Target::Person(1),
        reply: Reply::text("0"),
        class: Class::Now,
        ticket: None,
        except: None,
        tries: 1,
        expires_at: 0,
        turn_key: String::new(),
        request: None,
        at: 0,
    };
    let to = Address { channel: "mp".into(), account: "1".into(), group: None };
    let (window, tried) = (String::new(), String::new());
    let parcel = courier::Parcel { row, to, way: Way::Api, window, tried, lease: place.clock.now() - 1_000 };
    let end = ends::End { parcel, outcome: Some(Outcome::Gone("gone")), alone: true };
    courier.write_down(&mut tx, &[end], place.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(states(&db).await, HashMap::from([("sent".to_owned(), 1)]));
    slow.task.abort();
    place.end(&[&db, &two]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_writes_another_sends_at_once() {
    let (place, writer) = Place::new().await;
    if !place.on_postgres() {
        return place.end(&[&writer]).await;
    }
    let reader = place.open().await;
    let world = Arc::new(World::default());
    let (courier, wake) = place.courier(&reader, &world);
    let stop = CancellationToken::new();
    let hear = {
        let wake = wake.clone();
        move |_| wake.heard()
    };
    // Only the news explains that it looks: its own beat is a quarter of an hour.
    let tasks = [
        tokio::spawn(courier.with_beat(Duration::from_secs(900)).run(stop.clone())),
        tokio::spawn(listen(reader.clone(), place.url.clone(), hear, stop.clone())),
    ];
    let (_, bell) = place.courier(&writer, &world);
    let ringing = tokio::spawn(ring_on(writer.clone(), bell.bell(), stop.clone()));
    let now = place.clock.now() - 1_000;
    // The first may still be found by the look at the start.
    for n in 0..20 {
        write_at(&writer, &[push(Target::Person(1), &n.to_string())], now + n).await;
        bell.wake();
        until_sent(&reader, n + 1).await;
    }
    // After the listener's connection is lost it looks once by itself, and finds what nobody has rung for.
    write_at(&writer, &[push(Target::Person(1), "20")], now + 20).await;
    let mut conn = writer.read().await.unwrap();
    sqlx::query("SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()")
        .execute(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    until_sent(&reader, 21).await;
    world.assert_each_once_in_order(1, 21);
    stop.cancel();
    for task in tasks.into_iter().chain([ringing]) {
        task.await.unwrap();
    }
    place.end(&[&writer, &reader]).await;
}
