"""Scans the same targets twice, then prints what to fix first and what has changed between the scans.

    pip install fastmcp
    python scan.py 127.0.0.1 http://127.0.0.1:8836/mcp
    python scan.py 127.0.0.1 scanhost stdio             starts its own server and uses it over stdio

If the server requires a token, set SCANHOST_TOKEN.
"""

import asyncio
import json
import os
import sys
import uuid

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main(targets: str, address: str, *arguments: str) -> None:
    async with connect(address, *arguments) as client:
        before = await scan(client, targets, "before")
        after = await scan(client, targets, "after")
        for finding in await findings(client, after, "summary", {"severity": ">=High", "exploit_available": True}):
            print(f"fix first: {finding['plugin_name']} on {finding['host']}")
        compared = await client.call_tool("compare_scans", {"baseline_task_id": before, "task_id": after})
        print(", ".join(f"{count} {change}" for change, count in compared.structured_content["counts"].items()))


def connect(address: str, *arguments: str) -> Client:
    if address.startswith(("http://", "https://")):
        return Client(address, auth=os.environ.get("SCANHOST_TOKEN"))
    return Client(StdioTransport(address, list(arguments)))


async def scan(client: Client, targets: str, name: str) -> str:
    """Submits a scan and waits for its end. The idempotency key makes it safe to repeat the request."""
    request = {"targets": targets, "name": name, "idempotency_key": str(uuid.uuid4())}
    submitted = await client.call_tool("run_untrusted_scan", request)
    task_id = submitted.structured_content["task_id"]
    while True:
        # Each call waits less than a minute; scans take longer.
        waited = await client.call_tool("wait_for_scan", {"task_id": task_id, "timeout_seconds": 50})
        status = waited.structured_content
        if status["status"] not in ("queued", "running"):
            break
    if status["status"] != "completed":
        sys.exit(f"the scan ended as {status['status']}: {status.get('error')}")
    return task_id


async def findings(client: Client, task_id: str, profile: str, filters: dict) -> list[dict]:
    """Returns all findings that match the filters, fetched page by page."""
    found, page = [], {"page": 1, "page_size": 40}
    while page:
        arguments = {"task_id": task_id, "schema_profile": profile, "filters": filters, **page}
        results = await client.call_tool("get_scan_results", arguments)
        lines = [json.loads(line) for line in results.content[0].text.split("\n")]
        found += [line for line in lines if line["type"] == "vulnerability"]
        page = next_request(lines)
    return found


def next_request(lines: list[dict]) -> dict | None:
    """Returns the arguments for the rest of a truncated page, or for the next page, or None after the last page."""
    for line in lines:
        if line["type"] == "truncated":
            return line["resume"]
    pagination = lines[-1]
    if not pagination["has_next"]:
        return None
    return {"page": pagination["next_page"], "page_size": pagination["page_size"]}


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
