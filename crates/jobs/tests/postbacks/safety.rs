//! Where postbacks must not go: refused when they are saved, when their name is looked up, and when they are redirected.

use crate::home::{Home, Receiver, eventually, reaching, resolving};
use tollgate_domain::Text;
use tollgate_jobs::postbacks::DeliveryState::{Delivered, Pending};
use tollgate_outbound::Options;
use tollgate_outbound::testing::redirect;

#[tokio::test]
async fn a_url_tells_by_itself_where_it_must_not_lead() {
    let home = Home::new().await;
    let postbacks = home.open(Options { plain_http: true, ..Options::default() }).await;
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://localhost:8080/",
        "http://LOCALHOST/",
        "http://a.localhost/",
        "http://10.0.0.7/p?x={tx_id}",
        "http://169.254.169.254/latest/meta-data",
        "http://192.168.1.1#{tx_id}",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[fd00:ec2::254]/",
        "http://0/",
    ] {
        let wrong = postbacks.check_url(url).unwrap_err();
        assert!(wrong.starts_with("leads to an address that is not connected to"), "{url}: {wrong}");
    }
    for url in [
        "",
        "ftp://partner.example/",
        "//partner.example/",
        "http://{host}/",
        "http://[host].example/",
        "http://${host}/",
        "http://partner.example:{port}/",
        "http://user:secret@partner.example/",
        "http://partner.example\\@10.0.0.1/",
        "http://a b/",
    ] {
        assert!(postbacks.check_url(url).is_err(), "{url}");
    }
    for url in ["https://partner.example/{tx_id}", "http://partner.example:8080", "https://8.8.8.8/"] {
        assert_eq!(postbacks.check_url(url), Ok(()), "{url}");
    }
    postbacks.close().await;
    let postbacks =
        home.open(Options { allow: vec!["10.0.0.0/8".parse().unwrap()], ..Options::default() }).await;
    assert_eq!(postbacks.check_url("https://10.0.0.7/"), Ok(()), "the operator allows it");
    assert!(postbacks.check_url("https://127.0.0.1/").is_err());
    let plain = postbacks.check_url("http://partner.example/").unwrap_err();
    assert!(plain.contains("outbound_plain_http"), "{plain}");
    postbacks.close().await;
}

/// What the first attempt of the only delivery came to.
async fn refused(home: &Home, outbound: Options, url: &str) -> Option<String> {
    let sending = home.run(outbound).await;
    home.postback(url, |_| {}).await;
    home.store(&mut [home.conversion("x")]);
    let one = eventually(async || {
        let mut log = home.log(&sending.postbacks).await;
        let tried = log.first().is_some_and(|one| !one.attempts.is_empty());
        if tried { Ok(log.remove(0)) } else { Err(format!("{log:?}")) }
    });
    let mut one = one.await;
    assert_eq!((one.state, one.attempts.len()), (Pending, 1));
    sending.stop().await;
    one.attempts.remove(0).error
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused() {
    let inside = Receiver::answering(200);
    let outbound = resolving(&[("inside.example", &inside.address.to_string())]);
    let error = refused(&Home::new().await, outbound, "http://inside.example/").await;
    assert_eq!(error.as_deref(), Some("address_not_allowed"));
    assert_eq!(inside.targets(), [""; 0]);
}

#[tokio::test]
async fn a_redirect_that_leads_inside_is_refused() {
    let front = Receiver::new(|_, stream| redirect(stream, "http://169.254.169.254/latest/meta-data"));
    let error =
        refused(&Home::new().await, reaching(&[("front.example", &front)]), "http://front.example/").await;
    assert_eq!(error.as_deref(), Some("address_not_allowed"));
    assert_eq!(front.targets(), ["/"]);
}

#[tokio::test]
async fn a_value_reaches_no_host_and_no_other_parameter() {
    let home = Home::new().await;
    let receiver = Receiver::answering(200);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    home.postback("http://partner.example/p?s={sub_id}&end=1", |_| {}).await;
    let mut event = home.conversion("x");
    event.set_text(Text::SubId, "@evil.example/?a=b&end=2#\r\nhost: evil");
    home.store(&mut [event]);
    home.settled(&sending.postbacks, 1, &[Delivered]).await;
    let expected = "/p?s=%40evil.example%2F%3Fa%3Db%26end%3D2%23%0D%0Ahost%3A%20evil&end=1";
    assert_eq!(receiver.targets(), [expected]);
    sending.stop().await;
}

#[tokio::test]
async fn a_sample_is_sent_at_once_and_leaves_no_trace() {
    let home = Home::new().await;
    let receiver = Receiver::answering(418);
    let sending = home.run(reaching(&[("partner.example", &receiver)])).await;
    let id = home.postback("http://partner.example/?o={offer}&c={click_id}&p={payout}", |postback| {
        postback.active = false;
        postback.delay_seconds = 60;
        postback.offer_ids = vec!["42".to_owned()];
    });
    let id = id.await;
    let snapshot = home.catalog.snapshot();
    let postback = snapshot.organization(home.organization).unwrap();
    let postback = postback.get::<tollgate_domain::Postback>(id.as_str()).unwrap().clone();
    let sample = sending.postbacks.send_sample(&postback).await.unwrap();
    assert_eq!((sample.attempt.status, sample.attempt.is_success()), (Some(418), false));
    assert!(sample.url.starts_with("http://partner.example/?o=42&c=0") && sample.url.ends_with("&p=1.5"));
    assert_eq!(receiver.targets().len(), 1);
    assert_eq!(home.log(&sending.postbacks).await, []);
    sending.stop().await;
}
