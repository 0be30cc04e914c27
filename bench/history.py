#!/usr/bin/env python3
"""Measures reports, downloads and look-ups over a long history, beside engines that hold the same clicks.

`tollgate generate` makes the history; its clicks are exported once and loaded into PostgreSQL (two indexes), DuckDB and
ClickHouse's engine (chdb). Then each question is asked of all of them in turn, several rounds, and ratios are taken
within a round. Everything runs on this machine, over the loopback, and is gone afterwards.
"""

import argparse
import csv
import datetime
import json
import os
import pathlib
import random
import subprocess
import tempfile
import threading
import time
import urllib.parse
from contextlib import ExitStack, closing
from statistics import median

import engines
import common
import machine
import report
from chart import chart
from engines import COLUMNS, EXPORTED, Chdb, DuckDb, Postgres, timed
from load import wrk
from servers import BenchError, Nginx, Tollgate, http, settle
from traffic import Traffic

START = datetime.date(2026, 1, 1)
# question -> (floor, goal); a ratio to be reached, or with "at most" one to stay under.
TARGETS = {
    "export, rows/s against chdb": (0.7, 1.25), "export, rows/s against DuckDB": (1.0, 2.0),
    "one key, rows/s against chdb": (0.5, 1.0), "three keys, rows/s against chdb": (0.5, 1.0),
    "page p99 against PostgreSQL": ("at most", 1.0, 0.25), "page 10,000 against page 1": ("at most", 1.5, 1.1),
    "look-up among the newest million against nginx-204": (0.35, 0.6), "look-up of any id against nginx-204": (0.02, 0.1),
    "look-up by external id and day, p99 in ms": ("at most", 50, 10), "bytes per click against MergeTree": ("at most", 1.5, 1.0),
    "start to the first answer, s": ("at most", 5, 0.5), "ingest p99 during an export against without": ("at most", 2.0, 1.2),
    "memory under ingest, counters apart, MiB": ("at most", 1024, 256),
}
INGEST_CONNECTIONS = 64
KEYS = {"one key": ["country"], "three keys": ["date", "advertiser", "country"]}


say = common.speaker("history")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tollgate", type=pathlib.Path, required=True, help="the binary, of the dist profile")
    parser.add_argument("--events", type=int, default=20_000_000, help="events of the history (default 20 million)")
    parser.add_argument("--days", type=int, default=30, help="days it is spread over (default 30)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each question (default 5)")
    parser.add_argument("--seconds", type=int, default=5, help="length of each load run (default 5)")
    parser.add_argument("--work-dir", type=pathlib.Path, default=common.ROOT / "target", help="where everything is kept while it runs")
    parser.add_argument("--save", action="store_true", help="also write bench/results/history.md and docs/history.svg")
    return parser.parse_args()


