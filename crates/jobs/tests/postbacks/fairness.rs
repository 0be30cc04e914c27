//! Nobody's receiver holds up anybody else's.

use crate::home::{Home, MINUTE, Receiver, eventually, reaching, status_only};
use std::sync::{Mutex, mpsc};
use std::time::Duration;
use tollgate_domain::{IntegrationId, Text};
use tollgate_jobs::postbacks::Postbacks;

/// Waits until a receiver was asked so often.
async fn asked(receiver: &Receiver, count: usize) {
    eventually(async || match receiver.targets().len() {
        found if found == count => Ok(()),
        found => Err(format!("{found} of {count}")),
    })
    .await;
}

/// How many requests a receiver has at most that were not given up: what was asked without what ended.
async fn under_way(home: &Home, postbacks: &Postbacks, receiver: &Receiver, url: &str) -> usize {
    let asked = receiver.targets().len();
    let log = home.log(postbacks).await;
    asked - log.iter().filter(|one| one.url.contains(url)).map(|one| one.attempts.len()).sum::<usize>()
}

fn conversions(home: &Home, integration: IntegrationId, offer: &str, count: usize) {
    let mut events: Vec<_> = (0..count).map(|n| home.conversion(&n.to_string())).collect();
    for event in &mut events {
        event.integration = integration;
        event.set_text(Text::OfferId, offer);
    }
    home.store(&mut events);
}

#[tokio::test]
async fn a_slow_receiver_holds_up_nobody_else() {
    let home = Home::new().await;
    let ((slow, release), quick) = (Receiver::holding(0), Receiver::answering(200));
    let sending = home.run(reaching(&[("slow.example", &slow), ("quick.example", &quick)])).await;
    home.postback("http://slow.example/", |postback| postback.offer_ids = vec!["slow".to_owned()]).await;
    home.postback("http://quick.example/", |postback| postback.offer_ids = vec!["7".to_owned()]).await;
    conversions(&home, home.integration, "slow", 200);
    conversions(&home, home.integration, "7", 100);
    asked(&quick, 100).await;
    let slow = under_way(&home, &sending.postbacks, &slow, "slow.example").await;
    assert!(slow <= 8, "{slow}");
    drop(release);
    sending.stop().await;
}

#[tokio::test]
async fn a_url_that_is_not_found_leaves_the_others_on_its_host_their_places() {
    let home = Home::new().await;
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let shared = Receiver::new(move |number, stream| {
        if number == 0 {
            return status_only(stream, 404);
        }
        released.lock().unwrap().recv().ok();
        status_only(stream, 200)
    });
    let sending = home.run(reaching(&[("shared.example", &shared)])).await;
    home.postback("http://shared.example/wrong", |postback| postback.offer_ids = vec!["wrong".to_owned()])
        .await;
    home.postback("http://shared.example/right", |postback| postback.offer_ids = vec!["7".to_owned()]).await;
    conversions(&home, home.integration, "wrong", 1);
    eventually(async || match home.log(&sending.postbacks).await {
        log if log.iter().any(|one| !one.attempts.is_empty()) => Ok(()),
        log => Err(format!("{log:?}")),
    })
    .await;
    conversions(&home, home.integration, "7", 20);
    asked(&shared, 1 + 8).await;
    drop(release);
    sending.stop().await;
}

#[tokio::test]
async fn a_receiver_that_takes_seconds_is_asked_one_at_a_time() {
    let home = Home::new().await;
    let (slow, release) = Receiver::holding(0);
    let sending = home.run(reaching(&[("slow.example", &slow)])).await;
    home.postback("http://slow.example/", |_| {}).await;
    conversions(&home, home.integration, "7", 20);
    asked(&slow, 8).await;
    // At least as long as counts as slow.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    (0..8).for_each(|_| release.send(()).unwrap());
    asked(&slow, 9).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(under_way(&home, &sending.postbacks, &slow, "slow.example").await <= 1);
    drop(release);
    sending.stop().await;
}

#[tokio::test]
async fn one_integration_leaves_the_others_their_places() {
    let home = Home::new().await;
    let ((slow, release), quick) = (Receiver::holding(0), Receiver::answering(200));
    let names: Vec<String> = (0..16).map(|n| format!("slow{n}.example")).collect();
    let mut reached: Vec<_> = names.iter().map(|name| (name.as_str(), &slow)).collect();
    reached.push(("quick.example", &quick));
    let sending = home.run(reaching(&reached)).await;
    for name in &names {
        home.postback(&format!("http://{name}/"), |_| {}).await;
    }
    let other = home.another_integration().await;
    home.postback("http://quick.example/", |postback| postback.integration = other).await;
    conversions(&home, home.integration, "7", 8);
    asked(&slow, 64).await;
    conversions(&home, other, "7", 1);
    asked(&quick, 1).await;
    let slow = under_way(&home, &sending.postbacks, &slow, "slow").await;
    assert!(slow <= 64, "{slow}");
    drop(release);
    sending.stop().await;
}

#[tokio::test]
async fn hosts_in_trouble_leave_the_others_their_places() {
    let home = Home::new().await;
    let ((broken, release), quick) = (Receiver::holding(40), Receiver::answering(200));
    let names: Vec<String> = (0..40).map(|n| format!("broken{n}.example")).collect();
    let mut reached: Vec<_> = names.iter().map(|name| (name.as_str(), &broken)).collect();
    reached.push(("quick.example", &quick));
    let sending = home.run(reaching(&reached)).await;
    for name in &names {
        home.postback(&format!("http://{name}/"), |postback| postback.offer_ids = vec!["broken".to_owned()])
            .await;
    }
    home.postback("http://quick.example/", |postback| postback.offer_ids = vec!["7".to_owned()]).await;
    conversions(&home, home.integration, "broken", 1);
    eventually(async || match home.log(&sending.postbacks).await {
        log if log.len() == 40 && log.iter().all(|one| one.attempts.len() == 1) => Ok(()),
        log => Err(format!("{log:?}")),
    })
    .await;
    // Now they do not answer at all.
    home.clock.advance(2 * MINUTE);
    asked(&broken, 40 + 32).await;
    conversions(&home, home.integration, "7", 1);
    asked(&quick, 1).await;
    let broken = under_way(&home, &sending.postbacks, &broken, "broken").await;
    assert!(broken <= 32, "{broken}");
    drop(release);
    sending.stop().await;
}

#[tokio::test]
async fn who_waits_for_a_host_comes_before_who_has_it() {
    let home = Home::new().await;
    let (shared, release) = Receiver::holding(0);
    let sending = home.run(reaching(&[("shared.example", &shared)])).await;
    home.postback("http://shared.example/many", |_| {}).await;
    let other = home.another_integration().await;
    home.postback("http://shared.example/one", |postback| postback.integration = other).await;
    conversions(&home, home.integration, "7", 30);
    asked(&shared, 8).await;
    home.clock.advance(1);
    conversions(&home, other, "7", 1);
    sending.postbacks.follow().await.unwrap();
    release.send(()).unwrap();
    asked(&shared, 9).await;
    assert_eq!(shared.targets().last().map(String::as_str), Some("/one"));
    drop(release);
    sending.stop().await;
}
