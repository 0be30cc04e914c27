//! Serving: start in order, wait for a signal, stop in order. A second signal forces.

use crate::clock::{SystemClock, SystemEntropy};
use crate::compose::{House, OpenHouse, WATCH_EVERY};
use crate::config::{Config, TlsConfig};
use crate::console;
use crate::control::Socket;
use crate::data_dir;
use crate::exporting::{self, Exporting};
use crate::failure::Failure;
use crate::logging;
use crate::metrics::{self, Shown};
use crate::reporting::{self, Reporting};
use crate::sending::{self, Sending};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tollgate_http::admin::{self, Admin};
use tollgate_http::gateway::GatewayOptions;
use tollgate_http::native::health::Process;
use tollgate_http::native::imports::Imports;
use tollgate_http::native::live::Streams;
use tollgate_http::server::{RunningServer, Server, ServerOptions, Tls};
use tollgate_http::{ApiState, Limits, router};
use tollgate_jobs::app_ads_txt::AppAdsTxt;
use tollgate_jobs::privacy::Privacy;
use tollgate_jobs::retention::Retention;
use tollgate_outbound::{self as outbound, Outbound};
use tollgate_rtb::{Auctions, Bidders};

/// Exit code of a shutdown that was forced, as shells count SIGINT.
const FORCED: i32 = 130;
/// Signals that come as close together are one: shells and `timeout` send theirs to a process and to its group.
const SAME_SIGNAL: Duration = Duration::from_millis(300);

/// Serves until a signal. `ready` is called with the public address after the ready line was printed.
pub(crate) fn serve(
    config: &Config,
    house: House,
    ready: impl FnOnce(SocketAddr) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // Addresses are taken first: what cannot be had is known before anything runs.
    let admin = TcpListener::bind(config.admin_listen)
        .map_err(Failure::because(format!("admin_listen {} cannot be used", config.admin_listen)))?;
    let tls = open_tls(config)?;
    let outbound = outbound(config)?;
    let auctions = Arc::new(Auctions::new(outbound.clone(), Arc::new(SystemEntropy)));
    let app_ads_txt = Arc::new(AppAdsTxt::new(house.catalog.clone(), outbound));
    let postbacks = sending::open(config, &house)?;
    let exports = exporting::open(config, &house)?;
    let analytics = reporting::open(config, &house)?;
    let shown = Shown { tls, app_ads_txt, postbacks, exports, analytics, auctions };
    let live = Arc::new(Streams::default());
    let server = bind(config, &house, &shown, live.clone())?;
    let (public, admin_address) = (server.local_addr(), admin.local_addr().map_err(Failure::new)?);
    let secure = server.secure_addr();
    let signals = Signals::new(&house)?;
    let open = house.start(config)?;
    let is_ready = Arc::new(AtomicBool::new(false));
    let certificates = shown.tls.as_ref().map(|tls| tls.watch(WATCH_EVERY)).transpose();
    let certificates = certificates.map_err(Failure::because("the certificate watcher cannot start"))?;
    let daily = config.app_ads_txt_every.map(|every| {
        let checks = shown.app_ads_txt.clone();
        open.house.runtime.spawn(checks.run(every))
    });
    let (catalog, ledger) = (open.house.catalog.clone(), open.house.intake.ledger().clone());
    let retention = Arc::new(Retention::new(catalog, ledger));
    let retention = open.house.runtime.spawn(retention.run());
    let working = Working {
        sending: Sending::start(&open.house.runtime, shown.postbacks.clone(), config.shutdown_grace),
        exporting: Exporting::start(&open.house.runtime, shown.exports.clone()),
        reporting: Reporting::start(&open.house.runtime, shown.analytics.clone()),
        live,
    };
    start_admin(&open, admin, shown, is_ready.clone())?;
    let socket = Socket::open(config, &open.house);
    let running = server.start().map_err(Failure::because("the server cannot start"))?;
    is_ready.store(true, Ordering::Release);
    eprintln!("admin listening on http://{admin_address}");
    if let Some(secure) = secure {
        eprintln!("listening on https://{secure}");
    }
    // A closed standard output is no reason to stop.
    let _ = writeln!(std::io::stdout(), "listening on http://{public}");
    let _ = std::io::stdout().flush();
    ready(public)?;
    signals.wait(&open);
    is_ready.store(false, Ordering::Release);
    drop((certificates, socket));
    if let Some(daily) = daily {
        daily.abort();
    }
    retention.abort();
    stop(config, open, running, working);
    Ok(())
}

/// The certificate of HTTPS, when there is to be any.
fn open_tls(config: &Config) -> Result<Option<Arc<Tls>>, Failure> {
    let open = |tls: &TlsConfig| Tls::open(tls.files.clone(), Arc::new(SystemClock)).map_err(Failure::new);
    config.tls.as_ref().map(open).transpose()
}

