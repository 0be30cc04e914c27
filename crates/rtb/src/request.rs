//! The bid request: what the row says of the click, in OpenRTB's words. Where an integration keeps only a part of addresses,
//! no id of the user goes out either.

use serde_json::{Map, Value, json};
use std::net::IpAddr;
use tollgate_domain::{Country, Event, Integration, IpPrivacy, Text};

/// The id of the one impression of every request.
pub(crate) const IMP: &str = "1";
/// The one currency that bids are taken in.
pub(crate) const CURRENCY: &str = "USD";
/// The advertising id of a user who does not want to be tracked.
const NO_IFA: &str = "00000000-0000-0000-0000-000000000000";

/// The body of the request `id`, to be answered within `tmax` milliseconds.
pub(crate) fn body(id: &str, tmax: u32, integration: &Integration, event: &Event) -> Vec<u8> {
    let mut request = json!({
        "id": id,
        "at": 1,
        "tmax": tmax,
        "cur": [CURRENCY],
        // The user is in the middle of a click: what is sold is where his browser goes, full screen. From any page it may
        // go to an address without TLS, so `secure` is 0.
        "imp": [{"id": IMP, "instl": 1, "secure": 0, "banner": {"w": 1, "h": 1, "mimes": ["text/html"]}}],
        "device": device(integration, event),
        "ext": {"tollgate": {"type": "redirect"}},
    });
    let (place, described) = place(integration, event);
    request[place] = described;
    if let Some(user) = user_id(integration, event) {
        request["user"] = json!({ "id": user });
    }
    request.to_string().into_bytes()
}

/// The app or the site that the click came from, and which of both it is.
fn place(integration: &Integration, event: &Event) -> (&'static str, Value) {
    let mut place = Object::default();
    let publisher = event.text(Text::Publisher).map(|id| json!({ "id": id }));
    let is_app = event.text(Text::BundleId).or(event.text(Text::AppId)).is_some();
    place.text("id", event.text(Text::AppId).or(Some(integration.id.as_str())));
    if is_app {
        place.text("bundle", event.text(Text::BundleId));
    } else {
        place.text("page", event.text(Text::SiteUrl));
        place.text("ref", event.text(Text::Referer));
        place.text("search", event.text(Text::Keyword));
    }
    place.value("publisher", publisher);
    (if is_app { "app" } else { "site" }, place.into())
}

fn device(integration: &Integration, event: &Event) -> Value {
    let mut device = Object::default();
    device.text("ua", event.text(Text::UserAgent));
    match event.text(Text::Ip).and_then(|ip| ip.parse().ok()) {
        Some(IpAddr::V4(_)) => device.text("ip", event.text(Text::Ip)),
        Some(IpAddr::V6(_)) => device.text("ipv6", event.text(Text::Ip)),
        None => {}
    }
    let country = event.text(Text::Country).and_then(|code| code.parse::<Country>().ok());
    let mut geo = Object::default();
    geo.text("country", country.map(|country| country.alpha_3()));
    geo.text("city", event.text(Text::City));
    device.value("geo", (!geo.0.is_empty()).then(|| geo.into()));
    device.text("os", event.text(Text::OsName));
    device.text("osv", event.text(Text::OsVersion));
    device.text("model", event.text(Text::DeviceModel));
    device.value("devicetype", event.text(Text::DeviceType).and_then(device_type).map(Value::from));
    device.text("language", event.text(Text::BrowserLanguages).and_then(language));
    device.text("carrier", event.text(Text::Isp));
    let ifa = event.text(Text::DeviceId);
    let limited = ifa.is_some_and(|ifa| ifa == NO_IFA) || integration.ip_privacy == IpPrivacy::Truncated;
    device.text("ifa", ifa.filter(|_| !limited));
    device.value("lmt", (limited || ifa.is_some()).then(|| u8::from(limited).into()));
    device.into()
}

fn user_id<'a>(integration: &Integration, event: &'a Event) -> Option<&'a str> {
    event.text(Text::Uuid).filter(|_| integration.ip_privacy == IpPrivacy::Full)
}

/// The number in AdCOM's list of device types.
fn device_type(name: &str) -> Option<u8> {
    match name {
        "mobile" => Some(4),
        "tablet" => Some(5),
        "desktop" => Some(2),
        "tv" => Some(3),
        _ => None,
    }
}

/// The most preferred language: two letters.
fn language(accepted: &str) -> Option<&str> {
    let first = accepted.split([',', ';', '-', '_']).next()?.trim();
    (first.len() == 2 && first.bytes().all(|b| b.is_ascii_alphabetic())).then_some(first)
}

/// An object without what is not known.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn text(&mut self, name: &str, value: Option<&str>) {
        self.value(name, value.filter(|value| !value.is_empty()).map(Value::from));
    }

    fn value(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}
