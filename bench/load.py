"""Puts load on a server with wrk (one thread) and watches the server while it runs.

A request that was refused or failed is no work done: rates count the answers below 400 only.
"""

import json
import pathlib
import re
import subprocess
import threading
import time
from dataclasses import dataclass

from servers import BenchError

LUA = pathlib.Path(__file__).resolve().parent / "lua"


@dataclass
class Run:
    """One run of wrk. `rate` is in answers a second, latencies in milliseconds, memory in bytes."""

    requests: int
    seconds: float
    non2xx: int
    broken: int
    p50: float
    p99: float
    rss: int = 0
    samples: tuple = ()

    def most(self, name):
        """The greatest of what the server said under this name while it ran; None where it said nothing."""
        return max((sample[name] for sample in self.samples if name in sample), default=None)

    @property
    def rate(self):
        return max(0, self.requests - self.non2xx) / self.seconds


def parse(text):
    found = re.search(r"^RESULT (\{.*\})$", text, re.M)
    if not found:
        raise BenchError(f"wrk gave no result:\n{text[-2000:]}")
    read = json.loads(found[1])
    return Run(
        requests=read["requests"],
        seconds=read["microseconds"] / 1e6,
        non2xx=read["status"],
        broken=read["socket"] + read["timeout"],
        p50=read["p50"] / 1e3,
        p99=read["p99"] / 1e3,
    )


class Watch:
    """Samples the server's memory and its ledger's metrics once a second, from a thread of its own."""

    def __init__(self, server):
        self.server, self.samples, self._stop = server, [], threading.Event()
        self._begin = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._sample()

    def _run(self):
        while not self._stop.wait(1):
            self._sample()

    def _sample(self):
        sample = {"at": time.monotonic() - self._begin, "rss": self.server.rss()}
        try:
            sample.update(getattr(self.server, "metrics", dict)())
        except (BenchError, ValueError):
            pass  # A server too busy to be read leaves a gap in the series, nothing else.
        self.samples.append(sample)


def wrk(server, script, arguments=(), connections=256, seconds=10, path="/"):
    """Runs one load script against a server that is up."""
    server.check()
    watch = Watch(server)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s", LUA / f"{script}.lua",
               server.url + path, "--", *arguments]
    try:
        with watch:
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=seconds + 60, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"wrk did not end within {seconds + 60} s") from error
    if done.returncode != 0:
        raise BenchError(f"wrk ended with {done.returncode}: {done.stderr.strip()[-1000:]} {done.stdout.strip()[-1000:]}")
    run = parse(done.stdout)
    server.check()
    run.samples = watch.samples
    run.rss = run.most("rss")
    return run
