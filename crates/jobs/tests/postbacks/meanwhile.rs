//! What happens while something else is under way, and what breaks.

use crate::home::{Home, MINUTE, Receiver, eventually, reaching, status_only};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use tollgate_jobs::postbacks::DeliveryState::{Canceled, Delivered, Failed, Pending};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_up_while_a_postback_is_deactivated_is_canceled() {
    let home = Home::new().await;
    let postbacks = home.open(reaching(&[])).await;
    let id = home.postback("http://partner.example/{tx_id}", |_| {}).await;
    for _ in 0..3 {
        let mut events: Vec<_> = (0..500).map(|n| home.conversion(&n.to_string())).collect();
        home.store(&mut events);
    }
    let follow = {
        let postbacks = postbacks.clone();
        async move { postbacks.follow().await }
    };
    let deactivate = home.change(id, |postback| postback.active = false);
    home.clock.hold(follow, deactivate).await.unwrap();
    let log = home.log(&postbacks).await;
    assert!(log.iter().all(|one| one.state == Canceled), "{:?}", log.first());
    assert_eq!(log.len(), 1000, "those that were read before it was deactivated");
    assert_eq!(postbacks.stats().canceled, 1000);
    postbacks.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_to_wait_for_an_inactive_postback_is_not_sent() {
    let home = Home::new().await;
    let receiver = Receiver::answering(410);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    let off = home.postback("http://partner.example/off", |_| {}).await;
    let late = home.postback("http://partner.example/late", |postback| postback.delay_seconds = 60).await;
    home.store(&mut [home.conversion("x")]);
    let failed = eventually(async || match home.log(&sending.postbacks).await {
        log if log.len() == 2 => log.into_iter().find(|one| one.state == Failed).ok_or("none".to_owned()),
        log => Err(format!("{log:?}")),
    });
    let id = failed.await.id;
    let retry = {
        let (postbacks, organization, integration, id) =
            (sending.postbacks.clone(), home.organization, home.integration, id.clone());
        async move { postbacks.retry(organization, integration, &id).await }
    };
    // It is put back into the queue when the sender has canceled what waited already.
    let deactivate = async {
        home.change(off, |postback| postback.active = false).await;
        home.change(late, |postback| postback.active = false).await;
        home.settled(&sending.postbacks, 2, &[Failed, Canceled]).await;
    };
    home.clock.hold(retry, deactivate).await.unwrap();
    home.settled(&sending.postbacks, 2, &[Canceled]).await;
    assert_eq!(receiver.targets(), ["/off"]);
    sending.stop().await;
}

#[tokio::test]
async fn what_is_asked_for_again_while_an_attempt_is_under_way_is_sent_again() {
    let home = Home::new().await;
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let receiver = Receiver::new(move |number, stream| {
        if number == 0 {
            released.lock().unwrap().recv().ok();
            return status_only(stream, 410);
        }
        status_only(stream, 200)
    });
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/", |_| {}).await;
    home.store(&mut [home.conversion("x")]);
    eventually(async || if receiver.targets() == ["/"] { Ok(()) } else { Err("not asked".to_owned()) }).await;
    let id = home.log(&sending.postbacks).await.remove(0).id;
    let retried = sending.postbacks.retry(home.organization, home.integration, &id).await.unwrap();
    assert_eq!(retried.state, Pending);
    drop(release);
    let log = home.settled(&sending.postbacks, 1, &[Delivered]).await;
    let told: Vec<_> = log[0].attempts.iter().map(|one| one.status).collect();
    assert_eq!(told, [Some(410), Some(200)]);
    let postbacks = sending.postbacks.clone();
    sending.stop().await;
    assert_eq!((postbacks.stats().failed, postbacks.stats().delivered), (0, 1));
}

/// From when it is set, the first task that never asked for the time before breaks down when it does.
fn breaking_the_next_task(home: &Home) -> Arc<AtomicBool> {
    let armed = Arc::new(AtomicBool::new(false));
    let (breaks, known) = (armed.clone(), Mutex::new(HashSet::new()));
    home.clock.on_look(move || {
        let is_new = tokio::task::try_id().is_some_and(|id| known.lock().unwrap().insert(id));
        assert!(!(is_new && breaks.swap(false, Ordering::SeqCst)), "the test wants this task to break down");
    });
    armed
}

#[tokio::test]
async fn an_attempt_that_breaks_down_is_made_again() {
    let home = Home::new().await;
    let receiver = Receiver::answering(200);
    let armed = breaking_the_next_task(&home);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/{tx_id}", |_| {}).await;
    home.store(&mut [home.conversion("1")]);
    home.settled(&sending.postbacks, 1, &[Delivered]).await;
    armed.store(true, Ordering::SeqCst);
    home.store(&mut [home.conversion("2")]);
    let log = eventually(async || match home.log(&sending.postbacks).await {
        log if log[0].attempts.len() == 1 && log.len() == 2 => Ok(log),
        log => Err(format!("{log:?}")),
    });
    let log = log.await;
    assert_eq!((log[0].state, log[0].attempts[0].error.as_deref()), (Pending, Some("internal")));
    home.clock.advance(2 * MINUTE);
    home.settled(&sending.postbacks, 2, &[Delivered]).await;
    assert_eq!(receiver.targets(), ["/1", "/2"]);
    sending.stop().await;
}
