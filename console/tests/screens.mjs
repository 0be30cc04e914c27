// Every screen: where it is, and by what one sees that it is there.

const at = (path) => async () => path;
const row = (page) => page.locator("[data-row]").first().waitFor();
const text = (words) => (page) => page.getByText(words).first().waitFor();

/** The newest click that was objected to. */
export async function objected(server, reason = "DATA_CENTER") {
  const days = [-4, 0].map((day) => new Date(Date.now() + day * 86_400_000).toISOString().slice(0, 10));
  const query = `integration_id=${server.integration}&start_date=${days[0]}&end_date=${days[1]}&page[size]=1&filter[rejection]=${reason}`;
  const response = await fetch(`${server.origin}/api/v2/reports/v2/click-table?${query}`, { headers: { "API-KEY": server.key } });
  return (await response.json()).data.data[0].real_tx_id;
}

/** Ids from the API, for screens of one object. */
async function first(server, path, pick) {
  const response = await fetch(`${server.origin}${path}`, { headers: { "API-KEY": server.key } });
  return pick(await response.json());
}

const appOf = (server) => first(server, "/tollgate/v1/audit-log?kind=app&limit=1", (all) => all.items[0].id);

export const SCREENS = [
  { name: "overview", path: at("overview"), ready: text("pub-torrent") },
  { name: "explorer", path: at("explorer?g=publisher&g=rejection"), ready: row },
  { name: "explorer-events", path: at("explorer?f=rejection:eq:BOT"), ready: row },
  { name: "event", path: async (server) => `events/${await objected(server)}`, ready: text("Timeline") },
  { name: "filter-groups", path: at("filter-groups"), ready: text("Server traffic") },
  { name: "filter-group", path: async (server) => `filter-groups/${await first(server, `/api/v2/integrations/${server.integration}/filter-groups`, (all) => all.data.find((one) => one.name === "Server traffic").id)}`, ready: text("Filters, in order") },
  { name: "live", path: at("live"), ready: row },
  { name: "apps", path: at("apps"), ready: row },
  { name: "app", path: async (server) => `apps/${await appOf(server)}`, ready: text("Blocked advertisers") },
  { name: "prices", path: at("prices"), ready: text("Everywhere else") },
  { name: "block-lists", path: at("block-lists/new"), ready: text("Automotive") },
  { name: "downloads", path: at("downloads"), ready: text("No files yet") },
  { name: "history", path: at("history"), ready: row },
  { name: "settings", path: at("settings"), ready: row },
  { name: "settings-users", path: at("settings?part=users"), ready: text("(you)") },
  { name: "campaign", path: at("campaigns/new"), ready: text("App that it promotes") },
  { name: "settings-postbacks", path: at("settings?part=postbacks&postback=new"), ready: text("Tells of conversions that are") },
  { name: "settings-health", path: at("settings?part=health"), ready: text("Last complaints") },
  { name: "settings-password", path: at("settings?part=you"), ready: text("Present password") },
  { name: "settings-data", path: at("settings?part=data"), ready: text("builtin") },
];
