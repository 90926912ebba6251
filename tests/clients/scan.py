"""Two scans of the same targets from submit to comparison, as an agent of your own would do it.

    pip install fastmcp
    python scan.py http://127.0.0.1:8836/mcp 10.0.0.0/28

A server with tokens wants one: put it into SCANHOST_TOKEN.
"""

import asyncio
import json
import os
import sys
import uuid

from fastmcp import Client

# What makes two findings the same.
KEY = ["host", "port", "protocol", "plugin_id"]


async def main(url: str, targets: str) -> None:
    async with Client(url, auth=os.environ.get("SCANHOST_TOKEN")) as client:
        before = await scan(client, targets, "before")
        after = await scan(client, targets, "after")
        worst = await findings(client, after, "summary", {"severity": ">=High", "exploit_available": True})
        for finding in worst:
            print(f"fix first: {finding['plugin_name']} on {finding['host']}")
        compared = await compare(client, before, after)
        print(", ".join(f"{len(found)} {what}" for what, found in compared.items()))


async def scan(client: Client, targets: str, name: str) -> str:
    """Submits a scan and waits until it has ended. The key makes it safe to send the request again."""
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
    """All findings that pass the filters, page by page."""
    found, page = [], {"page": 1, "page_size": 100}
    while page:
        asked = {"task_id": task_id, "schema_profile": profile, "filters": filters, **page}
        answer = await client.call_tool("get_scan_results", asked)
        lines = [json.loads(line) for line in answer.content[0].text.split("\n")]
        found += [line for line in lines if line["type"] == "vulnerability"]
        page = rest(lines)
    return found


def rest(lines: list[dict]) -> dict | None:
    """What asks for more: the rest of a page that was cut, else the next page."""
    for line in lines:
        if line["type"] == "truncated":
            return line["resume"]
    last = lines[-1]
    return {"page": last["next_page"], "page_size": last["page_size"]} if last["has_next"] else None


async def compare(client: Client, before: str, after: str) -> dict[str, set]:
    async def keys(task_id: str) -> set:
        found = await findings(client, task_id, "full", {"severity": ">=Low"})
        return {tuple(finding.get(field) for field in KEY) for finding in found}

    old, new = await keys(before), await keys(after)
    return {"new": new - old, "gone": old - new, "still there": old & new}


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
