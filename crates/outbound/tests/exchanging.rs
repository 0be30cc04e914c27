//! Exchanges with a host that the configuration names, on this machine.
#![allow(missing_docs, clippy::unwrap_used)]

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tollgate_outbound::testing::{options, redirect, server};
use tollgate_outbound::{Answered, Limits, Options, Outbound, OutboundError};

const TIME: Duration = Duration::from_secs(5);

async fn exchange(options: Options, request: Request<Bytes>) -> Result<Response<Answered>, OutboundError> {
    Outbound::new(options).unwrap().exchange(request, TIME).await
}

fn put(address: &str, body: &'static str) -> Request<Bytes> {
    Request::put(format!("http://{address}/a/b?c=d")).header("x-amz-date", "now").body(body.into()).unwrap()
}

#[tokio::test]
async fn method_headers_and_body_go_out_and_the_answer_comes_in_parts() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    let address = server(move |head, stream| {
        seen.lock().unwrap().push(head.to_ascii_lowercase());
        let mut body = [0; 5];
        stream.read_exact(&mut body)?;
        write!(stream, "HTTP/1.1 201 Created\r\netag: \"x\"\r\ncontent-length: 10\r\n\r\n")?;
        stream.write_all(&body)?;
        stream.write_all(&body)
    });
    let host = format!("store.example:{}", address.port());
    let answer = exchange(options(&[("store.example", address)]), put(&host, "hello")).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["etag"]), (201, &"\"x\"".parse().unwrap()));
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hellohello");
    let head = heads.lock().unwrap().pop().unwrap();
    assert!(head.starts_with("put /a/b?c=d http/1.1\r\n"), "{head}");
    for line in ["x-amz-date: now", "content-length: 5", &format!("host: {host}")] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} in {head}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_else_gets_the_request() {
    let elsewhere = server(|_, _| panic!("the request went on"));
    let address = server(move |_, stream| redirect(stream, &format!("http://{elsewhere}/")));
    let answer = exchange(options(&[]), put(&address.to_string(), "")).await.unwrap();
    assert_eq!(answer.status(), 302);
}

#[tokio::test]
async fn an_answer_that_stands_still_or_breaks_off_is_an_error() {
    for goes_on in [true, false] {
        let address = server(move |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")?;
            stream.flush()?;
            if goes_on {
                std::thread::sleep(TIME * 10);
            }
            Ok(())
        });
        let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
        let options = Options { limits, ..options(&[]) };
        let answer = exchange(options, put(&address.to_string(), "")).await.unwrap();
        let error = answer.into_body().collect().await.unwrap_err();
        assert_eq!(error.code(), if goes_on { "too_slow" } else { "not_http" });
    }
}

#[tokio::test]
async fn what_may_not_be_reached_is_not() {
    let address = server(|_, _| panic!("it was reached")).to_string();
    let plain = Options { plain_http: false, ..options(&[]) };
    let refused = exchange(plain, put(&address, "")).await.unwrap_err();
    assert_eq!(refused.code(), "scheme_not_allowed");
    let outside = Options { allow: Vec::new(), ..options(&[]) };
    assert_eq!(exchange(outside, put(&address, "")).await.unwrap_err().code(), "address_not_allowed");
}
