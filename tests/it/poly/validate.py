"""Validates SOAP answers. Arguments: directories of the 2016 and the 2007 SP1 schema. In: JSON list of [request, status, answer];
out: JSON list of verdicts. An answer must be valid in the 2016 schema, and in the old one too when its client is old."""
import json
import re
import sys

from lxml import etree

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
newer, older = (etree.XMLSchema(etree.parse(f"{directory}/messages.xsd")) for directory in sys.argv[1:3])


def verdict(request, status, answer):
    try:
        root = etree.fromstring(answer.encode())
    except etree.XMLSyntaxError as error:
        return f"not XML: {error}"
    if root.tag != SOAP + "Envelope":
        return "no envelope"
    if root.find(f"{SOAP}Body/{SOAP}Fault") is not None:
        return "fault" if status == 500 else f"a fault with status {status}"
    call = etree.fromstring(etree.tostring(root.find(SOAP + "Body")[0]))
    version = re.search(r"RequestServerVersion [^>]*Version=[\"']([^\"']+)", request)
    schemas = [newer] if version and not version[1].startswith("Exchange2007") else [newer, older]
    for schema in schemas:
        if not schema.validate(call):
            return "; ".join(error.message for error in list(schema.error_log)[:3])
    return "valid"


json.dump([verdict(*exchange) for exchange in json.load(sys.stdin)], sys.stdout)
