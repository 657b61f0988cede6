"""validate.py < {"sarif": [TEXT], "gitlab": [TEXT], "junit": [TEXT]}: prints, as JSON, a list of [form, index, what is wrong]."""

import json
import pathlib
import sys

import jsonschema
from lxml import etree

schemas = pathlib.Path(__file__).parent.parent.parent / "schemas"


def load(path):
    schema = json.loads((schemas / path).read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


sarif = load("sarif/sarif-schema-2.1.0.json")
issue = load("gitlab/codeclimate.json")
junit = etree.XMLSchema(etree.parse(schemas / "junit/junit-10.xsd"))


def in_sarif(text):
    yield from (error.message for error in sarif.iter_errors(json.loads(text)))


def in_gitlab(text):
    issues = json.loads(text)
    prints = [one.get("fingerprint") for one in issues]
    if len(set(prints)) != len(prints):
        yield "two issues share a fingerprint"
    for one in issues:
        faults = [error.message for error in issue.iter_errors(one)]
        yield from faults
        if faults:
            continue
        # What the manual asks for beyond the schema.
        if one["severity"] not in ("info", "minor", "major", "critical", "blocker"):
            yield f"severity {one['severity']}"
        if one["location"]["path"].startswith(("/", "./")) or "check_name" not in one:
            yield f"location {one['location']}"


def in_junit(text):
    tree = etree.fromstring(text.encode())
    if not junit.validate(tree):
        yield str(junit.error_log.last_error)
    for suite in tree.iter("testsuite"):
        cases, failures = len(suite.findall("testcase")), len(suite.findall("testcase/failure"))
        if (suite.get("tests"), suite.get("failures")) != (str(cases), str(failures)):
            yield f"suite {suite.get('name')} does not count its cases"


wrong = []
for form, texts in json.load(sys.stdin).items():
    check = {"sarif": in_sarif, "gitlab": in_gitlab, "junit": in_junit}[form]
    for index, text in enumerate(texts):
        try:
            wrong += [[form, index, fault] for fault in check(text)]
        except (ValueError, etree.XMLSyntaxError) as error:
            wrong.append([form, index, str(error)])
json.dump(wrong, sys.stdout)
