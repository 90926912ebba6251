"""An MCP client of scanhost for the stateless protocol 2026-07-28: one POST per call, over one connection."""

import http.client
import json
import sys
import urllib.parse

PROTOCOL = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": PROTOCOL,
    "io.modelcontextprotocol/clientInfo": {"name": "scanhost reference", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Client:
    def __init__(self, url):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=90)

    def call(self, tool, arguments):
        """Calls a tool. Returns whether the call failed, and the text of its result."""
        params = {"name": tool, "arguments": arguments, "_meta": META}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": PROTOCOL,
            "mcp-method": "tools/call",
            "mcp-name": tool,
        }
        self.connection.request("POST", "/mcp", body, headers)
        response = self.connection.getresponse().read().decode()
        events = [line[5:].strip() for line in response.split("\n") if line.startswith("data:")]
        message = json.loads(next((event for event in reversed(events) if event), response))
        if "result" not in message:
            sys.exit(f"{tool}: {message}")
        return message["result"].get("isError", False), message["result"]["content"][0]["text"]

    def call_ok(self, tool, arguments):
        """Calls a tool, which has to succeed, and returns its result as JSON."""
        is_error, text = self.call(tool, arguments)
        if is_error:
            sys.exit(f"{tool}: {text}")
        return json.loads(text)
