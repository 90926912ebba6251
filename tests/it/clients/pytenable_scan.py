"""Runs a whole scan with Tenable's own client: create, launch, poll, export, compare the bytes, delete.

    pip install pytenable
    python pytenable_scan.py URL REPORT --keys ACCESS SECRET
    python pytenable_scan.py URL REPORT --login USERNAME PASSWORD

REPORT is the file that the scanner serves as the result. If everything is right, the script prints one line and exits
with 0. Otherwise it prints the first mismatch and exits with 1.
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


class Mismatch(Exception):
    """The server does not do what the API promises."""


def main() -> int:
    args = parse_arguments()
    # The client logs every error response, and the one after the delete is expected.
    logging.disable()
    expected = pathlib.Path(args.report).read_bytes()
    try:
        with connect(args) as nessus:
            print(run_scan(nessus, expected, args.limit))
    except (Mismatch, RestflyException, RequestException) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("report")
    login = parser.add_mutually_exclusive_group(required=True)
    login.add_argument("--keys", nargs=2, metavar=("ACCESS", "SECRET"))
    login.add_argument("--login", nargs=2, metavar=("USERNAME", "PASSWORD"))
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that the scan may take")
    return parser.parse_args()


def connect(args: argparse.Namespace) -> Nessus:
    if args.keys:
        access, secret = args.keys
        return Nessus(url=args.url, access_key=access, secret_key=secret)
    username, password = args.login
    return Nessus(url=args.url, username=username, password=password)


def run_scan(nessus: Nessus, expected: bytes, limit: float) -> str:
    if nessus.server.status()["status"] != "ready":
        raise Mismatch("the server is not ready")
    scan_id = create(nessus)
    check("the state before the launch", "empty", state(nessus, scan_id))
    scan_uuid = nessus.scans.launch(scan_id)
    states = wait_until_completed(nessus, scan_id, limit)
    check("the uuid of the scan", scan_uuid, nessus.scans.details(scan_id)["info"]["uuid"])

    report = nessus.scans.export_scan(scan_id, format="nessus").read()
    compare(expected, report)
    remove(nessus, scan_id)
    return f"ok: scan {scan_id} went {' > '.join(states)}, {len(report)} bytes equal, deleted"


def create(nessus: Nessus) -> int:
    templates = {template["name"]: template["uuid"] for template in nessus.editor.template_list("scan")}
    settings = {"name": "run by pytenable", "text_targets": "127.0.0.1", "enabled": True, "launch_now": False}
    return nessus.scans.create(uuid=templates["advanced"], settings=settings)["scan"]["id"]


def wait_until_completed(nessus: Nessus, scan_id: int, limit: float) -> list[str]:
    """Returns the states of the scan until then, in order."""
    states: list[str] = []
    end = time.monotonic() + limit
    while True:
        current = state(nessus, scan_id)
        if current not in states:
            states.append(current)
        if current == "completed":
            return states
        if current not in ACTIVE:
            raise Mismatch(f"the scan went {' > '.join(states)}")
        if time.monotonic() > end:
            raise Mismatch(f"the scan is {current} after {limit:.0f} s")
        time.sleep(0.25)


def remove(nessus: Nessus, scan_id: int) -> None:
    """Moves the scan to the trash and then deletes it, as the user interface does."""
    nessus.put(f"scans/{scan_id}/folder", json={"folder_id": TRASH})
    if scan_id not in list_scans(nessus, TRASH):
        raise Mismatch("the scan is not in the trash")
    nessus.scans.delete(scan_id)
    if scan_id in list_scans(nessus, None):
        raise Mismatch("the scan is still listed after it was deleted")
    try:
        nessus.scans.details(scan_id)
    except NotFoundError:
        return
    raise Mismatch("the scan is still there after it was deleted")


def list_scans(nessus: Nessus, folder_id: int | None) -> list[int]:
    return [scan["id"] for scan in nessus.scans.list(folder_id=folder_id)["scans"] or []]


def state(nessus: Nessus, scan_id: int) -> str:
    return nessus.scans.details(scan_id)["info"]["status"]


def compare(expected: bytes, report: bytes) -> None:
    if expected == report:
        return
    differences = (index for index, (a, b) in enumerate(zip(expected, report)) if a != b)
    first = next(differences, min(len(expected), len(report)))
    raise Mismatch(f"the report has {len(report)} bytes, not {len(expected)}; the first different byte is {first}")


def check(name: str, expected: object, actual: object) -> None:
    if expected != actual:
        raise Mismatch(f"{name} is {actual!r}, not {expected!r}")


if __name__ == "__main__":
    sys.exit(main())
