#!/usr/bin/env python3
"""Measures reports with amounts of money over a long history: a year by default.

`tollgate generate` makes the history, then the reports are asked for over HTTP, one client, several rounds. Everything runs on
this machine, over the loopback, and is gone afterwards. Only Python's own library is needed.
"""

import argparse
import collections
import datetime
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import time
import urllib.parse
from statistics import median

import common
import machine
import report
from machine import percentile
from servers import BenchError, Tollgate, http as ask, settle

START = datetime.date(2026, 1, 1)
# Of the issue that asked for them: seconds to stay under, of the slowest 1 % and of all.
TARGETS = {"all apps by day, p99 of the whole": 0.2, "campaign job, a month by app and creative": 5.0}
# How long a question may take before the bench gives up.
PATIENCE = 300

Answer = collections.namedtuple("Answer", "first whole bytes rows")


say = common.speaker("analytics")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tollgate", type=pathlib.Path, required=True, help="the binary, of the dist profile")
    parser.add_argument("--events", type=int, default=5_000_000, help="events of the history (default 5 million)")
    parser.add_argument("--days", type=int, default=365, help="days it is spread over (default 365)")
    parser.add_argument("--rounds", type=int, default=20, help="how often each report is asked for (default 20)")
    parser.add_argument("--seconds", type=int, default=120, help="seconds after which a question is asked no more (default 120)")
    parser.add_argument("--work-dir", type=pathlib.Path, default=common.ROOT / "target", help="where everything is kept while it runs")
    parser.add_argument("--save", action="store_true", help="also write bench/results/analytics.md")
    return parser.parse_args()


def questions(last):
    """Name -> parameters of `appcountry`; the days are UTC's."""
    year = {"dateMin": START.isoformat(), "dateMax": last.isoformat(), "timezone": "UTC"}
    month = year | {"dateMin": max(START, last - datetime.timedelta(days=30)).isoformat()}
    return {
        "all apps by day": year,
        "all apps by day, days of Los Angeles": year | {"timezone": "America/Los_Angeles"},
        "all apps by month": year | {"aggregate": "monthly"},
        "one app by day": year | {"appIds": "app-7"},
        "all apps by day, one place": year | {"adLocation": "Quests"},
        "all apps by day, a month": month,
    }


class Reports(Tollgate):
    """A Tollgate over a generated history, asked with a token."""

    def generate(self, events, days):
        data = self.folder / "data"
        made = subprocess.run([self.binary, "init", "--data-dir", data, "--json"], check=True, capture_output=True).stdout
        self.made = json.loads(made)
        command = [self.binary, "generate", "--data-dir", data, "--events", str(events), "--days", str(days)]
        begin = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - begin

    def start(self):
        # One credential asks everything here, so its limit must not be what is measured.
        unlimited = {"TOLLGATE_REQUESTS_PER_SECOND": "1000000", "TOLLGATE_REQUESTS_BURST": "1000000"}
        self.launch(self.binary, "serve", "--data-dir", self.folder / "data", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                    stdout=subprocess.PIPE, env=os.environ | unlimited)
        self.url = self._ready(time.monotonic() + 120)
        client = self.made["oauth"]["v5"]
        wanted = {"client_id": client["client_id"], "client_secret": client["client_secret"], "grant_type": "client_credentials"}
        status, answer = ask("POST", self.url + "/oauth/token", json.dumps(wanted).encode(), {"content-type": "application/json"})
        if status != 200:
            raise BenchError(f"the token was refused with {status}: {answer[:300]}")
        self.headers = {"authorization": "Bearer " + json.loads(answer)["access_token"]}

    def get(self, path, parameters):
        """Seconds to the first byte of the body and to the last, how many bytes, how many rows."""
        place = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE)
        try:
            begin = time.perf_counter()
            connection.request("GET", f"/v5/analytics/{path}?{urllib.parse.urlencode(parameters)}", headers=self.headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise BenchError(f"{path} was answered {answer.status}: {answer.read(300)}")
            return read_rows(answer, begin)
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"{path} broke off: {error!r}") from error
        finally:
            connection.close()

    def job(self, parameters):
        """Seconds from asking for a job until its result is there, and the bytes of the result."""
        begin, path = time.perf_counter(), f"{self.url}/v5/analytics"
        status, answer = ask("GET", f"{path}/campaign?{urllib.parse.urlencode(parameters)}", headers=self.headers)
        if status != 202:
            raise BenchError(f"the job was answered {status}: {answer[:300]}")
        job = f"{path}/jobs/{json.loads(answer)['jobId']}"
        while status != 201:
            status, answer = ask("GET", job + "?status=true", headers=self.headers)
            if status not in (200, 201, 404) or time.perf_counter() - begin > PATIENCE:
                raise BenchError(f"the job came to {status}: {answer[:300]}")
            time.sleep(0.02)
        took = time.perf_counter() - begin
        return took, len(ask("GET", job + "?csv_format=CSV", headers=self.headers, timeout=PATIENCE)[1])


