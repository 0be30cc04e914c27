"""Tests of signals_layout: what it reads, what it refuses, and that a file is replaced whole or not at all."""

import pathlib
import tempfile
import unittest

import signals_layout


class Samples(unittest.TestCase):
    def test_user_agents_of_fixtures_lose_their_quotes(self):
        text = "-\n  user_agent: plain (a: b)\n-\n  user_agent: \"a \\\"b\\\" c\"\n-\n  user_agent: 'it''s'\n  bot:\n    name: x\n"
        self.assertEqual(list(signals_layout.fixture_agents(text)), ["plain (a: b)", 'a "b" c', "it's"])


class Msgpack(unittest.TestCase):
    def test_reads_the_types_a_database_uses(self):
        packed = bytes.fromhex("83a16192010fa162d3fffffffffffffffea163c0")
        self.assertEqual(signals_layout.unpack_msgpack(packed), {"a": [1, 15], "b": -2, "c": None})

    def test_refuses_what_is_cut_or_goes_on(self):
        for packed in (b"\xa5ab", b"\x01\x01", b"\xc1"):
            with self.assertRaises(signals_layout.Malformed):
                signals_layout.unpack_msgpack(packed)


class Ranges(unittest.TestCase):
    def test_merges_neighbours_and_duplicates_by_provider(self):
        blocks = [f"10.{i >> 8}.{i & 255}.0/25" for i in range(12_000)]
        entries = [{"cidr": c, "p": 0} for c in blocks + blocks] + [{"cidr": "192.0.2.0/25", "p": 1}, {"cidr": "192.0.2.128/25", "p": 1}]
        lines = signals_layout.cloud_ranges({"providers": ["a", "b", "none"], "ranges": entries})
        self.assertEqual((len(lines["a"]), lines["b"]), (12_000, ["192.0.2.0/24"]))
        self.assertNotIn("none", lines)

    def test_refuses_a_database_that_lost_its_ranges(self):
        with self.assertRaises(signals_layout.Malformed):
            signals_layout.cloud_ranges({"providers": ["a"], "ranges": [{"cidr": "192.0.2.0/24", "p": 0}]})


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name) / "signals"
        self.work = self.root / ".incoming"
        self.work.mkdir(parents=True)

    def test_an_equal_file_is_left_alone(self):
        for _ in range(2):
            signals_layout.Signals(self.root, self.work).put("geo/geoip", "1,2,XX\n")
            seen = (self.root / "geo/geoip").stat()
            self.assertEqual(getattr(self, "first", seen).st_ino, seen.st_ino)
            self.first = seen
        self.assertEqual(list(self.work.iterdir()), [])

    def test_a_table_cut_short_leaves_the_old_ones(self):
        old = self.root / "geo/geoip"
        old.parent.mkdir()
        old.write_text("old")
        source = pathlib.Path(self.folder.name) / "usr/share/tor"
        source.mkdir(parents=True)
        (source / "geoip").write_text("# License: CC BY-SA 4.0\n" + "1,2,XX\n" * 60_000)
        (source / "geoip6").write_text("::1,::2,XX\n")
        with self.assertRaises(signals_layout.Malformed):
            signals_layout.tor_geoipdb(signals_layout.Signals(self.root, self.work), self.folder.name, "1")
        self.assertEqual(old.read_text(), "old")


if __name__ == "__main__":
    unittest.main()
