"""The official Python client drives a server: every tool once, a scan from submit to its findings, another cancelled.

    pip install mcp
    python mcp_session.py MODE URL
    python mcp_session.py MODE COMMAND ARGUMENT...      over stdio

MODE is `auto`, which ends in the newest protocol that both sides know, or `legacy`, which begins with `initialize`.
The server has a pool `mock` that is done within seconds and a pool `mock_slow` whose scans take minutes. The client checks
each structured answer against the output schema of its tool. Ends with 0 and one line when all was right.
"""

import asyncio
import collections
import json
import sys

import mcp

MINIMAL = ["host", "plugin_id", "severity", "cve", "cvss_score", "exploit_available"]
LOGIN = {"ssh_username": "audit", "ssh_password": "correct horse battery"}


class Wrong(Exception):
    """Something differs from what the server promises."""


class Session:
    """A connected client that remembers which tools it called."""

    def __init__(self, client: mcp.Client):
        self.client = client
        self.called: set[str] = set()

    async def call(self, tool: str, **arguments):
        self.called.add(tool)
        return await self.client.call_tool(tool, arguments)

    async def ok(self, tool: str, **arguments) -> dict:
        result = await self.call(tool, **arguments)
        if result.is_error:
            raise Wrong(f"{tool} failed: {result.content[0].text}")
        check(f"the text of {tool}", result.structured_content, json.loads(result.content[0].text))
        return result.structured_content

    async def refused(self, tool: str, code: str, **arguments) -> None:
        result = await self.call(tool, **arguments)
        if not result.is_error or result.structured_content is not None:
            raise Wrong(f"{tool} was not refused: {result}")
        error = json.loads(result.content[0].text)["error"]
        check(f"the parts of a refusal of {tool}", {"code", "message", "hint"}, set(error))
        check(f"the code of a refusal of {tool}", code, error["code"])

    async def results(self, **arguments) -> list[dict]:
        result = await self.call("get_scan_results", **arguments)
        if result.is_error or result.structured_content is not None:
            raise Wrong(f"get_scan_results answered {result}")
        return [json.loads(line) for line in result.content[0].text.split("\n")]

    async def ended(self, task_id: str) -> dict:
        while True:
            status = await self.ok("wait_for_scan", task_id=task_id, timeout_seconds=10)
            if status["status"] not in ("queued", "running"):
                return status


async def main(mode: str, target: list[str]) -> None:
    over_http = target[0].startswith("http")
    parameters = None if over_http else mcp.StdioServerParameters(command=target[0], args=target[1:])
    async with mcp.Client(target[0] if over_http else mcp.stdio_client(parameters), mode=mode) as client:
        session = Session(client)
        tools = [tool.name for tool in (await client.list_tools()).tools]
        task_id = await scan(session)
        pages = await read_pages(session, task_id)
        await cancel(session)
        await log_in(session)
        await refuse(session)
        await look_around(session, task_id)
        check("the tools that were called", sorted(tools), sorted(session.called))
        print(f"ok: protocol {client.protocol_version}, {len(tools)} tools called, {pages}")


async def scan(session: Session) -> str:
    submitted = await session.ok("run_untrusted_scan", targets="10.0.0.0/28", name="python", scanner_pool="mock")
    check("the state after the submit", "queued", submitted["status"])
    status = await session.ended(submitted["task_id"])
    check("the state at the end", "completed", status["status"])
    return submitted["task_id"]


async def read_pages(session: Session, task_id: str) -> str:
    """Two pages, with a filter on a field that the profile hides, against all findings filtered here."""
    everything = findings(await session.results(task_id=task_id, schema_profile="full", page=0))
    family, count = collections.Counter(finding["plugin_family"] for finding in everything).most_common(1)[0]
    if count <= 10:
        raise Wrong("the mock's findings of one family fill no two pages")
    expected = [shown(finding) for finding in everything if finding["plugin_family"] == family]
    for page in (1, 2):
        lines = await session.results(
            task_id=task_id,
            schema_profile="minimal",
            page=page,
            page_size=10,
            filters={"plugin_family": "=" + family.upper()},
        )
        check("the fields", MINIMAL, lines[0]["fields"])
        check("the total", count, lines[0]["total_vulnerabilities"])
        check(f"the findings of page {page}", expected[10 * (page - 1) : 10 * page], findings(lines))
        check("whether there is another page", count > 10 * page, lines[-1]["has_next"])
    return f"{count} of {len(everything)} findings in pages"