def read_rows(stream, begin, piece=1 << 16, clock=time.perf_counter):
    """Reads a report to its end; rows are counted by a key that each has once."""
    first, size, rows, end = None, 0, 0, b""
    while part := stream.read(piece):
        first = first or clock() - begin
        size += len(part)
        # A key may lie across two parts, but not whole in what is kept of the former.
        rows += (end + part).count(b'{"dt":')
        end = (end + part)[-5:]
    return Answer(first or clock() - begin, clock() - begin, size, rows)


def repeated(times, seconds, ask_once):
    """What asking gave, so often at most, and no more once so many seconds are over."""
    answers, deadline = [], time.monotonic() + seconds
    while len(answers) < times and (not answers or time.monotonic() < deadline):
        answers.append(ask_once())
    return answers


def verdict(question, seconds):
    bar = TARGETS.get(question)
    return f"at most {bar:g} s: {'met' if seconds <= bar else 'missed'}" if bar else ""


def line(name, values, size, rows):
    p99 = percentile(values, 0.99)
    return [name, f"{rows:,}", report.mebibytes(size), str(len(values)), f"{median(values):.3f}", f"{p99:.3f}", verdict(name, p99)]


def measure(args, folder):
    notes = machine.describe(folder, args.tollgate)
    tollgate = Reports(folder / "tollgate", args.tollgate)
    seconds = tollgate.generate(args.events, args.days)
    notes.append(f"- {args.events:,} events over {args.days} days, generated in {seconds:.0f} s")
    say(notes[-1])
    last, rows = START + datetime.timedelta(days=args.days - 1), []
    with tollgate:
        for name, parameters in questions(last).items():
            settle([tollgate])
            tollgate.get("appcountry", parameters)
            answers = repeated(args.rounds, args.seconds, lambda: tollgate.get("appcountry", parameters))
            for part, values in (("first byte", [one.first for one in answers]), ("whole", [one.whole for one in answers])):
                rows.append(line(f"{name}, p99 of the {part}", values, answers[0].bytes, answers[0].rows))
                say(" | ".join(rows[-1]))
        month = {"dateMin": max(START, last - datetime.timedelta(days=29)).isoformat(), "dateMax": last.isoformat(),
                 "timezone": "UTC", "groupBy": "app,creative"}
        settle([tollgate])
        jobs = repeated(min(args.rounds, 5), args.seconds, lambda: tollgate.job(month))
        rows.append(line("campaign job, a month by app and creative", [took for took, _ in jobs], jobs[0][1], 0))
        say(" | ".join(rows[-1]))
        notes.append(f"- resident memory at the end: {report.mebibytes(tollgate.rss())}")
    return notes, rows


def main():
    args = arguments()
    args.tollgate = args.tollgate.resolve()
    args.work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="analytics-", dir=args.work_dir.resolve()) as folder:
        notes, rows = measure(args, pathlib.Path(folder))
    table = report.table(["report", "rows", "size", "asked", "median, s", "p99, s", "target"], rows)
    text = "\n".join([f"# Reports over {args.events:,} events", "", f"{common.stamp()}; one client.", "", *notes, "", table, ""])
    print(text)
    if args.save:
        (common.HERE / "results" / "analytics.md").write_text(text)


if __name__ == "__main__":
    common.run(main, say)
