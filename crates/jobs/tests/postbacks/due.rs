//! When something is sent, again and again, and when it is given up.

use crate::home::{Home, MINUTE, NOW, Receiver, eventually, reaching, status_only};
use std::time::Duration;
use tollgate_domain::{Amendment, Clock, Number, PostbackTrigger, Status};
use tollgate_jobs::postbacks::DeliveryState::{Delivered, Pending};

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_later_under_the_same_id() {
    let home = Home::new().await;
    let receiver = Receiver::new(|number, stream| match number {
        0 => status_only(stream, 500),
        1 => Ok(()),
        2 => status_only(stream, 302),
        _ => status_only(stream, 200),
    });
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/?d={delivery_id}", |_| {}).await;
    home.store(&mut [home.conversion("x")]);
    for attempts in 1..=3 {
        let waiting = eventually(async || {
            let log = home.log(&sending.postbacks).await;
            let done = log.first().is_some_and(|one| one.attempts.len() == attempts);
            if done { Ok(log) } else { Err(format!("{log:?}")) }
        });
        let one = waiting.await.remove(0);
        assert_eq!(one.state, Pending);
        let pause = one.due_at.millis() - one.attempts[attempts - 1].at;
        let least = MINUTE << (attempts - 1);
        assert!((least..=2 * least).contains(&pause), "{pause} after {attempts}");
        home.clock.advance(pause - 1);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(receiver.targets().len(), attempts, "not before its time");
        home.clock.advance(1);
    }
    let one = home.settled(&sending.postbacks, 1, &[Delivered]).await.remove(0);
    let told: Vec<_> = one.attempts.iter().map(|one| (one.status, one.error.as_deref())).collect();
    let expected =
        [(Some(500), None), (None, Some("not_http")), (None, Some("bad_redirect")), (Some(200), None)];
    assert_eq!(told, expected);
    assert_eq!(receiver.targets(), vec![format!("/?d={}", one.id); 4]);
    sending.stop().await;
}

#[tokio::test]
async fn what_fails_for_a_day_is_given_up_and_410_ends_it_at_once() {
    let home = Home::new().await;
    let (broken, gone) = (Receiver::answering(503), Receiver::answering(410));
    let sending = home.run(reaching(&[("broken.example", &broken), ("gone.example", &gone)])).await;
    home.postback("http://broken.example/", |_| {}).await;
    home.postback("http://gone.example/", |_| {}).await;
    home.store(&mut [home.conversion("x")]);
    // Whenever an attempt has failed, it is at once the time of the next.
    let mut attempts = 2;
    let log = loop {
        let waiting = eventually(async || {
            let log = home.log(&sending.postbacks).await;
            let made = log.iter().map(|one| one.attempts.len()).sum::<usize>();
            if made == attempts { Ok(log) } else { Err(format!("{log:?}")) }
        });
        let log = waiting.await;
        match log.iter().find(|one| one.state == Pending) {
            Some(one) => home.clock.set(one.due_at),
            None => break log,
        }
        attempts += 1;
    };
    let of = |host: &str| log.iter().find(|one| one.url.contains(host)).unwrap();
    assert_eq!(of("gone").attempts.len(), 1);
    let attempts = &of("broken").attempts;
    let hours = (attempts[attempts.len() - 1].at - attempts[0].at) / (60 * MINUTE);
    assert!((22..=24).contains(&hours) && attempts.len() >= 28, "{hours} h, {} attempts", attempts.len());
    assert_eq!(gone.targets().len(), 1);
    let postbacks = sending.postbacks.clone();
    sending.stop().await;
    assert_eq!((postbacks.stats().failed, postbacks.stats().delivered), (2, 0));
}

#[tokio::test]
async fn a_delay_counts_from_the_verdict_however_late_it_is_taken_up() {
    const HOUR: i64 = 60 * MINUTE;
    let home = Home::new().await;
    let postbacks = home.open(reaching(&[])).await;
    home.postback("http://partner.example/{status}/{tx_id}", |postback| postback.delay_seconds = 3600).await;
    home.postback("http://partner.example/{status}/{tx_id}", |postback| {
        postback.on = PostbackTrigger::Rejected;
        postback.delay_seconds = 3600;
    })
    .await;
    let arriving = |external: &str, at: i64| {
        let mut event = home.conversion(external);
        event.set_number(Number::ArrivalTime, at);
        event
    };
    let mut events =
        [arriving("old", NOW), arriving("new", NOW + 2 * HOUR), arriving("ahead", NOW + 9 * HOUR)];
    home.store(&mut events);
    home.clock.advance(2 * HOUR + HOUR / 4);
    let mut rejection = Amendment::of(&events[0], home.clock.now());
    rejection.record.set_status(Status::Rejected);
    home.amend(rejection);
    home.clock.advance(HOUR / 4);
    postbacks.follow().await.unwrap();
    for (url, due_at) in [
        ("/approved/old", NOW + 5 * HOUR / 2),
        ("/approved/new", NOW + 3 * HOUR),
        ("/approved/ahead", NOW + 7 * HOUR / 2),
        ("/rejected/old", NOW + 13 * HOUR / 4),
    ] {
        let log = home.log(&postbacks).await;
        let one = log.iter().find(|one| one.url.ends_with(url)).unwrap();
        assert_eq!(one.due_at.millis(), due_at, "{url}");
    }
    postbacks.close().await;
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_ends_nothing() {
    let home = Home::new().await;
    let receiver = Receiver::new(|number, stream| status_only(stream, if number < 2 { 500 } else { 200 }));
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/", |_| {}).await;
    home.store(&mut [home.conversion("x")]);
    for attempts in 1..=2 {
        eventually(async || match home.log(&sending.postbacks).await {
            log if log.len() == 1 && log[0].attempts.len() == attempts => Ok(()),
            log => Err(format!("{log:?}")),
        })
        .await;
        home.clock.advance(3 * 24 * 60 * MINUTE);
    }
    home.settled(&sending.postbacks, 1, &[Delivered]).await;
    sending.stop().await;
}

#[tokio::test]
async fn a_delay_is_kept() {
    let home = Home::new().await;
    let receiver = Receiver::answering(200);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/late", |postback| postback.delay_seconds = 3600).await;
    home.postback("http://partner.example/now", |_| {}).await;
    home.store(&mut [home.conversion("x")]);
    home.settled(&sending.postbacks, 2, &[Delivered, Pending]).await;
    eventually(async || if receiver.targets() == ["/now"] { Ok(()) } else { Err("nothing".to_owned()) })
        .await;
    home.clock.advance(3_599_999);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.targets(), ["/now"]);
    home.clock.advance(1);
    home.settled(&sending.postbacks, 2, &[Delivered]).await;
    assert_eq!(receiver.targets(), ["/now", "/late"]);
    sending.stop().await;
}
