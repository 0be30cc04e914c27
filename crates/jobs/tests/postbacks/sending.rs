//! What is told, to whom, how often, and what the log says of it.

use crate::home::{Home, MINUTE, Receiver, eventually, reaching, status_only};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tollgate_domain::{
    Amendment, Clock, EventKind, Number, PostbackMethod, PostbackTrigger, Status, Text, TxId,
};
use tollgate_jobs::postbacks::{DeliveryState, LogFilter, RetryError};
use tollgate_outbound::testing::redirect;

use DeliveryState::{Canceled, Delivered, Failed, Pending};

#[tokio::test]
async fn a_conversion_is_told_once_with_its_macros_and_the_log_says_so() {
    let home = Home::new().await;
    let receiver = Receiver::answering(204);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    let url = "http://partner.example/p?tx={tx_id}&o=[offer]&s=${status}&d={delivery_id}&b={postback_id}&n={nobody}";
    let id = home.postback(url, |_| {}).await;
    let mut rejected = home.conversion("rejected");
    rejected.set_status(Status::Rejected);
    let mut monitored = rejected.clone();
    monitored.set_text(Text::ExternalTransactionId, "a b");
    monitored.set_number(Number::MonitoringMode, 1);
    let mut click = home.conversion("click");
    click.kind = EventKind::Click;
    let mut events = [click, rejected, monitored];
    home.store(&mut events);
    let log = home.settled(&sending.postbacks, 1, &[Delivered]).await;
    let one = &log[0];
    let target = format!("/p?tx=a%20b&o=7&s=approved&d={}&b={id}&n=", one.id);
    assert_eq!(receiver.targets(), std::slice::from_ref(&target));
    assert_eq!(one.url, format!("http://partner.example{target}"));
    assert_eq!((one.conversion.as_str(), one.postback.as_str()), (&*events[2].id.to_string(), id.as_str()));
    assert_eq!((one.attempts.len(), one.attempts[0].status, &one.attempts[0].error), (1, Some(204), &None));
    let postbacks = sending.postbacks.clone();
    sending.stop().await;
    let stats = postbacks.stats();
    assert_eq!((stats.delivered, stats.failed, stats.attempts), (1, 0, 1));
}

#[tokio::test]
async fn a_post_sends_its_form_and_is_not_redirected() {
    let home = Home::new().await;
    let forms = Arc::new(Mutex::new(Vec::new()));
    let kept = forms.clone();
    let receiver = Receiver::new(move |number, stream| {
        let mut form = vec![0; "tx=a%20b&s=approved".len()];
        stream.read_exact(&mut form)?;
        kept.lock().unwrap().push(String::from_utf8(form).unwrap());
        match number {
            0 => redirect(stream, "http://partner.example/elsewhere"),
            _ => status_only(stream, 200),
        }
    });
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/p", |postback| {
        postback.method = PostbackMethod::Post;
        postback.body = Some("tx={tx_id}&s=[status]".to_owned());
    })
    .await;
    home.store(&mut [home.conversion("a b")]);
    eventually(async || match forms.lock().unwrap().len() {
        1 => Ok(()),
        some => Err(format!("{some}")),
    })
    .await;
    home.settled(&sending.postbacks, 1, &[Pending]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    home.clock.advance(2 * MINUTE);
    let log = home.settled(&sending.postbacks, 1, &[Delivered]).await;
    let told: Vec<_> = log[0].attempts.iter().map(|one| one.status).collect();
    assert_eq!(told, [Some(302), Some(200)]);
    assert_eq!(log[0].body.as_deref(), Some("tx=a%20b&s=approved"));
    assert_eq!(*forms.lock().unwrap(), ["tx=a%20b&s=approved"; 2]);
    assert_eq!(receiver.targets(), ["/p"; 2]);
    sending.stop().await;
}