class History(Tollgate):
    """A Tollgate over a generated history."""

    def __init__(self, folder, binary, events, days):
        super().__init__(folder, binary)
        self.events, self.last = events, START + datetime.timedelta(days=days)

    def generate(self, days):
        data = self.folder / "data"
        made = json.loads(subprocess.run([self.binary, "init", "--data-dir", data, "--json"], check=True, capture_output=True).stdout)
        self.api_key, self.integration = made["api_key"], made["integration_id"]
        command = [self.binary, "generate", "--data-dir", data, "--events", str(self.events), "--days", str(days)]
        return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))[0]

    def start(self):
        begin = time.monotonic()
        # One key asks everything here, so its limit must not be what is measured.
        unlimited = {"TOLLGATE_REQUESTS_PER_SECOND": "1000000", "TOLLGATE_REQUESTS_BURST": "1000000"}
        self.launch(self.binary, "serve", "--data-dir", self.folder / "data", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                    stdout=subprocess.PIPE, env=os.environ | unlimited)
        self.url = self._ready(time.monotonic() + 120)
        status, answer = http("GET", f"{self.url}/g/{self.integration}/click?no_redirect=true&click_ip=192.0.2.1&user_agent=bench")
        if status != 200:
            raise BenchError(f"the first click was answered {status}: {answer[:300]}")
        self.started = time.monotonic() - begin
        self.admin = self._admin()

    def days(self):
        return {"start_date": START.isoformat(), "end_date": self.last.isoformat()}

    def get(self, path, **query):
        return self.call("GET", f"/api/v2{path}?" + urllib.parse.urlencode(query))

    def ask_for_export(self, fields):
        query = urllib.parse.urlencode({**self.days(), "fields": ",".join(fields), "extra_parameters": ""})
        return self.call("GET", f"/api/v2/download-center/{self.integration}/clicks?{query}")

    def export(self, to, fields):
        """Asks for a file of all clicks, waits until it is written and durable, and fetches it."""
        asked = self.ask_for_export(fields)
        while asked["status"] not in ("COMPLETED", "ERROR", "CANCELED"):
            time.sleep(0.05)
            asked = self.call("GET", f"/api/v2/download-center/exports/{asked['id']}")
        if asked["status"] != "COMPLETED":
            raise BenchError(f"the export ended as {asked['status']}: {asked['error']}")
        subprocess.run(["curl", "-sSf", "--max-time", "600", "-o", to, asked["artifact"]["download_link"]], check=True)
        self.call_for_deletion(asked["id"])
        return asked["results_meta"]["total"]

    def call_for_deletion(self, export):
        status, answer = http("DELETE", f"{self.url}/api/v2/download-center/exports/{export}", headers={"API-KEY": self.api_key})
        if status != 200:
            raise BenchError(f"deleting an export was answered {status}: {answer[:300]}")

    def grouped(self, keys):
        rows = self.get("/reports/v2/grouped", integration_id=self.integration, group_by=",".join(keys), **self.days(),
                        **{"page[size]": 100, "filter[kind]": "click"})
        return rows["meta"]["total_count"]

    def wait_sealed(self):
        """Until hardly an event is outside of segments."""
        deadline = time.monotonic() + 180
        while self.metrics().get("unsealed_rows", 0) > 100:
            if time.monotonic() > deadline:
                raise BenchError("the events were not sealed within 3 minutes")
            time.sleep(1)

    def segments(self):
        """(bytes, files) of the clicks' segments, everything that belongs to them included."""
        files = list((self.folder / "data" / "ledger" / "segments").glob("click-*"))
        return sum(file.stat().st_size for file in files), len(files)


class Exporting:
    """Has one file after the other of all clicks written, as long as it lasts."""

    def __init__(self, tollgate):
        self.tollgate, self._stop, self._failed = tollgate, threading.Event(), None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        time.sleep(0.2)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self._failed:
            raise BenchError(f"an export beside clicks failed: {self._failed}")

    def _run(self):
        try:
            while not self._stop.is_set():
                asked = self.tollgate.ask_for_export(EXPORTED)
                while asked["status"] in ("PENDING", "IN_PROGRESS") and not self._stop.is_set():
                    time.sleep(0.1)
                    asked = self.tollgate.call("GET", f"/api/v2/download-center/exports/{asked['id']}")
                if asked["status"] in ("ERROR", "CANCELED"):
                    raise BenchError(f"an export ended as {asked['status']}: {asked['error']}")
                self.tollgate.call_for_deletion(asked["id"])
        except Exception as error:  # Told by whoever waits: what is measured beside no export is not the answer.
            self._failed = error


