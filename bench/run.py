#!/usr/bin/env python3
"""Measures Tollgate beside nginx on this machine, in interleaved rounds, and prints markdown tables of medians and ratios.

    make bench                                      # five rounds of ten seconds each
    make bench BENCH_ARGS="--sustained 120 --save"  # and one long NDJSON run; kept in bench/results/latest.md
    make bench BENCH_ARGS=--filters                 # instead: every type of filter beside the first ten of them

Missing a target is a result, not an error: the exit status is 1 only when something could not be measured.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from statistics import median

import common
import machine
import report
from load import wrk
from servers import BenchError, Nginx, Tollgate, http, settle
from traffic import EVENTS_PER_BODY, Traffic

SINGLE, BATCHES = "Tollgate, single events", f"Tollgate, NDJSON × {EVENTS_PER_BODY}"
WEIGHTS = {BATCHES: EVENTS_PER_BODY}
SINGLE_CONNECTIONS, BATCH_CONNECTIONS = 256, 16
WARM_UP_SECONDS = 2
# The types that the first benchmark had; every_filter.json has one of each type there is.
FIRST_FILTERS = ["data_validation", "device_id", "bot", "proxy", "geo", "duplicate_user", "click_flooding", "attribution", "session_time",
                 "third_party_rejection"]


say = common.speaker("bench")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds; fewer than 5 is marked as a trial (default 5)")
    parser.add_argument("--seconds", type=int, default=10, help="length of each run (default 10)")
    parser.add_argument("--sustained", type=int, default=0, metavar="SECONDS", help="also one long NDJSON run on a fresh server, e.g. 120")
    parser.add_argument("--tollgate", type=pathlib.Path, help="the binary (default: build it with the dist profile)")
    parser.add_argument("--nginx-only", action="store_true", help="leave Tollgate out: to try the harness")
    parser.add_argument("--filters", action="store_true", help="measure every type of filter beside the first ten, and nothing else")
    parser.add_argument("--signals-dir", type=pathlib.Path, default=os.environ.get("SIGNALS_DIR", "signals"), help="data files, where there are any")
    parser.add_argument("--work-dir", type=pathlib.Path, help="where servers keep their data, on the disk to be measured (default: the build directory)")
    parser.add_argument("--save", action="store_true", help="also write bench/results/latest.md")
    args = parser.parse_args()
    if args.filters and (args.nginx_only or args.sustained or args.save):
        parser.error("--filters is a measurement of its own: it prints its table and keeps nothing")
    if args.rounds < 1 or args.seconds < 1 or (args.sustained and args.sustained <= 10):
        parser.error("--rounds and --seconds are at least 1, --sustained is more than 10")
    return args


def target_dir():
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or common.ROOT / "target").resolve()


def build():
    say("building tollgate with the dist profile")
    if subprocess.run(["cargo", "build", "--profile", "dist", "-p", "tollgate"], cwd=common.ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode:
        raise BenchError("the build failed")
    return target_dir() / "dist" / "tollgate"


def rules(name):
    return json.loads((common.HERE / name).read_text())


def prepare(tollgate, traffic, filters):
    """Sets the rules and makes sure that what will be measured works, and mostly approves."""
    tollgate.set_rules(filters)
    path = f"/g/{tollgate.integration}/click?offer=offer-1&publisher=publisher-1&sub_id=sub-1&click_ip={traffic.addresses[0]}"
    path += f"&device_id={traffic.devices[0]}&no_redirect=true"
    status, answer = http("GET", tollgate.url + path, headers={"User-Agent": traffic.agents[0]})
    if status != 200 or b'"transaction_id"' not in answer:
        raise BenchError(f"a click was answered {status}: {answer[:400].decode(errors='replace')}")
    approved, events = tollgate.sample(traffic.bodies[:20])
    if approved * 2 < events:
        raise BenchError(f"only {approved} of {events} events were approved: that is not ordinary traffic")
    return f"{approved / events:.1%} of a sample of {events:,} events approved"


class Bench:
    """The servers that are up, and the runs one can make against them."""

    def __init__(self, args, folder, binary):
        self.args, self.folder, self.binary = args, folder, binary
        signals = args.signals_dir.resolve()
        self.signals = signals if signals.is_dir() and any(signals.iterdir()) else None
        # The disk is read before there is any load on it.
        self.notes = machine.describe(folder, binary)
        say("making the traffic")
        self.traffic = Traffic()
        self.traffic.write(folder)

    def tollgate(self, name):
        return Tollgate(self.folder / name, self.binary, self.signals)

    def single(self, server, seconds, integration="abcdefghij"):
        return wrk(server, "click", [self.folder, getattr(server, "integration", integration)], SINGLE_CONNECTIONS, seconds)

    def batches(self, server, seconds):
        return wrk(server, "events", [self.folder, server.integration, server.api_key], BATCH_CONNECTIONS, seconds)

    def rounds(self):
        with ExitStack() as stack:
            plain = stack.enter_context(Nginx(self.folder / "nginx", access_log=False))
            logged = stack.enter_context(Nginx(self.folder / "nginx-log", access_log=True))
            servers = [plain, logged]
            runs = {
                report.BASE: lambda seconds: wrk(plain, "plain", (), SINGLE_CONNECTIONS, seconds),
                "nginx 204, the clicks of below": lambda seconds: self.single(plain, seconds),
                "nginx with access log, the same": lambda seconds: self.single(logged, seconds),
            }
            if self.binary:
                tollgate = stack.enter_context(self.tollgate("tollgate"))
                servers.append(tollgate)
                rest = tollgate.rss()
                approved = prepare(tollgate, self.traffic, rules("rules.json"))
                data = f"data files of {self.args.signals_dir}" if self.signals else "compiled-in rules, no data files"
                self.notes.append(f"- Tollgate: 50 filters, 10 counter features, {data}; {approved}; {report.mebibytes(rest)} at rest")
                runs[SINGLE] = lambda seconds: self.single(tollgate, seconds)
                runs[BATCHES] = lambda seconds: self.batches(tollgate, seconds)
            return [self.one_round(at, runs, servers, logged) for at in range(self.args.rounds + 1)][1:]

    def filter_rounds(self):
        """Rounds of (first, every) runs for single events and for batches; who goes first changes from round to round."""
        every = rules("every_filter.json")
        first = [one for one in every if one["type"] in FIRST_FILTERS]
        with ExitStack() as stack:
            servers = []
            for name, filters in (("first", first), ("every", every)):
                server = stack.enter_context(self.tollgate(name))
                self.notes.append(f"- {name}: {len(filters)} filters; {prepare(server, self.traffic, filters)}")
                servers.append(server)
            found = {"single events": [], f"NDJSON × {EVENTS_PER_BODY}": []}
            for at in range(self.args.rounds + 1):
                for way, (name, pairs) in zip((self.single, self.batches), found.items()):
                    rates = {}
                    for server in servers[:: 1 if at % 2 else -1]:
                        settle(servers)
                        rates[server] = way(server, self.args.seconds if at else WARM_UP_SECONDS).rate
                    if at:
                        pairs.append(tuple(rates[server] for server in servers))
                        say(f"round {at}: {name}: every filter at {pairs[-1][1] / pairs[-1][0]:.2f} of the first ten")
            return found

    def one_round(self, at, runs, servers, logged):
        """Round 0 warms everything up and is thrown away."""
        results = {}
        for name, run in runs.items():
            if not settle(servers):
                self.notes.append(f"- round {at}: a server was still busy when {name} began")
            results[name] = run(self.args.seconds if at else WARM_UP_SECONDS)
            logged.forget()
            if at:
                say(f"round {at}: {name}: {results[name].rate * WEIGHTS.get(name, 1):,.0f}/s")
        return results

    def sustained(self):
        """The first ten seconds apart from the rest, against a server that has seen nothing yet."""
        with self.tollgate("tollgate-sustained") as server:
            prepare(server, self.traffic, rules("rules.json"))
            settle([server])
            runs, samples = {}, []
            for label, seconds in (("first 10 s", 10), ("after that", self.args.sustained - 10)):
                say(f"sustained: {label}")
                run = self.batches(server, seconds)
                begin = samples[-1]["at"] if samples else 0
                samples += [sample | {"at": begin + sample["at"]} for sample in run.samples]
                runs[label] = run
            return runs, samples


def write_report(bench, rounds, sustained):
    args = bench.args
    title = "# Benchmark" if args.rounds >= 5 and bench.binary else "# Benchmark (a trial, not for publication)"
    text = [title, "", f"{common.stamp()}; {args.rounds} interleaved rounds of {args.seconds} s, medians; wrk with one thread on the same cores, "
            f"{SINGLE_CONNECTIONS} connections for single requests, {BATCH_CONNECTIONS} for batches.", ""]
    text += [*bench.notes, "", report.rounds_table(rounds, WEIGHTS), ""]
    text += ["The second row is what wrk reaches with the very requests Tollgate gets: forming them costs the load generator a part of the cores.", ""]
    text += ["Rates of each round:", "", report.each_round(rounds, WEIGHTS), ""]
    if sustained:
        runs, samples = sustained
        base = median(one[report.BASE].rate for one in rounds)
        most = max((sample["unsealed_rows"] for sample in samples if "unsealed_rows" in sample), default=None)
        text += [f"NDJSON × {EVENTS_PER_BODY} for {args.sustained} s on a fresh server, ratio to the median above:", "",
                 report.sustained_table(runs, EVENTS_PER_BODY, base), "",
                 "Most unsealed rows: " + ("not reported by the server." if most is None else f"{most:,}."), "", report.series_table(samples), ""]
    return "\n".join(text)


def main():
    args = arguments()
    for tool in ("wrk",) if args.filters else ("nginx", "wrk"):
        if not shutil.which(tool):
            raise BenchError(f"{tool} is not installed: scripts/setup.sh bench")
    binary = None if args.nginx_only else (args.tollgate or build()).resolve()
    if binary and not os.access(binary, os.X_OK):
        raise BenchError(f"{binary} cannot be run")
    home = (args.work_dir or target_dir()).resolve()
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=home) as folder:
        bench = Bench(args, pathlib.Path(folder), binary)
        if args.filters:
            found = bench.filter_rounds()
            print("\n".join([*bench.notes, "", report.filters_table(found)]))
            return
        rounds = bench.rounds()
        sustained = bench.sustained() if args.sustained and binary else None
        text = write_report(bench, rounds, sustained)
    print(text)
    if args.save:
        kept = common.HERE / "results" / "latest.md"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(text)
        say(f"kept in {kept.relative_to(common.ROOT)}")


if __name__ == "__main__":
    common.run(main, say)