#[tokio::test]
async fn what_a_receiver_says_beside_its_status_does_not_matter() {
    let home = Home::new().await;
    let (_open, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let receiver = Receiver::new(move |number, stream| match number {
        0 => write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n{}", "x".repeat(70_000)),
        1 => write!(stream, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx"),
        2 => write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nxy"),
        3 => write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno length"),
        _ => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")?;
            stream.flush()?;
            held.lock().unwrap().recv().ok();
            Ok(())
        }
    });
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    for method in [PostbackMethod::Get, PostbackMethod::Post] {
        home.postback("http://partner.example/", |postback| postback.method = method).await;
    }
    for count in 1..=5 {
        home.store(&mut [home.conversion("x")]);
        let log = home.settled(&sending.postbacks, 2 * count, &[Delivered]).await;
        assert!(log.iter().all(|one| one.attempts.len() == 1), "{log:?}");
    }
    assert_eq!(receiver.targets().len(), 10);
    sending.stop().await;
}

#[tokio::test]
async fn what_waits_for_an_inactive_or_deleted_postback_is_canceled_for_good() {
    let home = Home::new().await;
    let receiver = Receiver::answering(500);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    let (off, gone) = (
        home.postback("http://partner.example/off", |_| {}).await,
        home.postback("http://partner.example/gone", |postback| postback.delay_seconds = 60).await,
    );
    home.store(&mut [home.conversion("x")]);
    eventually(async || if receiver.targets() == ["/off"] { Ok(()) } else { Err("not yet".to_owned()) })
        .await;
    home.settled(&sending.postbacks, 2, &[Pending]).await;
    home.change(off, |postback| postback.active = false).await;
    let actor = tollgate_catalog::Actor::command_line();
    let delete = home.catalog.write(home.organization, &actor, |draft| {
        draft.delete::<tollgate_domain::Postback>(gone.as_str(), None)
    });
    delete.await.unwrap();
    let log = home.settled(&sending.postbacks, 2, &[Canceled]).await;
    home.change(off, |postback| postback.active = true).await;
    home.clock.advance(90 * MINUTE);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.targets(), ["/off"]);
    assert_eq!(home.log(&sending.postbacks).await, log);
    assert_eq!(sending.postbacks.stats().canceled, 2);
    let retry = |url: &str| {
        let id = log.iter().find(|one| one.url.ends_with(url)).unwrap().id.clone();
        let (postbacks, organization, integration) =
            (sending.postbacks.clone(), home.organization, home.integration);
        async move { postbacks.retry(organization, integration, &id).await }
    };
    assert!(matches!(retry("/gone").await, Err(RetryError::Inactive)));
    assert_eq!(retry("/off").await.unwrap().state, Pending);
    eventually(async || match receiver.targets().len() {
        2 => Ok(()),
        some => Err(format!("{some}")),
    })
    .await;
    sending.stop().await;
}

#[tokio::test]
async fn nothing_is_told_of_what_was_there_before_and_of_imported_lines() {
    let home = Home::new().await;
    let receiver = Receiver::answering(200);
    home.postback("http://partner.example/{tx_id}", |_| {}).await;
    home.store(&mut [home.conversion("before")]);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/{status}/{tx_id}", |postback| {
        postback.on = PostbackTrigger::Rejected;
    })
    .await;
    let mut imported = home.conversion("imported");
    imported.id = TxId::new(imported.at(), 12345);
    let mut events = [imported, home.conversion("live")];
    home.store(&mut events);
    let mut rejection = Amendment::of(&events[0], home.clock.now());
    rejection.record.set_status(Status::Rejected);
    home.amend(rejection);
    home.store(&mut [home.conversion("after it")]);
    home.settled(&sending.postbacks, 2, &[Delivered]).await;
    sending.stop().await;
    // What came in while nobody followed is told afterwards.
    home.store(&mut [home.conversion("while away")]);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.settled(&sending.postbacks, 3, &[Delivered]).await;
    let mut told = receiver.targets();
    told.sort_unstable();
    assert_eq!(told, ["/after%20it", "/live", "/while%20away"]);
    sending.stop().await;
}

#[tokio::test]
async fn a_ledger_from_a_backup_is_followed_from_its_end() {
    let receiver = Receiver::answering(200);
    let home = Home::new().await;
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/{tx_id}", |_| {}).await;
    home.store(&mut [home.conversion("1"), home.conversion("2"), home.conversion("3")]);
    home.settled(&sending.postbacks, 3, &[Delivered]).await;
    sending.stop().await;

    let restored = Home::new().await;
    std::fs::copy(home.file(), restored.file()).unwrap();
    restored.clock.advance(MINUTE);
    restored.postback("http://partner.example/{tx_id}", |_| {}).await;
    // It ends again before it has followed anything.
    restored.open(reaching(&[])).await.close().await;
    let mut events: Vec<_> = (0..5).map(|n| restored.conversion(&format!("new{n}"))).collect();
    restored.store(&mut events);
    let sending = restored.run(reaching(&[("partner.example", &receiver)])).await;
    restored.settled(&sending.postbacks, 8, &[Delivered]).await;
    let mut told = receiver.targets();
    told.sort_unstable();
    assert_eq!(told, ["/1", "/2", "/3", "/new0", "/new1", "/new2", "/new3", "/new4"]);
    sending.stop().await;
}

