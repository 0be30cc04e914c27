//! Work that takes its time, asked for by a request or by the clock. What it finds is written to the catalog; it never
//! speaks to callers itself.

pub mod app_ads_txt;
