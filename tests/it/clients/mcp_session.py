"""Tests a server with the official Python client: calls every tool, runs one scan to its findings, cancels another.

    pip install mcp
    python mcp_session.py MODE URL
    python mcp_session.py MODE COMMAND ARGUMENT...      over stdio

MODE is `auto`, which negotiates the newest protocol that both sides know, or `legacy`, which begins with `initialize`.
The server has to have a pool `mock` whose scans take seconds and a pool `mock_slow` whose scans take minutes.
The client checks each structured result against the output schema of its tool. If everything is right, the script
prints one line and exits with 0.
"""

import asyncio
import collections
import json
import sys

import mcp

MINIMAL = ["host", "plugin_id", "severity", "cve", "cvss_score", "exploit_available"]
LOGIN = {"ssh_username": "audit", "ssh_password": "correct horse battery"}


class Mismatch(Exception):
    """The server does not do what it promises."""


class Session:
    """A connected client that records which tools were called."""

    def __init__(self, client: mcp.Client):
        self.client = client
        self.called: set[str] = set()

    async def call(self, tool: str, **arguments):
        self.called.add(tool)
        return await self.client.call_tool(tool, arguments)

    async def call_ok(self, tool: str, **arguments) -> dict:
        result = await self.call(tool, **arguments)
        if result.is_error:
            raise Mismatch(f"{tool} failed: {result.content[0].text}")
        check(f"the text of {tool}", result.structured_content, json.loads(result.content[0].text))
        return result.structured_content

    async def call_refused(self, tool: str, code: str, **arguments) -> None:
        result = await self.call(tool, **arguments)
        if not result.is_error or result.structured_content is not None:
            raise Mismatch(f"{tool} was not refused: {result}")
        error = json.loads(result.content[0].text)["error"]
        check(f"the keys of the error of {tool}", {"code", "message", "hint"}, set(error))
        check(f"the code of the error of {tool}", code, error["code"])

    async def results(self, **arguments) -> list[dict]:
        result = await self.call("get_scan_results", **arguments)
        if result.is_error or result.structured_content is not None:
            raise Mismatch(f"get_scan_results returned {result}")
        return [json.loads(line) for line in result.content[0].text.split("\n")]

    async def wait_for_end(self, task_id: str) -> dict:
        while True:
            status = await self.call_ok("wait_for_scan", task_id=task_id, timeout_seconds=10)
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
        await scan_with_credentials(session)
        await check_refusals(session)
        await check_queries(session, task_id)
        check("the called tools", sorted(tools), sorted(session.called))
        print(f"ok: protocol {client.protocol_version}, {len(tools)} tools called, {pages}")


async def scan(session: Session) -> str:
    submitted = await session.call_ok("run_untrusted_scan", targets="10.0.0.0/28", name="python", scanner_pool="mock")
    check("the status after the submit", "queued", submitted["status"])
    status = await session.wait_for_end(submitted["task_id"])
    check("the status at the end", "completed", status["status"])
    return submitted["task_id"]


async def read_pages(session: Session, task_id: str) -> str:
    """Reads two pages with a filter on a field that the profile hides. The same findings are also filtered here."""
    all_findings = findings(await session.results(task_id=task_id, schema_profile="full", page=0))
    family, count = collections.Counter(finding["plugin_family"] for finding in all_findings).most_common(1)[0]
    if count <= 10:
        raise Mismatch("no family of the mock has enough findings for two pages")
    expected = [minimal(finding) for finding in all_findings if finding["plugin_family"] == family]
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
    return f"{count} of {len(all_findings)} findings in pages"


def findings(lines: list[dict]) -> list[dict]:
    return [line for line in lines if line["type"] == "vulnerability"]


def minimal(finding: dict) -> dict:
    return {name: finding[name] for name in ["type", *MINIMAL] if name in finding}


async def cancel(session: Session) -> None:
    submitted = await session.call_ok("run_untrusted_scan", targets="10.0.0.1", name="slow", scanner_pool="mock_slow")
    task_id = submitted["task_id"]
    await session.call_refused("get_scan_results", "not_ready", task_id=task_id)
    await session.call_ok("cancel_scan", task_id=task_id)
    check("the status after the cancel", "cancelled", (await session.wait_for_end(task_id))["status"])
    check("the deletion", True, (await session.call_ok("delete_scan", task_id=task_id))["deleted"])
    await session.call_refused("get_scan_status", "not_found", task_id=task_id)


async def scan_with_credentials(session: Session) -> None:
    trusted = await session.call_ok(
        "run_trusted_scan", targets="10.0.0.2", name="trusted", scanner_pool="mock", **LOGIN
    )
    privileged = await session.call_ok(
        "run_privileged_scan",
        targets="10.0.0.3",
        name="privileged",
        scanner_pool="mock",
        elevate_privileges_with="sudo",
        **LOGIN,
    )
    for submitted in (trusted, privileged):
        settings = await session.call_ok("get_scan_settings", task_id=submitted["task_id"])
        check("the password in the settings", "***", settings["ssh_password"])
        check("the status at the end", "completed", (await session.wait_for_end(submitted["task_id"]))["status"])


async def check_refusals(session: Session) -> None:
    await session.call_refused("get_scan_status", "invalid_argument", task_id="../../etc/passwd")
    await session.call_refused("run_untrusted_scan", "target_not_allowed", targets="8.8.8.8", name="public")


async def check_queries(session: Session, task_id: str) -> None:
    status = await session.call_ok("get_scan_status", task_id=task_id)
    check("the status", "completed", status["status"])
    listed = (await session.call_ok("list_scans", target="10.0.0.9"))["scans"]
    check("the scans of 10.0.0.9", True, task_id in [scan["task_id"] for scan in listed])
    summary = await session.call_ok("get_scan_summary", task_id=task_id)
    total = status["results_summary"]["total_vulnerabilities"]
    check("the findings in the summary", total, summary["total_vulnerabilities"])
    compared = await session.call_ok("compare_scans", baseline_task_id=task_id, task_id=task_id)
    check("the new findings of a scan compared with itself", 0, compared["counts"]["new"])
    report = await session.call_ok("download_native_scan", task_id=task_id)
    with open(report["path"], "rb") as file:
        check("the size of the report", len(file.read()), report["size"])
    pools = (await session.call_ok("list_pools"))["pools"]
    check("the pools", ["mock", "mock_slow"], sorted(pool["name"] for pool in pools))
    scanners = (await session.call_ok("list_scanners", scanner_pool="mock"))["scanners"]
    check("the scanners", ["mock1"], [scanner["instance_id"] for scanner in scanners])
    check("the capacity", True, (await session.call_ok("get_pool_status", scanner_pool="mock"))["capacity"] > 0)
    check("the queue", 0, (await session.call_ok("get_queue_status", scanner_pool="mock"))["queue_depth"])
    profiles = (await session.call_ok("list_profiles"))["profiles"]
    check("the profiles", True, {"minimal", "summary", "brief", "full"} <= {profile["name"] for profile in profiles})


def check(name: str, expected: object, actual: object) -> None:
    if expected != actual:
        raise Mismatch(f"{name}: expected {expected!r}, got {actual!r}")


def messages(error: BaseException) -> list[str]:
    """Returns the single errors in the exception groups that the client's tasks raise."""
    if isinstance(error, BaseExceptionGroup):
        return [message for inner in error.exceptions for message in messages(inner)]
    return [f"{type(error).__name__}: {error}"]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(sys.argv[1], sys.argv[2:]))
    except Exception as error:
        sys.exit("\n".join(messages(error)))
