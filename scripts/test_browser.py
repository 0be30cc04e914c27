"""Where there is no browser, browser.sh says so and fails only when it was told that it must not be skipped."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).parent / "browser.sh"


class WithoutABrowser(unittest.TestCase):
    def run_with(self, **variables):
        with tempfile.TemporaryDirectory() as folder:
            for tool in ["bash", "dirname", "basename"]:
                os.symlink(shutil.which(tool), Path(folder) / tool)
            return subprocess.run(["bash", SCRIPT, "test"], env={"PATH": folder, **variables}, capture_output=True, text=True)

    def test_it_says_that_nothing_was_tried(self):
        ran = self.run_with()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("SKIPPED", ran.stderr)

    def test_it_fails_where_it_is_required(self):
        ran = self.run_with(TOLLGATE_REQUIRE_BROWSER="1")
        self.assertEqual(ran.returncode, 1, ran.stderr)
        self.assertIn("TOLLGATE_REQUIRE_BROWSER", ran.stderr)


if __name__ == "__main__":
    unittest.main()
