"""Exchanges with the Calendar API, checked against Google's own description of it.

A list of {method, url, headers, sent, status, body} on stdin, a list of faults on stdout. The description is the discovery document
that comes with google-api-python-client.
"""

import json
import os
import re
import sys
from urllib.parse import parse_qsl, urlsplit

import googleapiclient.discovery_cache
import jsonschema

DOCUMENTS = os.path.join(os.path.dirname(googleapiclient.discovery_cache.__file__), "documents")
with open(os.path.join(DOCUMENTS, "calendar.v3.json"), encoding="utf-8") as file:
    API = json.load(file)

BASE = "/calendar/v3/"
FORMATS = {
    "date-time": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
    "date": r"^\d{4}-\d\d-\d\d$",
    "int64": r"^-?\d+$",
    "uint64": r"^\d+$",
}


def schema_of(described):
    """A JSON Schema of a description; objects have the named properties and no others."""
    if not isinstance(described, dict):
        return described
    schema = {}
    for key, value in described.items():
        if key == "$ref":
            schema["$ref"] = "#/$defs/" + value
        elif key == "properties":
            schema["properties"] = {name: schema_of(each) for name, each in value.items()}
            schema.setdefault("additionalProperties", False)
        elif key in ("items", "additionalProperties"):
            schema[key] = schema_of(value)
        elif key in ("enum", "pattern") or (key == "type" and value != "any"):
            schema[key] = value
        elif key in ("minimum", "maximum"):
            schema[key] = float(value)
        elif key == "format" and described.get("type") == "string" and value in FORMATS:
            schema["pattern"] = FORMATS[value]
    return schema


DEFINITIONS = {name: schema_of(described) for name, described in API["schemas"].items()}


def methods(resource):
    yield from resource.get("methods", {}).values()
    for below in resource.get("resources", {}).values():
        yield from methods(below)


METHODS = list(methods(API))


def misfits(schema, value):
    validator = jsonschema.Draft202012Validator({"$defs": DEFINITIONS, **schema})
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in validator.iter_errors(value)]


def method_of(name, url):
    path = urlsplit(url).path
    if not path.startswith(BASE):
        return None
    for method in METHODS:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(method["path"]))
        if method["httpMethod"] == name and re.fullmatch(pattern, path[len(BASE) :]):
            return method
    return None


def mask_faults(mask, reference):
    """Names of a mask of fields that the resource does not have."""
    faults, path, name = [], [API["schemas"][reference]], ""

    def below(resource, field):
        while "$ref" in resource:
            resource = API["schemas"][resource["$ref"]]
        if resource.get("type") == "array":
            return below(resource["items"], field)
        found = resource.get("properties", {}).get(field)
        if found is None:
            faults.append(f"fields: there is no `{field}`")
        return found or {}

    for character in mask + ",":
        if character in ",()":
            last = below(path[-1], name) if name else None
            name = ""
            if character == "(":
                path.append(last)
            elif character == ")":
                path.pop()
        else:
            name += character
    return faults


def request_faults(exchange, method):
    url, headers = exchange["url"], {k.lower(): v for k, v in exchange["headers"].items()}
    known = {**API["parameters"], **method["parameters"]} if "parameters" in method else API["parameters"]
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    query, faults = dict(pairs), []
    if not headers.get("authorization", "").startswith("Bearer "):
        faults.append("no bearer")
    if "+" in urlsplit(url).query:
        faults.append("a bare + stands for a space")
    for name, value in pairs:
        parameter = known.get(name)
        if not parameter or parameter.get("location") != "query":
            faults.append(f"there is no parameter {name}")
            continue
        if not parameter.get("repeated") and [each for each, _ in pairs].count(name) > 1:
            faults.append(f"{name} stands more than once")
        kind = parameter["type"]
        try:
            typed = {"integer": int, "boolean": {"true": True, "false": False}.__getitem__}.get(kind, str)(value)
        except (KeyError, ValueError):
            faults.append(f"{name}: {value!r} is no {kind}")
            continue
        faults += [f"{name}: {fault}" for fault in misfits(schema_of(parameter), typed)]
    # Said in the descriptions of the parameters.
    if query.get("orderBy") == "startTime" and query.get("singleEvents") != "true":
        faults.append("orderBy=startTime needs singleEvents")
    if "syncToken" in query and {"timeMin", "timeMax", "q", "orderBy", "iCalUID", "updatedMin"} & set(query):
        faults.append("syncToken stands beside a restriction")
    if "fields" in query:
        faults += mask_faults(query["fields"], method["response"]["$ref"])
    if "request" in method:
        faults += misfits({"$ref": "#/$defs/" + method["request"]["$ref"]}, exchange["sent"])
        if "json" not in headers.get("content-type", ""):
            faults.append("the body is not said to be JSON")
    return faults


FAULT = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "errors"],
            "properties": {
                "code": {"type": "integer"},
                "errors": {"type": "array", "items": {"type": "object", "required": ["domain", "reason", "message"]}},
            },
        }
    },
}


def response_faults(exchange, method):
    if exchange["status"] == 304:
        return [] if exchange["body"] is None else ["a 304 has no body"]
    if exchange["status"] >= 400:
        return misfits(FAULT, exchange["body"])
    reference = method["response"]["$ref"]
    kind = API["schemas"][reference]["properties"]["kind"]["default"]
    faults = misfits({"$ref": "#/$defs/" + reference}, exchange["body"])
    return faults if exchange["body"].get("kind") == kind else [*faults, f"kind is not {kind}"]


def main():
    faults = []
    for number, exchange in enumerate(json.load(sys.stdin), 1):
        method = method_of(exchange["method"], exchange["url"])
        if method is None:
            faults.append(f"{number}: there is no {exchange['method']} {urlsplit(exchange['url']).path}")
            continue
        faults += [f"{number} request: {fault}" for fault in request_faults(exchange, method)]
        faults += [f"{number} answer: {fault}" for fault in response_faults(exchange, method)]
    json.dump(faults, sys.stdout)


main()