class Questions:
    """The rounds. Each gives {question: {who: figure}}; what was found is kept in `found`."""

    def __init__(self, args, folder, tollgate, nginx, peers):
        self.args, self.folder, self.tollgate, self.nginx = args, folder, tollgate, nginx
        self.duckdb, self.chdb, self.postgres = peers
        self.found = {}
        self.clicks = self.duckdb.rows()

    def note(self, question, figure):
        self.found.setdefault(question, []).append(figure)
        say(f"{question}: {figure:.3g}")

    def sample(self, csv_file):
        """Rows from all over the history, and from its end: what pages and look-ups are asked with."""
        wanted = ["real_tx_id", "external_transaction_id", "offer_id", "publisher", "request_time"]
        chance, rows = random.Random(1), []
        newest = self.clicks - 1_000_000
        with open(csv_file, newline="") as lines:
            for n, row in enumerate(csv.DictReader(lines)):
                if chance.random() < 20_000 / self.clicks:
                    rows.append((n >= newest, {name: row[name] for name in wanted}))
        self.rows = [row for _, row in rows]
        self.newest = [row for is_new, row in rows if is_new]

    def paths(self, name, rows, make):
        file = self.folder / f"{name}.paths"
        file.write_text("".join(f"{make(row)}\n" for row in rows))
        return file

    def load(self, file, connections):
        run = wrk(self.tollgate, "paths", [file, self.tollgate.api_key], connections, self.args.seconds)
        if run.non2xx:
            raise BenchError(f"{file.name}: {run.non2xx} answers were errors")
        return run

    def page_path(self, row, size=100):
        query = {"integration_id": self.tollgate.integration, **self.tollgate.days(), "page[size]": size, "page[after]": row["real_tx_id"]}
        return "/api/v2/reports/v2/click-table?" + urllib.parse.urlencode(query)

    def look_up(self, row, by="real_tx_id"):
        query = {"integration_id": self.tollgate.integration, "request_date": row["request_time"][:10], "offer": row["offer_id"],
                 "publisher": row["publisher"], "tx_id": row[by]}
        return "/api/v2/reports/v2/click?" + urllib.parse.urlencode(query)

    def exports(self):
        out = self.folder / "out.csv"
        # Each writes one file: here it is the server's, and the client keeps nothing of what it gets.
        seconds = {
            "tollgate": timed(lambda: self.tollgate.export(os.devnull, EXPORTED))[0],
            "chdb": self.chdb.export(out), "duckdb": self.duckdb.export(out),
        }
        out.unlink()
        self.note("export, Tollgate's rows/s", self.clicks / seconds["tollgate"])
        self.note("export, rows/s against chdb", seconds["chdb"] / seconds["tollgate"])
        self.note("export, rows/s against DuckDB", seconds["duckdb"] / seconds["tollgate"])

    def groups(self):
        for name, keys in KEYS.items():
            ours, groups = timed(lambda: self.tollgate.grouped(keys))
            theirs, rows = self.chdb.grouped(keys)
            if abs(groups - len(rows)) > 1:  # The click of the start may be a group of its own.
                raise BenchError(f"{name}: {groups} groups here, {len(rows)} in chdb")
            self.note(f"{name}, Tollgate's rows/s", self.clicks / ours)
            self.note(f"{name}, rows/s against chdb", theirs / ours)

    def pages(self):
        file = self.paths("pages", self.rows, self.page_path)
        ours = self.load(file, 8)
        cursors = [row["real_tx_id"] for row in self.rows[:5000]]
        theirs = self.postgres.pages(cursors, self.tollgate.integration, self.args.seconds)
        self.note("page p99, ms", ours.p99)
        self.note("page p99 against PostgreSQL", ours.p99 / theirs)

    def deep_pages(self):
        """Pages near the newest click against pages a million rows down, one client."""
        depth = min(1_000_000, self.clicks // 2)
        near = [row for row in self.newest[-200:]]
        far = self.rows[-int(20_000 * depth / self.clicks) - 200:][:200]
        p50 = [self.load(self.paths(f"depth-{n}", rows, self.page_path), 1).p50 for n, rows in enumerate((near, far))]
        self.note("page 10,000 against page 1", p50[1] / p50[0])

    def look_ups(self):
        base = wrk(self.nginx, "plain", (), 64, self.args.seconds).rate
        for name, rows in (("among the newest million", self.newest), ("of any id", self.rows)):
            run = self.load(self.paths("look-ups", rows, self.look_up), 64)
            self.note(f"look-up {name}, requests/s", run.rate)
            self.note(f"look-up {name} against nginx-204", run.rate / base)
        external = [row for row in self.rows if row["external_transaction_id"]]
        file = self.paths("external", external, lambda row: self.look_up(row, "external_transaction_id"))
        self.note("look-up by external id and day, p99 in ms", self.load(file, 8).p99)

    def ingest(self):
        """Clicks of today while files of the whole history are written, against clicks alone."""
        def clicks():
            settle([self.tollgate, self.nginx])
            return wrk(self.tollgate, "click", [self.folder, self.tollgate.integration], INGEST_CONNECTIONS, 2 * self.args.seconds)
        alone = clicks()
        with Exporting(self.tollgate):
            during = clicks()
        if alone.non2xx or during.non2xx:
            raise BenchError(f"{alone.non2xx + during.non2xx} clicks were refused")
        self.note("clicks/s without an export", alone.rate)
        self.note("clicks/s during an export", during.rate)
        self.note("ingest p99 during an export against without", during.p99 / alone.p99)
        counters = during.most("counter_bytes")
        if counters is None:
            raise BenchError("the metrics do not say what the counters take")
        self.note("memory under ingest, counters apart, MiB", (during.rss - counters) / 2**20)

    def run(self):
        for at in range(self.args.rounds):
            say(f"round {at + 1}")
            for question in (self.exports, self.groups, self.pages, self.deep_pages, self.look_ups):
                settle([self.tollgate, self.nginx])
                question()
        # Last, since from here on there are newer events than those that are looked up.
        Traffic().write(self.folder)
        for at in range(self.args.rounds):
            self.ingest()


def verdict(question, figure):
    target = TARGETS.get(question)
    if not target:
        return ""
    if target[0] == "at most":
        return ", ".join(f"{name} {bar:g} {'met' if figure <= bar else 'missed'}" for name, bar in zip(("floor", "goal"), target[1:]))
    return report.verdict(figure, *target).replace("bar", "floor")


def table(found):
    rows = [[question, f"{median(figures):.3g}", " ".join(f"{one:.3g}" for one in figures), verdict(question, median(figures))]
            for question, figures in found.items()]
    return report.table(["question", "median", "each round", "targets"], rows)


def load(peers, source, notes):
    for peer in peers:
        seconds = timed(lambda: peer.load(source))[0]
        notes.append(f"- {peer.name}: {peer.rows():,} clicks loaded in {seconds:.0f} s, {peer.bytes() / peer.rows():.0f} bytes each")
        say(notes[-1])


def measure(args, folder):
    notes = machine.describe(folder, args.tollgate)
    notes.append(f"- duckdb {engines.version('duckdb')}, chdb {engines.version('chdb')}, two threads each")
    tollgate = History(folder / "tollgate", args.tollgate, args.events, args.days)
    seconds = tollgate.generate(args.days)
    notes.append(f"- Tollgate: {args.events:,} events generated in {seconds:.0f} s ({args.events / seconds:,.0f}/s)")
    say(notes[-1])
    with ExitStack() as stack:
        stack.enter_context(tollgate)
        source = folder / "clicks.csv"
        clicks = tollgate.export(source, list(COLUMNS))
        peers = [stack.enter_context(closing(peer(folder))) for peer in (DuckDb, Chdb, Postgres)]
        load(peers, source, notes)
        tollgate.wait_sealed()
        size, files = tollgate.segments()
        notes.append(f"- Tollgate: {clicks:,} clicks in {files} files, {size / clicks:.0f} bytes each, all indexes")
        nginx = stack.enter_context(Nginx(folder / "nginx", access_log=False))
        questions = Questions(args, folder, tollgate, nginx, peers)
        questions.sample(source)
        source.unlink()
        questions.note("start to the first answer, s", tollgate.started)
        questions.note("bytes per click against MergeTree", (size / clicks) / (peers[1].bytes() / peers[1].rows()))
        questions.run()
        questions.note("resident memory at the end, MiB", tollgate.rss() / 2**20)
    return notes, questions.found


def main():
    args = arguments()
    args.tollgate = args.tollgate.resolve()
    args.work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="history-", dir=args.work_dir.resolve()) as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user.
        notes, found = measure(args, pathlib.Path(folder))
    text = "\n".join([f"# {args.events:,} events", "", f"{common.stamp()}; {args.rounds} rounds, medians.", "", *notes, "", table(found), ""])
    print(text)
    if args.save:
        (common.HERE / "results" / "history.md").write_text(text)
        (common.ROOT / "docs" / "history.svg").write_text(chart(found, TARGETS, f"Beside other engines, {args.events:,} events"))


if __name__ == "__main__":
    common.run(main, say)
