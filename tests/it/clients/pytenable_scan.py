"""Tenable's own client runs a whole scan: create, launch, poll, export, compare the bytes, delete.

    pip install pytenable
    python pytenable_scan.py URL REPORT --keys ACCESS SECRET
    python pytenable_scan.py URL REPORT --login USERNAME PASSWORD

REPORT is the file that the scanner serves as the result. Ends with 0 and one line when all was right, with 1 and what
was not otherwise.
"""

import argparse
import logging
import pathlib
import sys
import time

from requests.exceptions import RequestException
from tenable.errors import NotFoundError, RestflyException
from tenable.nessus import Nessus

TRASH = 2
ACTIVE = {"pending", "running", "processing", "publishing", "initializing", "resuming"}


class Wrong(Exception):
    """Something differs from what the API promises."""


def main() -> int:
    args = arguments()
    # The client logs each answer that is an error, and one of them, after the delete, is right.
    logging.disable()
    expected = pathlib.Path(args.report).read_bytes()
    try:
        with client(args) as nessus:
            print(run_scan(nessus, expected, args.limit))
    except (Wrong, RestflyException, RequestException) as wrong:
        print(f"wrong: {wrong}", file=sys.stderr)
        return 1
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("report")
    login = parser.add_mutually_exclusive_group(required=True)
    login.add_argument("--keys", nargs=2, metavar=("ACCESS", "SECRET"))
    login.add_argument("--login", nargs=2, metavar=("USERNAME", "PASSWORD"))
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that the scan may take")
    return parser.parse_args()


def client(args: argparse.Namespace) -> Nessus:
    if args.keys:
        access, secret = args.keys
        return Nessus(url=args.url, access_key=access, secret_key=secret)
    username, password = args.login
    return Nessus(url=args.url, username=username, password=password)


def run_scan(nessus: Nessus, expected: bytes, limit: float) -> str:
    if nessus.server.status()["status"] != "ready":
        raise Wrong("the server is not ready")
    scan_id = create(nessus)
    check("the state before the launch", "empty", state(nessus, scan_id))
    scan_uuid = nessus.scans.launch(scan_id)
    seen = follow(nessus, scan_id, limit)
    check("the uuid of the scan", scan_uuid, nessus.scans.details(scan_id)["info"]["uuid"])

    report = nessus.scans.export_scan(scan_id, format="nessus").read()
    compare(expected, report)
    remove(nessus, scan_id)
    return f"ok: scan {scan_id} went {' > '.join(seen)}, {len(report)} bytes equal, deleted"


def create(nessus: Nessus) -> int:
    templates = {template["name"]: template["uuid"] for template in nessus.editor.template_list("scan")}
    settings = {"name": "run by pytenable", "text_targets": "127.0.0.1", "enabled": True, "launch_now": False}
    return nessus.scans.create(uuid=templates["advanced"], settings=settings)["scan"]["id"]


def follow(nessus: Nessus, scan_id: int, limit: float) -> list[str]:
    """The states that the scan was seen in, in order."""
    seen: list[str] = []
    end = time.monotonic() + limit
    while True:
        now = state(nessus, scan_id)
        if now not in seen:
            seen.append(now)
        if now == "completed":
            return seen
        if now not in ACTIVE:
            raise Wrong(f"the scan went {' > '.join(seen)}")
        if time.monotonic() > end:
            raise Wrong(f"the scan is {now} after {limit:.0f} s")
        time.sleep(0.25)


def remove(nessus: Nessus, scan_id: int) -> None:
    """To the trash first, as the user interface does it."""
    nessus.put(f"scans/{scan_id}/folder", json={"folder_id": TRASH})
    if scan_id not in listed(nessus, TRASH):
        raise Wrong("the scan is not in the trash")
    nessus.scans.delete(scan_id)
    if scan_id in listed(nessus, None):
        raise Wrong("the scan is still listed after it was deleted")
    try:
        nessus.scans.details(scan_id)
    except NotFoundError:
        return
    raise Wrong("the scan is still there after it was deleted")


def listed(nessus: Nessus, folder_id: int | None) -> list[int]:
    return [scan["id"] for scan in nessus.scans.list(folder_id=folder_id)["scans"] or []]


def state(nessus: Nessus, scan_id: int) -> str:
    return nessus.scans.details(scan_id)["info"]["status"]


def compare(expected: bytes, report: bytes) -> None:
    if expected == report:
        return
    same = next((i for i, (a, b) in enumerate(zip(expected, report)) if a != b), min(len(expected), len(report)))
    raise Wrong(f"the report has {len(report)} bytes, not {len(expected)}; they differ from byte {same} on")


def check(what: str, expected: object, seen: object) -> None:
    if expected != seen:
        raise Wrong(f"{what} is {seen!r}, not {expected!r}")


if __name__ == "__main__":
    sys.exit(main())