#[tokio::test]
async fn a_file_of_before_is_taken_over_with_what_waits_in_it() {
    let home = Home::new().await;
    let receiver = Receiver::answering(200);
    let postbacks = home.open(reaching(&[])).await;
    home.postback("http://partner.example/{tx_id}", |_| {}).await;
    home.store(&mut [home.conversion("x")]);
    postbacks.follow().await.unwrap();
    postbacks.close().await;
    let file = SqliteConnectOptions::new().filename(home.file());
    let mut file = SqliteConnection::connect_with(&file).await.unwrap();
    let before = "DROP INDEX deliveries_lanes; \
        CREATE INDEX deliveries_pending ON deliveries (host, due_at, began_at) WHERE state = 0";
    sqlx::raw_sql(before).execute(&mut file).await.unwrap();
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.settled(&sending.postbacks, 1, &[Delivered]).await;
    let indexes: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE name IN ('deliveries_lanes', 'deliveries_pending')",
    )
    .fetch_all(&mut file)
    .await
    .unwrap();
    assert_eq!(indexes, ["deliveries_lanes"]);
    file.close().await.unwrap();
    sending.stop().await;
}

#[tokio::test]
async fn sealed_conversions_are_followed_like_open_ones() {
    let home = Home::new().await;
    let receiver = Receiver::answering(200);
    let postbacks = home.open(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/{tx_id}", |_| {}).await;
    let mut events: Vec<_> = (0..2500).map(|n| home.conversion(&format!("{n}"))).collect();
    for event in events.iter_mut().step_by(2) {
        event.set_status(Status::Rejected);
    }
    for part in events.chunks_mut(500) {
        home.store(part);
    }
    home.ledger.seal(u64::MAX / 2).unwrap();
    home.store(&mut [home.conversion("open")]);
    assert_eq!(postbacks.stats().behind, 2501);
    postbacks.follow().await.unwrap();
    postbacks.follow().await.unwrap();
    assert_eq!(postbacks.stats().behind, 0);
    let mut filter = LogFilter { limit: 1000, ..LogFilter::default() };
    let mut told = Vec::new();
    loop {
        let page = postbacks.log(home.organization, home.integration, &filter).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.before = Some(last.n);
        told.extend(page.into_iter().map(|one| one.url.replace("http://partner.example/", "")));
    }
    let mut expected: Vec<String> = (0..2500).filter(|n| n % 2 == 1).map(|n| n.to_string()).collect();
    expected.push("open".to_owned());
    expected.reverse();
    assert_eq!(told, expected, "each once, in the order of the ledger");
    postbacks.close().await;
}

#[tokio::test]
async fn rejections_are_told_by_reason_and_too_long_ones_fail_visibly() {
    let home = Home::new().await;
    let receiver = Receiver::answering(200);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/{tx_id}?r={reason}", |postback| {
        postback.on = PostbackTrigger::Rejected;
        postback.reasons = vec!["BOT".to_owned()];
    })
    .await;
    let rejected = |external: &str, reasons: &str| {
        let mut event = home.conversion(external);
        event.set_status(Status::Rejected);
        event.set_text(Text::Rejections, reasons);
        event
    };
    let long = "ä".repeat(2000);
    home.store(&mut [
        rejected("1", r#"["BOT","VPN"]"#),
        rejected("2", r#"["VPN"]"#),
        rejected(&long, r#"["BOT"]"#),
        home.conversion("3"),
    ]);
    let log = home.settled(&sending.postbacks, 2, &[Delivered, Failed]).await;
    eventually(async || if receiver.targets() == ["/1?r=BOT"] { Ok(()) } else { Err("not yet".to_owned()) })
        .await;
    let failed = log.iter().find(|one| one.state == Failed).unwrap();
    assert_eq!(failed.attempts[0].error.as_deref(), Some("too_long"));
    let retried = sending.postbacks.retry(home.organization, home.integration, &failed.id).await;
    assert!(matches!(retried, Err(RetryError::Unsendable)));
    let postbacks = sending.postbacks.clone();
    sending.stop().await;
    assert_eq!((postbacks.stats().failed, postbacks.stats().delivered), (1, 1));
}

#[tokio::test]
async fn a_late_rejection_is_told_to_those_who_want_rejections() {
    let home = Home::new().await;
    let receiver = Receiver::answering(200);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/{status}/{tx_id}/{reason}", |_| {}).await;
    home.postback("http://partner.example/{status}/{tx_id}/{reason}", |postback| {
        postback.on = PostbackTrigger::Rejected;
        postback.reasons = vec!["LATE".to_owned(), "LATER".to_owned()];
        postback.offer_ids = vec!["7".to_owned()];
    })
    .await;
    let mut events = [home.conversion("x")];
    home.store(&mut events);
    home.settled(&sending.postbacks, 1, &[Delivered]).await;
    let mut third_party = Amendment::of(&events[0], home.clock.now());
    third_party.record.set_text(Text::ThirdPartyStatus, "pending");
    home.amend(third_party);
    for (n, reason) in ["LATE", "OTHER", "LATER"].into_iter().enumerate() {
        let mut amendment = Amendment::of(&events[0], home.clock.now());
        amendment.record.set_status(Status::Rejected);
        amendment.record.set_text(Text::Rejections, &format!("[\"{reason}\"]"));
        home.amend(amendment);
        if n == 0 {
            home.ledger.seal(u64::MAX / 2).unwrap();
        }
    }
    let log = home.settled(&sending.postbacks, 3, &[Delivered]).await;
    assert!(log.iter().all(|one| one.conversion == events[0].id.to_string()));
    let mut told = receiver.targets();
    told.sort_unstable();
    assert_eq!(told, ["/approved/x/", "/rejected/x/LATE", "/rejected/x/LATER"]);
    sending.stop().await;
}

#[tokio::test]
async fn the_log_is_filtered_paged_and_forgotten_after_thirty_days() {
    const DAY: i64 = 24 * 60 * MINUTE;
    let home = Home::new().await;
    let (good, bad) = (Receiver::answering(200), Receiver::answering(410));
    let sending = home.run(reaching(&[("good.example", &good), ("bad.example", &bad)])).await;
    let first = home.postback("http://good.example/{tx_id}", |_| {}).await;
    home.postback("http://bad.example/{tx_id}", |_| {}).await;
    let mut ids = Vec::new();
    for n in 0..4 {
        let mut event = [home.conversion(&n.to_string())];
        home.store(&mut event);
        ids.push(event[0].id.to_string());
        home.settled(&sending.postbacks, 2 * (n + 1), &[Delivered, Failed]).await;
        home.clock.advance(DAY);
    }
    let at = |days: i64| Some(tollgate_domain::Timestamp::from_millis(crate::home::NOW + days * DAY));
    let count = |filter: LogFilter| {
        let filter = LogFilter { limit: 100, ..filter };
        let home = &home;
        let postbacks = sending.postbacks.clone();
        async move { postbacks.log(home.organization, home.integration, &filter).await.unwrap().len() }
    };
    for (filter, expected) in [
        (LogFilter { postback: Some(first.to_string()), ..LogFilter::default() }, 4),
        (LogFilter { state: Some(Failed), ..LogFilter::default() }, 4),
        (LogFilter { state: Some(Pending), ..LogFilter::default() }, 0),
        (LogFilter { conversion: Some(ids[1].clone()), ..LogFilter::default() }, 2),
        (LogFilter { from: at(1), ..LogFilter::default() }, 6),
        (LogFilter { from: at(1), to: at(3), ..LogFilter::default() }, 4),
        (LogFilter { to: at(0), ..LogFilter::default() }, 0),
        (LogFilter { from: at(9), ..LogFilter::default() }, 0),
        (LogFilter { from: at(2), state: Some(Delivered), ..LogFilter::default() }, 2),
    ] {
        assert_eq!(count(filter.clone()).await, expected, "{filter:?}");
    }
    let stranger = "aaaaaaaaaa".parse().unwrap();
    let all = LogFilter { limit: 100, ..LogFilter::default() };
    assert_eq!(sending.postbacks.log(home.organization, stranger, &all).await.unwrap(), []);
    // The first two days are thirty days ago.
    home.clock.advance(28 * DAY - 1);
    eventually(async || match home.log(&sending.postbacks).await.len() {
        4 => Ok(()),
        some => Err(format!("{some}")),
    })
    .await;
    sending.stop().await;
}
