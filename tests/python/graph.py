"""graph.py DESCRIPTION.json < EXCHANGES.json: what is wrong with requests to Microsoft Graph and their answers, as a JSON list.

DESCRIPTION is OpenAPI 3.0 as it is made of Graph's CSDL. An exchange is {method, url, headers, sent, status, body}."""

import json
import re
import sys
from urllib.parse import parse_qsl, urlsplit

import jsonschema


def plain(schema):
    """OpenAPI 3.0 as JSON Schema: `nullable` and the place of references."""
    if isinstance(schema, list):
        return [plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: plain(value) for name, value in schema.items()}
    if schema.pop("nullable", False):
        schema = {"anyOf": [schema, {"type": "null"}]}
    if "$ref" in schema:
        schema["$ref"] = schema["$ref"].replace("#/components/schemas/", "#/$defs/")
    return schema


description = json.load(open(sys.argv[1]))
definitions = plain(description["components"]["schemas"])


def errors(schema, value, place):
    checker = jsonschema.Draft202012Validator({"$defs": definitions, **plain(schema)})
    for error in checker.iter_errors(value):
        leaf = jsonschema.exceptions.best_match([error])
        yield f"{place} {'/'.join(map(str, leaf.absolute_path))}: {leaf.message[:200]}"


def operation(exchange):
    path = urlsplit(exchange["url"]).path.removeprefix("/v1.0")
    for template, operations in description["paths"].items():
        if re.fullmatch(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template)), path):
            return operations.get(exchange["method"].lower())
    return None


def value_of(text, schema):
    """A query parameter as its schema has it."""
    kinds = {"array": lambda: text.split(","), "integer": lambda: int(text), "boolean": lambda: text == "true"}
    return kinds.get(schema.get("type"), lambda: text)()


def faults(exchange):
    known = operation(exchange)
    if known is None:
        yield f"{exchange['method']} {urlsplit(exchange['url']).path} is not described"
        return
    headers = {name.lower(): value for name, value in exchange["headers"].items()}
    if not headers.get("authorization", "").startswith("Bearer "):
        yield "no bearer"
    query = urlsplit(exchange["url"]).query
    if "+" in query:
        yield "a '+' in the query stands for a space in forms alone"
    given = parse_qsl(query, keep_blank_values=True)
    described = {parameter["name"]: parameter for parameter in known["parameters"] if parameter["in"] == "query"}
    for name, value in given:
        if name in described:
            yield from errors(described[name]["schema"], value_of(value, described[name]["schema"]), name)
        else:
            yield f"unknown parameter {name}"
    for name in (name for name, parameter in described.items() if parameter.get("required")):
        if name not in dict(given):
            yield f"missing required {name}"
    for parameter in known["parameters"]:
        if parameter["in"] == "header" and parameter["name"].lower() in headers:
            yield from errors(parameter["schema"], headers[parameter["name"].lower()], parameter["name"])
    if "requestBody" in known:
        yield from errors(known["requestBody"]["content"]["application/json"]["schema"], exchange.get("sent"), "sent")
    answer = known["responses"].get(str(exchange["status"]), known["responses"]["default"])
    yield from errors(answer["content"]["application/json"]["schema"], exchange["body"], "answer")


exchanges = json.load(sys.stdin)
json.dump([f"{number}: {fault}" for number, exchange in enumerate(exchanges) for fault in faults(exchange)], sys.stdout)
