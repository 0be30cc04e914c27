//! The operator's listener: metrics and health, apart from the public address. It knows nothing of what it shows.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

/// What the listener shows.
#[derive(Clone)]
pub struct Admin {
    /// The metrics of this moment, in Prometheus' text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether requests are taken: false while starting and stopping.
    pub ready: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// Serves `/metrics`, `/healthz` and `/readyz`. Call it, and run what it returns, within a tokio runtime.
pub fn serve(listener: TcpListener, admin: Admin) -> io::Result<impl Future<Output = ()> + Send> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = router(admin);
    Ok(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the admin listener ended");
        }
    })
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(admin)
}

async fn metrics(State(admin): State<Admin>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (admin.metrics)()).into_response()
}

async fn ready(State(admin): State<Admin>) -> Response {
    if (admin.ready)() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tower::ServiceExt;

    #[tokio::test]
    async fn metrics_and_health_are_shown() {
        let is_ready = Arc::new(AtomicBool::new(false));
        let seen = is_ready.clone();
        let admin = Admin {
            metrics: Arc::new(|| "up 1\n".to_owned()),
            ready: Arc::new(move || seen.load(Ordering::Relaxed)),
        };
        let ask = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            router(admin.clone()).oneshot(request).await.unwrap()
        };
        assert_eq!(ask("/readyz").await.status(), StatusCode::SERVICE_UNAVAILABLE);
        is_ready.store(true, Ordering::Relaxed);
        assert_eq!(ask("/readyz").await.status(), StatusCode::OK);
        assert_eq!(ask("/healthz").await.status(), StatusCode::OK);
        let metrics = ask("/metrics").await;
        assert!(metrics.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"));
        assert_eq!(axum::body::to_bytes(metrics.into_body(), 99).await.unwrap(), "up 1\n");
        assert_eq!(ask("/").await.status(), StatusCode::NOT_FOUND);
    }
}
