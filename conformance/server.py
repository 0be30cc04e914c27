"""A Tollgate of its own for each test class: the real binary, a fresh data directory, a free port of the loopback."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = os.environ.get("TOLLGATE_BINARY", str(TARGET / "debug" / "tollgate"))
AUDIENCE = "https://public.api.gateway.chartboost.com"


class Server:
    """The running binary; `close` ends it and deletes its directory."""

    def __init__(self, **settings):
        self.directory = tempfile.mkdtemp(prefix="tollgate-conformance-")
        data = os.path.join(self.directory, "data")
        # Settings of whoever runs the tests must not leak in.
        variables = {name: value for name, value in os.environ.items() if not name.startswith("TOLLGATE_")}
        made = subprocess.run(
            [BINARY, "init", "--data-dir", data, "--json"], capture_output=True, check=True, env=variables
        )
        self.made = json.loads(made.stdout)
        variables.update({f"TOLLGATE_{name.upper()}": str(value) for name, value in settings.items()})
        self.log = open(os.path.join(self.directory, "log"), "w")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data-dir", data, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=variables,
        )
        ready = self.process.stdout.readline()
        if not ready.startswith("listening on "):
            self.close()
            raise RuntimeError(f"the server is not ready: {ready!r}")
        self.url = ready.removeprefix("listening on ").strip()

    def client(self, version):
        """Id and secret of the OAuth client of a version."""
        client = self.made["oauth"][version]
        return client["client_id"], client["client_secret"]

    def logged(self):
        with open(self.log.name) as log:
            return log.read()

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.close()
        shutil.rmtree(self.directory)
