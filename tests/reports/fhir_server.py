"""A small FHIR server in memory: transactions with conditional creates, reads, updates and searches.

It is as strict as a server may be: what a reference leads to must be there, and a conditional reference must mean one.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Resource = dict[str, Any]


class RefusedError(Exception):
    """What the server doesn't do, with the status that says so."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Store:
    """The resources by type and id."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], Resource] = {}

    def put(self, resource: Resource) -> Resource:
        self.held[resource["resourceType"], resource["id"]] = resource
        return resource

    def of(self, type: str) -> list[Resource]:
        return [resource for (kind, _), resource in self.held.items() if kind == type]

    def search(self, type: str, query: str) -> list[Resource]:
        found = self.of(type)
        for name, values in parse_qs(query).items():
            if name in ("identifier", "_tag"):
                found = [each for each in found if self._coded(each, name, values[0])]
            elif not name.startswith("_"):
                raise RefusedError(400, f"no search by {name}")
        return found

    def _coded(self, resource: Resource, name: str, value: str) -> bool:
        system, _, code = value.partition("|")
        code = re.sub(r"\\(.)", r"\1", code)
        if name == "_tag":
            tags = resource.get("meta", {}).get("tag", ())
            return any((each["system"], each["code"]) == (system, code) for each in tags)
        return any((each.get("system"), each["value"]) == (system, code) for each in resource.get("identifier", ()))

    def transaction(self, bundle: Resource) -> Resource:
        """All of it or nothing: what is held already by its `ifNoneExist` stays as it is; a PUT takes its place."""
        before, addresses, new, answers = dict(self.held), {}, [], []
        for entry in bundle["entry"]:
            method, url = entry["request"]["method"], entry["request"]["url"]
            type, _, query = url.partition("?")
            if method not in ("POST", "PUT") or (method == "POST") == bool(query):
                raise RefusedError(405, f"{method} {url}")
            held = self.search(type, query or unquote(entry["request"]["ifNoneExist"]))
            if len(held) > 1:
                raise RefusedError(412, f"{entry['request']} means several")
            id = held[0]["id"] if held else f"s{len(self.held) + len(new) + 1}"
            new += [] if held and method == "POST" else [{**entry["resource"], "id": id}]
            addresses[entry["fullUrl"]] = f"{type}/{id}"
            answers.append({"response": {"status": "200" if held else "201", "location": f"{type}/{id}"}})
        try:
            ready = [json.loads(json.dumps(each), object_hook=lambda node: self._led(node, addresses)) for each in new]
            for resource in ready:
                self.put(resource)
            self._whole(ready)
        except RefusedError:
            self.held = before
            raise
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}

    def _led(self, node: Resource, addresses: dict[str, str]) -> Resource:
        reference = node.get("reference")
        if isinstance(reference, str) and reference.startswith("urn:uuid:"):
            if reference not in addresses:
                raise RefusedError(400, f"{reference} leads nowhere")
            return {**node, "reference": addresses[reference]}
        if isinstance(reference, str) and "?" in reference:
            type, _, query = reference.partition("?")
            found = self.search(type, query)
            if len(found) != 1:
                raise RefusedError(412, f"{reference} means {len(found)}")
            return {**node, "reference": f"{type}/{found[0]['id']}"}
        return node

    def _whole(self, resources: list[Resource]) -> None:
        for reference in (each for resource in resources for each in references(resource)):
            if not reference.startswith(("#", "http")) and tuple(reference.split("/")) not in self.held:
                raise RefusedError(409, f"{reference} is not here")


def references(node: Any) -> Iterator[str]:
    """Every reference within a resource."""
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)


class Handler(BaseHTTPRequestHandler):
    store: Store

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        if len(parts) == 2:
            found = self.store.held.get((parts[0], parts[1]))
            return self._answer(200 if found else 404, found or {"resourceType": "OperationOutcome", "issue": []})
        entries = [{"resource": each} for each in self.store.search(parts[0], url.query)]
        page = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}
        return self._answer(200, page)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        try:
            if body["resourceType"] == "Bundle":
                return self._answer(200, self.store.transaction(body))
            return self._answer(201, self.store.put({**body, "id": body.get("id", f"s{len(self.store.held) + 1}")}))
        except RefusedError as refused:
            said = [{"severity": "error", "code": "processing", "diagnostics": str(refused)}]
            return self._answer(refused.status, {"resourceType": "OperationOutcome", "issue": said})

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._answer(200, self.store.put(body))

    def _answer(self, status: int, body: Resource) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/fhir+json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""


@contextmanager
def served() -> Iterator[str]:
    """The address of a new, empty server."""
    handler = type("OwnHandler", (Handler,), {"store": Store()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
