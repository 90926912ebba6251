"""A backend for scanhost. Its scanner is fictional: change paths, JSON and report to those of your scanner.

Every call runs in a new instance with empty memory: put what a later call needs into the state.
"""

import json
import re
from typing import Optional

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.reader import Authentication, ParseError, ReportInfo
from wit_world.exports.scanner import (
    Description,
    ExportStep_Done,
    ListedScan,
    RemoteScan,
    RemoteState_Completed,
    RemoteState_Created,
    RemoteState_Failed,
    RemoteState_Running,
    ScannerHealth,
    ScanStatus,
)
from wit_world.imports import findings, http, report, types

FIELDS = ["host", "port", "severity", "plugin_name"]
BATCH = 5000
MAX_DEPTH = 100


class Scanner(exports.Scanner):
    def describe(self):
        return Description(
            name="@NAME@",
            version="0.1.0",
            report_extension="csv",
            state_version=1,
            resumable=True,
            scan_types=[types.ScanType.UNTRUSTED],
            auth=[],
            fields=[],
        )

    def create(self, context, request):
        name = f"{request.name} [{context.installation} {request.task_id}]"
        body = {"name": name, "targets": ",".join(request.targets)}
        answer = accepted("create the scan", http.Method.POST, "/scans", body)
        return RemoteScan(id=text(answer, "id"), state=b"")

    def find(self, context, task_id):
        for scan_id, task, _ in listed(context):
            if task == task_id:
                return RemoteScan(id=scan_id, state=b"")
        return None

    def list_scans(self, context):
        return [ListedScan(scan_id, task, state not in ("done", "failed")) for scan_id, task, state in listed(context)]

    def launch(self, context, id):
        answer = send("launch the scan", http.Method.POST, path(id, "/launch"), {})
        if answer.status == 409:
            raise Err(types.ScanError_AlreadyRunning())
        accept("launch the scan", answer)
        return context.state

    def status(self, context, id):
        answer = accepted("read the scan's status", http.Method.GET, path(id))
        state = {
            "new": RemoteState_Created(),
            "done": RemoteState_Completed(),
            "failed": RemoteState_Failed("the scan failed at the scanner"),
        }.get(text(answer, "state"))
        if state is None:
            percent = answer.get("percent")
            state = RemoteState_Running(min(max(percent, 0), 99) if isinstance(percent, int) else 0)
        return ScanStatus(state, context.state)

    def stop(self, context, id):
        answer = send("stop the scan", http.Method.POST, path(id, "/stop"), {})
        # 409: the scan has already ended.
        if answer.status != 409:
            accept("stop the scan", answer)

    def remove(self, context, id):
        answer = send("delete the scan", http.Method.DELETE, path(id))
        if answer.status != 404:
            accept("delete the scan", answer)

    def export_report(self, context, id, cursor):
        request = http.Request(http.Method.GET, path(id, "/report"), [], None)
        accept("download the report", attempt("download the report", http.download, request))
        return ExportStep_Done()

    def health(self, context):
        accepted("check the scanner", http.Method.GET, "/ready")
        return ScannerHealth(True, "the scanner answers")


def listed(context):
    """Lists the id, task and state of every scan of this installation."""
    scans = accepted("list the scans", http.Method.GET, "/scans").get("scans")
    if not isinstance(scans, list):
        raise not_expected("list the scans")
    found = []
    for scan in scans:
        name = text(scan, "name")
        marker = name[name.rfind("[") + 1 : -1].split(" ") if name.endswith("]") else []
        if len(marker) == 2 and marker[0] == context.installation:
            found.append((text(scan, "id"), marker[1], scan.get("state", "")))
    return found


def path(scan_id: str, rest: str = "") -> str:
    """Builds the path of a scan. Ids come from the scanner, so one that is not safe in a path is refused."""
    if not re.fullmatch("[0-9A-Za-z_-]+", scan_id):
        raise Err(types.ScanError_NotFound("the scan's id is not valid for this scanner"))
    return f"/scans/{scan_id}{rest}"


def send(purpose: str, method, path: str, body: Optional[dict] = None):
    headers = [("accept", "application/json")]
    data = None
    if body is not None:
        headers.append(("content-type", "application/json"))
        data = json.dumps(body).encode()
    return attempt(purpose, http.send, http.Request(method, path, headers, data))


