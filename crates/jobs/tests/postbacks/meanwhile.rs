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

/// Breaks tasks down.
#[derive(Default)]
struct Breaker {
    /// Whether the next task that never asked for the time before breaks down when it does.
    armed: AtomicBool,
    /// Those that asked.
    known: Mutex<HashSet<tokio::task::Id>>,
}

impl Breaker {
    fn new(home: &Home) -> Arc<Self> {
        let breaker = Arc::new(Self::default());
        let this = breaker.clone();
        home.clock.on_look(move || {
            let is_new = tokio::task::try_id().is_some_and(|id| this.known.lock().unwrap().insert(id));
            let breaks = is_new && this.armed.swap(false, Ordering::SeqCst);
            assert!(!breaks, "the test wants this task to break down");
        });
        breaker
    }

    fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn an_attempt_that_breaks_down_is_made_again() {
    let home = Home::new().await;
    let receiver = Receiver::answering(200);
    let breaker = Breaker::new(&home);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/{tx_id}", |_| {}).await;
    home.store(&mut [home.conversion("1")]);
    home.settled(&sending.postbacks, 1, &[Delivered]).await;
    breaker.arm();
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

#[tokio::test]
async fn what_follows_and_what_sends_begins_again_after_a_fault() {
    let home = Home::new().await;
    let receiver = Receiver::answering(200);
    let breaker = Breaker::new(&home);
    home.postback("http://partner.example/{tx_id}", |_| {}).await;
    // Nothing but the sender asks for the time as long as nothing is there to be followed.
    breaker.arm();
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    eventually(async || match breaker.known.lock().unwrap().len() {
        2 => Ok(()),
        asked => Err(format!("{asked} senders")),
    })
    .await;
    // And what follows asks before anything is sent.
    breaker.arm();
    home.store(&mut [home.conversion("x")]);
    eventually(
        async || if breaker.armed.load(Ordering::SeqCst) { Err("not asked".to_owned()) } else { Ok(()) },
    )
    .await;
    home.settled(&sending.postbacks, 1, &[Delivered]).await;
    assert_eq!(receiver.targets(), ["/x"]);
    sending.stop().await;
}
