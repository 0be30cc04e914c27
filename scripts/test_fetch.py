"""Tests of fetch.sh: a source package comes in whole when it is the pinned one, and never runs."""

import hashlib
import importlib.util
import io
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent
MARK = "import pathlib\npathlib.Path({mark!r}).touch()\n"


@unittest.skipUnless(importlib.util.find_spec("pip"), "pip is not installed")
class Sources(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.mark = self.folder / "it-ran"

    def package(self, backend):
        """A source package whose every file that a build would run leaves a mark."""
        run = MARK.format(mark=str(self.mark))
        project = f'[build-system]\nrequires = []\nbuild-backend = "{backend}"\n[project]\nname = "lists"\nversion = "1.0"\n'
        files = {
            "PKG-INFO": "Metadata-Version: 2.1\nName: lists\nVersion: 1.0\n",
            "pyproject.toml": project,
            "setup.py": run,
            "setuptools.py": run,
            "data/agents.txt": "Mozilla/5.0\n",
        }
        path = self.folder / "index" / "lists-1.0.tar.gz"
        path.parent.mkdir()
        with tarfile.open(path, "w:gz") as tar:
            for name, text in files.items():
                entry = tarfile.TarInfo(f"lists-1.0/{name}")
                entry.size = len(text)
                tar.addfile(entry, io.BytesIO(text.encode()))
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def fetch(self, digest):
        script = '. scripts/lib.sh; . scripts/fetch.sh; fetch_source "$1" lists==1.0 "$2"'
        path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        own = {"PATH": path, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.folder / "index")}
        command = ["bash", "-euc", script, "fetch", str(self.folder / "out"), digest]
        done = subprocess.run(command, cwd=SCRIPTS.parent, env=os.environ | own, capture_output=True, text=True)
        return done.returncode == 0, done.stderr

    def is_saved_and_does_not_run(self, backend):
        done, said = self.fetch(self.package(backend))
        self.assertTrue(done, said)
        self.assertTrue((self.folder / "out" / "lists-1.0.tar.gz").exists())
        self.assertFalse(self.mark.exists())

    def test_nothing_of_a_setuptools_package_runs(self):
        self.is_saved_and_does_not_run("setuptools.build_meta")

    def test_nothing_of_a_hatchling_package_runs(self):
        self.is_saved_and_does_not_run("hatchling.build")

    def test_another_file_under_the_same_version_is_refused(self):
        self.package("setuptools.build_meta")
        done, said = self.fetch("0" * 64)
        self.assertFalse(done)
        self.assertIn("0" * 64, said)
        self.assertFalse((self.folder / "out" / "lists-1.0.tar.gz").exists() or self.mark.exists())


if __name__ == "__main__":
    unittest.main()
