"""Run as a process with a mount namespace of its own: lands a shop on a disk that is too small, then on a larger one.

Arguments: an empty folder, a folder with `config` and `data`, sizes in kilobytes. Prints a line of JSON: what was told
for each size, and a fingerprint of what has landed in the end. The disk is gone with the process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from faulty_rooms import NOW, fingerprint, landed_rows
from shop_runs import Shop

from dagster_project.errors import StrataError
from dagster_project.landing import land


def main(disk: Path, shop_folder: Path, sizes: list[str]) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={sizes[0]}k", "tmpfs", str(disk)], check=True)
    (disk / "data").mkdir()
    shop = Shop(shop_folder / "config", disk / "data")
    (shop.data / "inbox").symlink_to(shop_folder / "data" / "inbox", target_is_directory=True)
    told = []
    for size in sizes:
        subprocess.run(["mount", "-o", f"remount,size={size}k", str(disk)], check=True)
        try:
            land(shop.settings, now=NOW)
            told.append("")
        except StrataError as error:
            told.append(f"{type(error).__name__}: {error}")
    leftovers = [str(path) for path in (shop.data / "landing").rglob("*") if "unfinished" in path.name]
    seen = {"told": told, "landed": fingerprint(landed_rows(shop)), "leftovers": leftovers}
    sys.stdout.write(json.dumps(seen))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