def attempt(purpose: str, call, request):
    """Returns the answer of `call`. If no complete answer came, raises the error that the host understands."""
    try:
        return call(request)
    except Err as error:
        raise no_answer(purpose, error)


def accepted(purpose: str, method, path: str, body: Optional[dict] = None) -> dict:
    """Sends a request and returns the JSON object of a successful answer."""
    answer = accept(purpose, send(purpose, method, path, body))
    value = read_json(answer.body)
    if not isinstance(value, dict):
        raise not_expected(purpose)
    return value


def read_json(body: bytes):
    """Parses JSON; none if it is malformed or too deep. A component's stack is small: overflowing it ends the call."""
    depth = 0
    for bracket in re.findall(rb"[\[{\]}]", body):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            return None
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError:
        return None


def accept(purpose: str, answer):
    """Returns the answer if it is a success, otherwise raises what its status means. Errors never quote the scanner."""
    status = answer.status
    if 200 <= status < 300:
        return answer
    what = f"cannot {purpose}: the scanner answered with status {status}"
    if status in (401, 403):
        raise Err(types.ScanError_Unauthorized(what))
    if status in (404, 410):
        raise Err(types.ScanError_NotFound(what))
    if status == 429:
        after = next((value for name, value in answer.headers if name.lower() == "retry-after"), "")
        seconds = min(int(after), 86400) if re.fullmatch("[0-9]{1,9}", after) else None
        raise Err(types.ScanError_RateLimited(None if seconds is None else seconds * 1000))
    if status in (400, 405, 413, 415, 422):
        raise Err(types.ScanError_Invalid(what))
    if status == 501:
        raise Err(types.ScanError_Unsupported(what))
    raise Err(types.ScanError_Unavailable(what))


def no_answer(purpose: str, error: Err) -> Err:
    """Converts the error of a request without a complete answer."""
    match error.value:
        case http.HttpError_Denied(reason):
            return Err(types.ScanError_Invalid(f"cannot {purpose}: refused by the host: {reason}"))
        case http.HttpError_Unreachable(reason) | http.HttpError_Broken(reason):
            return Err(types.ScanError_Unavailable(f"cannot {purpose}: {reason}"))
        case _:
            return Err(types.ScanError_Internal(f"cannot {purpose}: the answer or the call is too large"))


def not_expected(purpose: str) -> Err:
    return Err(types.ScanError_Internal(f"cannot {purpose}: the scanner's answer is not the expected JSON"))


def text(value, key: str) -> str:
    """Reads a text. JSON may contain half of a surrogate pair, which cannot be passed to the host as text."""
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, str) or re.search("[\ud800-\udfff]", found):
        raise not_expected("read the scanner's answer")
    return found


class Reader(exports.Reader):
    def parse(self, scan_type):
        hosts, batch, rest, first = set(), [], b"", True
        while True:
            try:
                piece = report.read(1 << 20)
            except Err as error:
                raise Err(ParseError(error.value, 0))
            lines = (rest + piece).split(b"\n")
            rest = lines.pop() if piece else b""
            for line in lines:
                values = line.decode("utf-8", "replace").strip("\r").split(",")
                if values != [""]:
                    hosts.add(values[0])
                    batch.append(values)
                if len(batch) >= BATCH:
                    first, batch = emit(batch, first), []
            if not piece:
                break
        if batch:
            emit(batch, first)
        return ReportInfo(None, None, len(hosts), Authentication.NOT_APPLICABLE, [])


def emit(rows, first: bool) -> bool:
    """Hands findings over as one block of bytes, and cells that point into it."""
    arena, cells, counts = bytearray(), [], []
    for values in rows:
        count = 0
        for field, value in enumerate(values[: len(FIELDS)]):
            data = value.encode()
            if data:
                cells.append(findings.Cell(field, len(arena), len(data)))
                arena += data
                count += 1
        counts.append(count)
    try:
        findings.emit(findings.Batch(FIELDS if first else [], bytes(arena), cells, counts))
    except Err as error:
        raise Err(ParseError(error.value, 0))
    return False
