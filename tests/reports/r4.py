"""The rules of FHIR R4 (4.0.1) that the library for R4B and later can't hold resources to.

`r4.json` has each element of the resources that azaward writes, from HL7's own StructureDefinitions of 4.0.1: how often
it may stand, of which types, where a reference may lead, and the codes of a required value set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

_FREE = {"resource", "contained"}


@lru_cache(maxsize=1)
def elements() -> dict[str, dict[str, Any]]:
    return json.loads((Path(__file__).parent / "r4.json").read_text())


def faults(resource: dict[str, Any], types: Mapping[str, str]) -> list[str]:
    """What R4 forbids in a resource, and in what it contains; `types` are those of the Bundle's own addresses."""
    inside = {f"#{each['id']}": each["resourceType"] for each in resource.get("contained", ())}
    found = [*_in(resource, resource["resourceType"]), *_contained(resource)]
    return [*found, *_astray(resource, resource["resourceType"], {**types, **inside})]


def _astray(node: Any, path: str, types: Mapping[str, str]) -> Iterator[str]:
    """References that lead to a type that R4 doesn't allow there."""
    if isinstance(node, list):
        for each in node:
            yield from _astray(each, path, types)
    if not isinstance(node, dict):
        return
    targets = elements().get(path, {}).get("targets", [])
    address = node.get("reference")
    if targets and "Resource" not in targets and isinstance(address, str):
        type = types.get(address) or address.partition("?")[0].rsplit("/", 2)[-2 if "?" not in address else -1]
        if type not in targets:
            yield f"{path}: leads to a {type}; R4 allows {targets}"
    for key, cell in node.items():
        yield from _astray(cell, f"{path}.{key}", types)


def _in(node: dict[str, Any], path: str, base: str = "") -> Iterator[str]:
    base = base or path
    known = {key.removeprefix(f"{base}."): rule for key, rule in elements().items() if key.startswith(f"{base}.")}
    direct = {name: rule for name, rule in known.items() if "." not in name}
    seen = set()
    for key, cell in node.items():
        if key == "resourceType":
            continue
        name, kind = _element(key, direct)
        if name is None:
            yield f"{path}.{key}: no such element in R4"
            continue
        seen.add(name)
        yield from _cell(cell, f"{path}.{key}", f"{base}.{name}", direct[name], kind)
    yield from (f"{path}.{name}: required" for name, rule in direct.items() if rule["min"] and name not in seen)


def _element(key: str, direct: dict[str, Any]) -> tuple[str | None, str | None]:
    """The element of a key, and the type that the key says: occurrenceDateTime is occurrence[x] as a dateTime."""
    if key in direct:
        return key, None
    for name, rule in direct.items():
        if name.endswith("[x]") and key.startswith(name[:-3]):
            kind = key[len(name) - 3 :]
            if rule["types"] == ["*"] or kind.lower() in [each.lower() for each in rule["types"]]:
                return name, kind
    return None, None


def _cell(cell: Any, path: str, base: str, rule: dict[str, Any], kind: str | None) -> Iterator[str]:
    if rule["max"] == "*" and not (isinstance(cell, list) and cell):
        yield f"{path}: expected a list with something in it"
        return
    if rule["max"] == "1" and isinstance(cell, list):
        yield f"{path}: expected one"
        return
    for each in cell if isinstance(cell, list) else [cell]:
        if each in ("", {}, None):
            yield f"{path}: empty"
        elif "codes" in rule and each not in rule["codes"]:
            yield f"{path}: {each!r} is none of {rule['codes']}"
        elif isinstance(each, dict) and base.rpartition(".")[2] not in _FREE:
            type = kind or next((name for name in rule["types"] if name not in ("BackboneElement", "Element")), None)
            inner = type if type and any(name.startswith(f"{type}.") for name in elements()) else base
            if any(name.startswith(f"{inner}.") for name in elements()):
                yield from _in(each, path, inner)


def _contained(resource: dict[str, Any]) -> Iterator[str]:
    """dom-2 to dom-5, and that "#..." leads to what is contained."""
    inside = {each["id"]: each for each in resource.get("contained", ())}
    referred = set(re.findall(r'"reference": "#([^"]*)"', json.dumps(resource)))
    yield from (f"#{name}: contained but not referred to" for name in inside.keys() - referred)
    yield from (f"#{name}: referred to but not contained" for name in referred - inside.keys())
    for each in inside.values():
        if "contained" in each or {"versionId", "lastUpdated", "security"} & set(each.get("meta", {})):
            yield f"#{each['id']}: contained with what only a whole resource may have"
        yield from _in(each, each["resourceType"])


def bundle_faults(bundle: dict[str, Any]) -> list[str]:
    """bdl-3, bdl-7 and bdl-8, and that every address of the Bundle's own leads to an entry."""
    entries = bundle.get("entry", [])
    urls = [entry["fullUrl"] for entry in entries]
    own = set(re.findall(r'"reference": "(urn:uuid:[^"]*)"', json.dumps(bundle)))
    found = [f"{url}: given twice" for url in set(urls) if urls.count(url) > 1]
    found += [f"{url}: leads nowhere" for url in own - set(urls)]
    wanted = bundle["type"] == "transaction"
    found += [f"{entry['fullUrl']}: request" for entry in entries if ("request" in entry) != wanted]
    found += [f"{url}: with a version" for url in urls if "/_history/" in url]
    types = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in entries}
    return [*found, *_in(bundle, "Bundle"), *(fault for each in entries for fault in faults(each["resource"], types))]