/// How everything reaches out.
pub(crate) fn outbound_options(config: &Config) -> Result<outbound::Options, Failure> {
    let mut options = outbound::Options {
        allow: config.outbound_allow.clone(),
        plain_http: config.outbound_plain_http,
        ..outbound::Options::default()
    };
    if let Some(path) = &config.outbound_authorities {
        let read = outbound::authorities(path);
        let wrong = |error| Failure::misuse(format!("outbound_authorities {}: {error}", path.display()));
        options.authorities = read.map_err(wrong)?;
    }
    Ok(options)
}

/// The client that everything but postbacks reaches out with.
pub(crate) fn outbound(config: &Config) -> Result<Outbound, Failure> {
    Outbound::new(outbound_options(config)?).map_err(Failure::because("outbound_authorities"))
}

fn bind(config: &Config, house: &House, shown: &Shown, live: Arc<Streams>) -> Result<Server, Failure> {
    let Shown { tls, app_ads_txt, postbacks, exports, analytics, auctions } = shown.clone();
    let gateway = GatewayOptions {
        domain: config.gateway_domain.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        auctions: Some(auctions),
    };
    let options = ServerOptions { listen: config.listen, cores: config.cores, gateway };
    let limits = Limits::new(config.requests_per_second, config.requests_burst);
    let limits = Arc::new(limits.with_group_rows(config.report_rows));
    let (catalog, ledger) = (house.catalog.clone(), house.intake.ledger().clone());
    let imports = Imports { intake: house.intake.clone(), folder: data_dir::imports(house.root()) };
    let bidders = Bidders::from(&outbound_options(config)?);
    let folder = data_dir::privacy(house.root());
    let what = (ledger.clone(), exports.clone());
    let privacy = Privacy::open(&folder, catalog.clone(), what, Arc::new(SystemEntropy))
        .map_err(Failure::because(format!("{} cannot be made", folder.display())))?;
    let state = ApiState {
        catalog,
        ledger,
        limits,
        app_ads_txt,
        postbacks,
        analytics,
        exports,
        privacy: Arc::new(privacy),
        public_url: config.public_url.as_deref().map(Arc::from),
        bidders,
        imports,
        process: Arc::new(Process { started_at: house.intake.now(), problems: logging::problems() }),
        live,
        console: console::files(),
    };
    let server = Server::bind(options, house.intake.clone(), router(state))
        .map_err(Failure::because(format!("listen {} cannot be used", config.listen)))?;
    match config.tls.as_ref().zip(tls) {
        None => Ok(server),
        Some((settings, tls)) => server
            .bind_secure(settings.listen, tls)
            .map_err(Failure::because(format!("tls_listen {} cannot be used", settings.listen))),
    }
}

fn start_admin(
    open: &OpenHouse,
    listener: TcpListener,
    shown: Shown,
    is_ready: Arc<AtomicBool>,
) -> Result<(), Failure> {
    let intake = open.house.intake.clone();
    let started = intake.now();
    let admin = Admin {
        metrics: Arc::new(move || metrics::render(&intake, &shown, started)),
        ready: Arc::new(move || is_ready.load(Ordering::Acquire)),
    };
    let _inside = open.house.runtime.enter();
    let serving =
        admin::serve(listener, admin).map_err(Failure::because("the admin listener cannot start"))?;
    open.house.runtime.spawn(serving);
    Ok(())
}

/// What works in the background while the server answers.
struct Working {
    sending: Sending,
    exporting: Exporting,
    reporting: Reporting,
    live: Arc<Streams>,
}

fn stop(config: &Config, open: OpenHouse, running: RunningServer, working: Working) {
    tracing::info!(grace = ?config.shutdown_grace, "stopping: no new connections, requests may finish");
    let Working { sending, mut exporting, reporting, live } = working;
    live.close();
    reporting.stop(&open.house.runtime);
    exporting.stop(&open.house.runtime);
    running.stop(config.shutdown_grace);
    exporting.close(&open.house.runtime);
    sending.stop(&open.house.runtime);
    open.close();
    tracing::info!("stopped; everything that was acknowledged is on the disk");
}

/// The signals that end a server.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new(house: &House) -> Result<Self, Failure> {
        let _inside = house.runtime.enter();
        Self::listen().map_err(Failure::because("signals cannot be received"))
    }

    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for the first signal; from then on the second ends the process.
    fn wait(mut self, open: &OpenHouse) {
        open.house.runtime.block_on(self.next());
        open.house.runtime.spawn(async move {
            tokio::time::sleep(SAME_SIGNAL).await;
            let Ok(mut again) = Self::listen() else { return };
            again.next().await;
            tracing::warn!("second signal: the process ends now; the next start reads the log");
            force();
        });
    }
}

#[allow(clippy::disallowed_methods, reason = "the operator forces an end while the ordered one is under way")]
fn force() -> ! {
    std::process::exit(FORCED)
}
