/*
 * Tollgate's collector: counts one impression of the page and completes the links that lead to the gateway.
 * docs/COLLECTOR.md says how to use it. ES2017, no dependency, no eval. Without consent nothing is stored on the device.
 */
(() => {
  "use strict";

  const script = document.currentScript;
  // A module has no element of its own to read settings from.
  if (!script) return;

  const gateway = new URL(".", script.src);
  // Queries and fragments may hold what is nobody's business.
  const page = location.href.split(/[?#]/)[0].slice(0, 2000);
  // Another collector on this page: it has the links already.
  const before = window.tollgate && window.tollgate.consent;
  const settings = ["data-event", "data-consent"];
  const key = "tollgate_uuid";
  const opposed =
    navigator.globalPrivacyControl === true || navigator.doNotTrack === "1" || window.doNotTrack === "1";

  // The fingerprint: a hash of what the browser says of its device. The parts themselves never leave it.

  function renderer() {
    try {
      const gl = document.createElement("canvas").getContext("webgl");
      const info = gl.getExtension("WEBGL_debug_renderer_info");
      const name = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
      const context = gl.getExtension("WEBGL_lose_context");
      if (context) context.loseContext();
      return name;
    } catch (none) {
      return "";
    }
  }

  function inputs() {
    // A turned screen is the same screen.
    const sides = [screen.width, screen.height].sort((a, b) => a - b);
    return [
      sides.join("x"),
      window.devicePixelRatio,
      screen.colorDepth,
      Intl.DateTimeFormat().resolvedOptions().timeZone,
      (navigator.languages || [navigator.language]).join(","),
      navigator.platform,
      navigator.hardwareConcurrency,
      navigator.maxTouchPoints,
      renderer(),
    ].join("\n");
  }

  function hex(bytes) {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // Pages without HTTPS have no crypto.subtle. Four FNV-1a sums, each begun with its number, tell devices apart too.
  function sum(number, bytes) {
    let state = Math.imul(0x811c9dc5 ^ number, 0x01000193);
    for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193);
    return (state >>> 0).toString(16).padStart(8, "0");
  }

  async function hash(text) {
    const bytes = new TextEncoder().encode(text);
    if (!window.crypto || !crypto.subtle) return [0, 1, 2, 3].map((number) => sum(number, bytes)).join("");
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    return hex(new Uint8Array(digest, 0, 16));
  }

  // The page comes first: the device is asked once the browser has nothing better to do.
  function idle() {
    return new Promise((done) => {
      if (window.requestIdleCallback) requestIdleCallback(done, { timeout: 200 });
      else setTimeout(done, 0);
    });
  }

  let fingerprint = "";
  const measured = opposed
    ? Promise.resolve()
    : idle()
        .then(() => hash(inputs()))
        .then((found) => (fingerprint = found))
        .catch(() => {});

  // The uuid: the only thing that is ever stored, and only with consent. localStorage, or a cookie where there is none.

  function stored() {
    let found = null;
    try {
      found = localStorage.getItem(key);
    } catch (none) {
      found = null;
    }
    if (!found) found = (document.cookie.match(/(?:^|; )tollgate_uuid=([^;]*)/) || [])[1];
    return /^[0-9a-f-]{36}$/.test(found || "") ? found : null;
  }

  function cookie(value, age) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${key}=${value}; Max-Age=${age}; Path=/; SameSite=Lax${secure}`;
  }

  function store(value) {
    try {
      localStorage.setItem(key, value);
    } catch (none) {
      cookie(value, 31536000);
    }
    return value;
  }

  function forget() {
    try {
      localStorage.removeItem(key);
    } catch (none) {
      // Then it is a cookie, or nothing.
    }
    if (document.cookie.includes(key)) cookie("", 0);
  }

  function fresh() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  let uuid = null;
  function consent(given) {
    if (before) before(given);
    uuid = null;
    try {
      if (given === true && !opposed) uuid = stored() || store(fresh());
      else forget();
    } catch (none) {
      // A page in a sandbox can store nothing.
    }
  }
  window.tollgate = { consent };
  if (script.getAttribute("data-consent") === "true") consent(true);

  // The impression: the attributes of the script are its parameters.

  function visible() {
    if (!document.prerendering) return Promise.resolve();
    return new Promise((done) => document.addEventListener("prerenderingchange", done, { once: true }));
  }

  async function impression() {
    await visible();
    await measured;
    const parameters = new URLSearchParams();
    for (const attribute of Array.from(script.attributes)) {
      const name = attribute.name;
      if (name.startsWith("data-") && !settings.includes(name)) {
        parameters.set(name.slice(5).replace(/-/g, "_"), attribute.value);
      }
    }
    if (fingerprint) parameters.set("fingerprint", fingerprint);
    if (uuid) parameters.set("uuid", uuid);
    parameters.set("site_url", page);
    parameters.set("no_redirect", "true");
    const address = new URL("impression", gateway).href;
    if (window.Request && "keepalive" in Request.prototype) {
      const request = { method: "POST", body: parameters, mode: "no-cors", credentials: "omit", keepalive: true };
      fetch(address, request).catch(() => {});
    } else {
      navigator.sendBeacon(address, parameters);
    }
  }
  if (script.getAttribute("data-event") !== "none") impression();

  // The links: what the click cannot say by itself is added when it happens, and never twice.

  const completed = new WeakMap();
  function complete(event) {
    const link = event.target instanceof Element && event.target.closest("a[data-tollgate]");
    if (!link || !/^https?:$/.test(link.protocol)) return;
    const last = completed.get(link);
    const plain = last && last.now === link.href ? last.plain : link.href;
    const url = new URL(plain);
    // A signature covers every parameter: one more would break it.
    if (url.searchParams.has("tg_signature")) return;
    const added = new URLSearchParams();
    for (const [name, value] of [["fingerprint", fingerprint], ["uuid", uuid], ["referer", page]]) {
      if (value && !url.searchParams.has(name)) added.set(name, value);
    }
    // Appended, so that the rest of the link stays as it was written.
    if (String(added)) url.search += (url.search ? "&" : "?") + added;
    link.href = url.href;
    completed.set(link, { plain, now: link.href });
  }
  if (!before) {
    for (const kind of ["click", "auxclick"]) document.addEventListener(kind, complete, true);
  }
})();
