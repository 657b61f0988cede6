"""validate.py SCHEMA.xsd < DOCUMENTS.json: one line for each XML document of a JSON list, `valid` or what is wrong with it."""

import json
import sys

from lxml import etree

schema = etree.XMLSchema(etree.parse(sys.argv[1]))
for document in json.load(sys.stdin):
    try:
        valid = schema.validate(etree.fromstring(document.encode()))
        print("valid" if valid else str(schema.error_log.last_error).replace("\n", " "))
    except etree.XMLSyntaxError as error:
        print(f"not XML: {error}".replace("\n", " "))
