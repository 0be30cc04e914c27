"""Stands in for the build back-ends of source packages (PEP 517): gives the metadata that the package was published with, and
never runs anything of it."""

import email
import pathlib
import re
import shutil


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    """Runs in the unpacked package; answers the name of the folder that it made."""
    published = email.message_from_string(pathlib.Path("PKG-INFO").read_text())
    name = re.sub(r"[^A-Za-z0-9.]+", "_", published["Name"])
    folder = pathlib.Path(metadata_directory) / f"{name}-{published['Version']}.dist-info"
    folder.mkdir()
    shutil.copyfile("PKG-INFO", folder / "METADATA")
    return folder.name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    raise RuntimeError("nothing is built of packages that are only read")
