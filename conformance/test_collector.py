"""The collector in a real browser, on pages of another origin that forbid every script but its file."""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import time
import unittest
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from server import ROOT, Server

BROWSER = os.environ.get("TOLLGATE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
MODULES = os.environ.get("TOLLGATE_NODE_MODULES")
SOURCE = ROOT / "crates/http/src/gateway/collector/collector.js"
SECONDS = 180

PAGES = {
    "/plain": 'data-publisher="p" data-offer="plain" data-sub-id="s"',
    "/consent": 'data-publisher="p" data-offer="consent" data-consent="true"',
    "/links": 'data-publisher="p" data-offer="links" data-event="none"',
}


class Pages(http.server.ThreadingHTTPServer):
    """A publisher's site."""

    def __init__(self, gateway):
        super().__init__(("127.0.0.1", 0), Page)
        self.gateway = gateway
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        gateway = self.server.gateway
        attributes = PAGES.get(urlsplit(self.path).path)
        if attributes is None:
            return self.send_error(404)
        click = f"{gateway}/click?offer=o&amp;sub_id={{macro}}&amp;no_redirect=true"
        body = f"""<!doctype html><title>page</title><link rel="icon" href="data:,">
<script async src="{gateway}/collector.js" {attributes}></script>
<a id="marked" data-tollgate href="{click}#top"><b>go</b></a>
<a id="signed" data-tollgate href="{click}&amp;tg_signature=00">go</a>
<a id="unmarked" href="{click}">go</a>""".encode()
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(gateway))
        policy = f"default-src 'none'; script-src {origin}; connect-src {origin}; img-src data:"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@unittest.skipUnless(BROWSER and shutil.which("node") and MODULES, "Chromium, or playwright-core (npm), is not installed")
class Collector(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        gateway = f"{cls.server.url}/g/{cls.server.made['integration_id']}"
        pages = Pages(gateway)
        cls.addClassCleanup(pages.close)
        folder = Path(cls.server.directory)
        # Modules are looked for beside the script.
        script = Path(shutil.copy(Path(__file__).with_name("collector.mjs"), folder))
        (folder / "node_modules").symlink_to(MODULES)
        origins = [f"http://{host}:{pages.server_port}" for host in ["127.0.0.1", "page.example"]]
        arguments = [BROWSER, folder / "profile", *origins, SOURCE]
        ran = subprocess.run(["node", script, *arguments], capture_output=True, text=True, timeout=SECONDS)
        if ran.returncode != 0:
            raise AssertionError(ran.stdout + ran.stderr)
        cls.origins, cls.told = origins, json.loads(ran.stdout)
        cls.impressions = cls.rows("impression")
        cls.clicks = cls.rows("click")

    @classmethod
    def rows(cls, kind):
        """Every stored event of a kind, oldest first."""
        day = time.strftime("%Y-%m-%d", time.gmtime())
        before = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
        query = f"integration_id={cls.server.made['integration_id']}&start_date={before}&end_date={day}"
        request = urllib.request.Request(f"{cls.server.url}/api/v2/reports/v2/{kind}-table?{query}&page%5Bsize%5D=100")
        request.add_header("API-KEY", cls.server.made["api_key"])
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["data"]["data"][::-1]

    def sent(self, name):
        """The impression of a visit: every visit but those of the links sent one, in this order."""
        order = [name for name, visit in self.told.items() if "status" in visit]
        self.assertEqual(len(self.impressions), len(order))
        return self.impressions[order.index(name)]

    def test_pages_that_forbid_much_have_no_complaint(self):
        for name, visit in self.told.items():
            with self.subTest(name):
                self.assertEqual(visit["complaints"], [])
                self.assertEqual(visit.get("status", 204), 204)

    def test_the_event_arrives_with_the_settings_and_a_fingerprint(self):
        row = self.sent("first")
        self.assertRegex(row["fingerprint"], "^[0-9a-f]{32}$")
        self.assertEqual((row["publisher"], row["offer_id"], row["sub_id"]), ("p", "plain", "s"))
        self.assertEqual(row["site_url"], self.origins[0] + "/plain", "without query and fragment")
        self.assertIn("Chrome", row["user_agent"])
        self.assertEqual(row["extra_parameters"], {})
        self.assertIsNone(row["uuid"])

    def test_one_browser_has_one_fingerprint(self):
        self.assertEqual(self.sent("first")["fingerprint"], self.sent("second")["fingerprint"])
        self.assertEqual(self.sent("first")["fingerprint"], self.sent("consented")["fingerprint"])

    def test_a_page_without_https_has_the_fallback(self):
        self.assertFalse(self.told["insecure"]["secure"])
        first, again = (self.sent(name)["fingerprint"] for name in ["insecure", "insecureAgain"])
        self.assertRegex(first, "^[0-9a-f]{32}$")
        self.assertEqual(first, again)
        self.assertEqual(len(set(re.findall(".{8}", first))), 4, "four sums that differ")
        self.assertNotEqual(first, self.sent("first")["fingerprint"])

    def test_nothing_is_stored_without_consent(self):
        for name in ["first", "second", "insecure", "insecureAgain", "opposed", "asked", "links"]:
            with self.subTest(name):
                visit = self.told[name]
                self.assertEqual((visit["stored"], visit["session"], visit["cookies"]), ([], 0, []))

    def test_who_does_not_want_to_be_tracked_is_not(self):
        for name in ["opposed", "asked"]:
            row = self.sent(name)
            self.assertEqual((row["fingerprint"], row["uuid"]), (None, None), name)

    def test_a_uuid_is_kept_with_consent_and_until_it_is_withdrawn(self):
        [uuid] = self.told["consented"]["stored"]
        self.assertRegex(uuid, "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual(self.told["remembered"]["stored"], [uuid])
        self.assertEqual((self.sent("consented")["uuid"], self.sent("remembered")["uuid"]), (uuid, uuid))
        withdrawn = self.told["withdrawn"]
        self.assertEqual((withdrawn["done"]["during"], withdrawn["stored"]), (1, []))
        without, given, after = (parse_qs(urlsplit(href).query) for href in withdrawn["done"]["hrefs"])
        self.assertEqual((without.get("uuid"), given.get("uuid"), after.get("uuid")), (None, [uuid], None))
        self.assertEqual(without, after)

    def test_without_local_storage_it_is_a_cookie(self):
        [cookie] = self.told["cookie"]["cookies"]
        self.assertEqual((self.sent("cookie")["uuid"], self.told["cookie"]["stored"]), (cookie, []))
        self.assertEqual(self.told["cookie"]["done"], f"tollgate_uuid={cookie}")
        self.assertEqual(self.told["forgotten"]["cookies"], [])

    def test_marked_links_carry_what_a_click_cannot_say(self):
        marked, signed, unmarked = self.told["links"]["done"]
        self.assertIn("sub_id={macro}&no_redirect=true&", marked, "the rest of the link is as it was")
        query = parse_qs(urlsplit(marked).query)
        page = self.origins[0] + "/links"
        self.assertEqual(query["referer"], [page])
        self.assertEqual(query["fingerprint"], [self.sent("first")["fingerprint"]])
        self.assertNotIn("uuid", query)
        self.assertNotIn("fingerprint", signed)
        self.assertNotIn("fingerprint", unmarked)
        row = self.clicks[0]
        self.assertEqual((row["fingerprint"], row["referer"]), (query["fingerprint"][0], page))
        self.assertEqual(len(self.clicks), 3)


if __name__ == "__main__":
    unittest.main()
