//! What happens while something else is under way, and what breaks.

use crate::home::{Home, MINUTE, Receiver, eventually, reaching};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
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
