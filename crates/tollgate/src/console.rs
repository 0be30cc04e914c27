//! The console's pages, as `npm run build` in `console/` left them: within the binary with the feature `console`, and
//! nowhere without it, so that a build needs no Node. A binary of the dev profile reads them from there when it starts, so
//! that pages can be worked on without building it anew.

use tollgate_http::console::Console;

/// Whether this binary has the pages.
pub(crate) const IS_BUILT_IN: bool = cfg!(feature = "console");

/// The files of this binary.
#[cfg(feature = "console")]
pub(crate) fn files() -> Console {
    use bytes::Bytes;
    use rust_embed::RustEmbed;
    use std::borrow::Cow;

    #[derive(RustEmbed)]
    #[folder = "../../console/dist/"]
    struct Built;

    let content = |data| match data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let file = |name: Cow<'static, str>| Some((name.to_string(), content(Built::get(&name)?.data)));
    Console::new(Built::iter().filter_map(file))
}

/// The files of this binary: none.
#[cfg(not(feature = "console"))]
pub(crate) fn files() -> Console {
    Console::default()
}