def findings(lines: list[dict]) -> list[dict]:
    return [line for line in lines if line["type"] == "vulnerability"]


def shown(finding: dict) -> dict:
    return {name: finding[name] for name in ["type", *MINIMAL] if name in finding}


async def cancel(session: Session) -> None:
    submitted = await session.ok("run_untrusted_scan", targets="10.0.0.1", name="slow", scanner_pool="mock_slow")
    task_id = submitted["task_id"]
    await session.refused("get_scan_results", "not_ready", task_id=task_id)
    await session.ok("cancel_scan", task_id=task_id)
    check("the state after the cancel", "cancelled", (await session.ended(task_id))["status"])
    check("whether it was deleted", True, (await session.ok("delete_scan", task_id=task_id))["deleted"])
    await session.refused("get_scan_status", "not_found", task_id=task_id)


async def log_in(session: Session) -> None:
    trusted = await session.ok("run_trusted_scan", targets="10.0.0.2", name="trusted", scanner_pool="mock", **LOGIN)
    privileged = await session.ok(
        "run_privileged_scan",
        targets="10.0.0.3",
        name="privileged",
        scanner_pool="mock",
        elevate_privileges_with="sudo",
        **LOGIN,
    )
    for submitted in (trusted, privileged):
        settings = await session.ok("get_scan_settings", task_id=submitted["task_id"])
        check("the password in the settings", "***", settings["ssh_password"])
        check("the state at the end", "completed", (await session.ended(submitted["task_id"]))["status"])


async def refuse(session: Session) -> None:
    await session.refused("get_scan_status", "invalid_argument", task_id="../../etc/passwd")
    await session.refused("run_untrusted_scan", "target_not_allowed", targets="8.8.8.8", name="public")


async def look_around(session: Session, task_id: str) -> None:
    status = await session.ok("get_scan_status", task_id=task_id)
    check("the state", "completed", status["status"])
    listed = (await session.ok("list_scans", target="10.0.0.9"))["scans"]
    check("the scans of 10.0.0.9", True, task_id in [scan["task_id"] for scan in listed])
    summary = await session.ok("get_scan_summary", task_id=task_id)
    total = status["results_summary"]["total_vulnerabilities"]
    check("the findings in the summary", total, summary["total_vulnerabilities"])
    compared = await session.ok("compare_scans", baseline_task_id=task_id, task_id=task_id)
    check("what is new in a scan against itself", 0, compared["counts"]["new"])
    report = await session.ok("download_native_scan", task_id=task_id)
    with open(report["path"], "rb") as file:
        check("the size of the report", len(file.read()), report["size"])
    pools = (await session.ok("list_pools"))["pools"]
    check("the pools", ["mock", "mock_slow"], sorted(pool["name"] for pool in pools))
    scanners = (await session.ok("list_scanners", scanner_pool="mock"))["scanners"]
    check("the scanners", ["mock1"], [scanner["instance_id"] for scanner in scanners])
    check("the capacity", True, (await session.ok("get_pool_status", scanner_pool="mock"))["capacity"] > 0)
    check("the queue", 0, (await session.ok("get_queue_status", scanner_pool="mock"))["queue_depth"])
    profiles = (await session.ok("list_profiles"))["profiles"]
    check("the profiles", True, {"minimal", "summary", "brief", "full"} <= {profile["name"] for profile in profiles})


def check(what: str, expected: object, seen: object) -> None:
    if expected != seen:
        raise Wrong(f"{what}: {seen!r}, not {expected!r}")


def reasons(error: BaseException) -> list[str]:
    """What went wrong, out of the groups that the client's tasks wrap it in."""
    if isinstance(error, BaseExceptionGroup):
        return [reason for inner in error.exceptions for reason in reasons(inner)]
    return [f"{type(error).__name__}: {error}"]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(sys.argv[1], sys.argv[2:]))
    except Exception as error:
        sys.exit("\n".join(reasons(error)))
