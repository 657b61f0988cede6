"""Validates SOAP envelopes of Exchange Web Services against Microsoft's schema. Argument: its directory. In: JSON list of texts; out:
JSON list with what is wrong with each, the empty text for nothing. What stands in Body and every header are looked at; faults have no
schema."""
import json
import sys

from lxml import etree

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
schema = etree.XMLSchema(etree.parse(f"{sys.argv[1]}/messages.xsd"))


def fault(text):
    try:
        root = etree.fromstring(text.encode())
    except etree.XMLSyntaxError as error:
        return f"not XML: {error}"
    if root.tag != SOAP + "Envelope":
        return "no envelope"
    bodies, headers = root.findall(SOAP + "Body"), root.findall(f"{SOAP}Header/*")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        return "not one thing in one Body"
    for part in [*headers, bodies[0][0]]:
        alone = etree.fromstring(etree.tostring(part))
        if alone.tag != SOAP + "Fault" and not schema.validate(alone):
            return "; ".join(error.message for error in list(schema.error_log)[:3])
    return ""


json.dump([fault(text) for text in json.load(sys.stdin)], sys.stdout)
