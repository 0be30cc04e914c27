//! The deterministic history that is measured: clicks of four integrations over five days, about 20 present columns and
//! 350 bytes a row, sealed in lots of 262,144.

use std::sync::Arc;
use std::time::{Duration, Instant};
use tollgate_domain::{Event, EventKind, IntegrationId, Number, Status, Text, Timestamp, TxId};
use tollgate_ledger::disk::Disk;
use tollgate_ledger::open::OpenRows;
use tollgate_ledger::row;
use tollgate_ledger::segment::{self, FooterCache, Layout, Segment, SegmentMeta};
use tollgate_ledger::view::View;

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

pub(crate) const LOT: u64 = 262_144;
const DAYS: u64 = 5;
pub(crate) const START: i64 = 1_700_006_400_000;

/// A small generator of the SplitMix family: the same numbers everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`, small numbers much more often than great ones.
    fn skewed(&mut self, n: u64) -> u64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        (unit * unit * unit * n as f64) as u64
    }
}

const INTEGRATIONS: [&str; 4] = ["aaaaaaaaaa", "mmmmmmmmmm", "pppppppppp", "zzzzzzzzzz"];

pub(crate) fn integration(number: u64) -> IntegrationId {
    // Literals of the right form.
    INTEGRATIONS[number as usize].parse().unwrap_or_else(|_| unreachable!())
}

pub(crate) fn fill(event: &mut Event, seq: u64, total: u64, random: &mut Random) {
    let owner = [0, 0, 0, 0, 0, 0, 1, 1, 2, 3][(random.next() % 10) as usize];
    event.reset(EventKind::Click, integration(owner));
    let time = START + (seq as i128 * i128::from(DAYS) * 86_400_000 / i128::from(total)) as i64;
    let time = time - random.skewed(4000) as i64;
    event.id = TxId::new(Timestamp::from_millis(time), u128::from(random.next()) << 16);
    event.seq = seq;
    if random.next().is_multiple_of(4) {
        event.key = u128::from(random.next());
        event.write_text(Text::ExternalTransactionId, |out| {
            out.push_str(&format!("{:016x}{:016x}", random.next(), random.next()));
        });
    }
    let mut code = |event: &mut Event, column, prefix: &str, n| {
        let value = random.skewed(n);
        event.write_text(column, |out| out.push_str(&format!("{prefix}{value}")));
        value
    };
    code(event, Text::Advertiser, "adv-", 40);
    code(event, Text::Publisher, "pub-", 300);
    code(event, Text::OfferId, "", 500);
    code(event, Text::SubId, "source_", 5000);
    code(event, Text::Campaign, "campaign-", 200);
    code(event, Text::Country, "C", 60);
    code(event, Text::City, "City of ", 2000);
    code(event, Text::Isp, "Internet Provider ", 800);
    let agent = code(event, Text::DeviceModel, "SM-G", 400);
    event.write_text(Text::UserAgent, |out| {
        out.push_str(&format!("Mozilla/5.0 (Linux; Android 14; SM-G{agent}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36", 100 + agent % 30));
    });
    event.set_text(Text::BrowserName, "Chrome Mobile");
    event.write_text(Text::BrowserVersion, |out| out.push_str(&format!("{}.0.0", 100 + agent % 30)));
    event.set_text(Text::OsName, "Android");
    event.set_text(Text::OsVersion, "14");
    event.set_text(Text::DeviceType, "mobile");
    event.set_text(Text::FilterGroupId, "dddddddddd");
    let bits = random.next();
    event.write_text(Text::Ip, |out| {
        out.push_str(&format!(
            "{}.{}.{}.{}",
            1 + bits % 220,
            bits >> 8 & 255,
            bits >> 16 & 255,
            bits >> 24 & 255
        ));
    });
    if bits >> 60 == 0 {
        event.set_text(Text::Rejections, r#"["DUPLICATE_IP"]"#);
        event.write_text(Text::Evidence, |out| {
            out.push_str(&format!(
                r#"[{{"filter":"duplicate_user","observed":{},"threshold":5}}]"#,
                bits >> 40 & 63
            ))
        });
        event.set_status(Status::Rejected);
    } else {
        event.set_status(Status::Approved);
    }
    event.set_number(Number::RequestTime, time);
    event.set_number(Number::ArrivalTime, time + (bits >> 50) as i64);
    event.set_number(Number::Asn, (bits % 3000) as i64);
    event.set_number(Number::IsBot, i64::from(bits >> 58 == 0));
    event.set_number(Number::Payout, (bits % 50) as i64 * 10_000);
    event.set_number(Number::ConfigVersion, 17);
}

pub(crate) struct History {
    pub(crate) view: View,
    /// Ids of the first integration, newest first.
    pub(crate) ids: Vec<TxId>,
    pub(crate) externals: Vec<(TxId, String)>,
}

pub(crate) fn build(disk: &Arc<dyn Disk>, events: u64, layout: Layout) -> Outcome<History> {
    let cache = FooterCache::new(64 << 20);
    let mut random = Random(7);
    let mut event = Event::new(EventKind::Click, integration(0));
    let (mut segments, mut ids, mut externals) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sealing, mut sealed, mut row_bytes, mut file_bytes) = (Duration::ZERO, 0u64, 0, 0);
    let mut seq = 1;
    while seq <= events {
        let mut open = OpenRows::new();
        let first = seq;
        while seq <= events && seq < first + LOT {
            let mut frame = Vec::new();
            let from = seq;
            while seq <= events && seq < from + 100 {
                fill(&mut event, seq, events, &mut random);
                let start = frame.len();
                frame.extend_from_slice(&[0; 4]);
                row::encode(&event, &mut frame);
                let length = (frame.len() - start - 4) as u32;
                frame[start..start + 4].copy_from_slice(&length.to_le_bytes());
                if event.integration == integration(0) {
                    ids.push(event.id);
                    if let Some(external) = event.text(Text::ExternalTransactionId).filter(|_| seq % 64 == 0)
                    {
                        externals.push((event.id, external.to_owned()));
                    }
                }
                seq += 1;
            }
            open.push(frame.into(), from, seq - 1);
        }
        row_bytes += open.bytes();
        let snapshot = open.snapshot();
        let started = Instant::now();
        for group in snapshot.groups(u64::MAX)? {
            let name = SegmentMeta::file_name(group.kind, group.day, segments.len() as u64);
            let meta = segment::write_as(layout, &**disk, &name, group.kind, group.day, &group.rows)?;
            segment::publish(&**disk, &[&name])?;
            (sealed, file_bytes) = (sealed + meta.rows, file_bytes + meta.bytes);
            segments.push(Arc::new(Segment::open(disk.clone(), meta, cache.clone())));
        }
        sealing += started.elapsed();
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    println!(
        "sealing            {:>9.0} rows/s  ({:.2} us a row), {:.0} bytes a row in the log, {:.0} in {} segments",
        sealed as f64 / sealing.as_secs_f64(),
        sealing.as_secs_f64() * 1e6 / sealed as f64,
        row_bytes as f64 / sealed as f64,
        file_bytes as f64 / sealed as f64,
        segments.len(),
    );
    let view = View::new(segments.into(), OpenRows::new().snapshot(), events);
    Ok(History { view, ids, externals })
}
