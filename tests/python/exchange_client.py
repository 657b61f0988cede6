"""exchangelib against the simulated Exchange. In: JSON with port, certificate (a file), username, password, mailbox, start, end. Out: JSON
with what it saw. Every name leads to 127.0.0.1 and that port. While it listens to the stream it writes one line, `listening`."""
import json
import os
import sys
from datetime import datetime

ask = json.load(sys.stdin)
os.environ["REQUESTS_CA_BUNDLE"] = ask["certificate"]
os.environ["NO_PROXY"] = "*"

import urllib3.util.connection  # noqa: E402

connect = urllib3.util.connection.create_connection
urllib3.util.connection.create_connection = lambda address, *args, **more: connect(("127.0.0.1", ask["port"]), *args, **more)

from exchangelib import IMPERSONATION, UTC, Account, Credentials, EWSDateTime, EWSTimeZone  # noqa: E402
from exchangelib.autodiscover import Autodiscovery  # noqa: E402

Autodiscovery._ensure_valid_hostname = lambda self, url: None  # there is no DNS here


def when(text):
    return EWSDateTime.from_datetime(datetime.fromisoformat(text)).astimezone(UTC)


credentials = Credentials(ask["username"], ask["password"])
account = Account(
    ask["mailbox"], credentials=credentials, autodiscover=True, access_type=IMPERSONATION, default_timezone=UTC
)
start, end = when(ask["start"]), when(ask["end"])


def shown(item):
    return {
        "subject": item.subject,
        "start": str(item.start),
        "body": str(item.body),
        "organizer": item.organizer.email_address,
        "response": item.my_response_type,
        "type": item.type,
    }


seen = {
    "url": account.protocol.service_endpoint,
    "by": account.protocol.auth_type,
    "viewed": [shown(item) for item in account.calendar.view(start=start, end=end)],
    "changed": [kind for kind, _ in account.calendar.sync_items()],
}
subscription = account.calendar.subscribe_to_streaming()
print("listening", flush=True)
notification = next(
    notification
    for notification in account.calendar.get_streaming_events(subscription, connection_timeout=1)
    if notification.events
)
events = [(type(event).__name__, event.item_id.id if event.event_type == "item" else None) for event in notification.events]
seen["events"] = sorted({name for name, _ in events})
changed = next(id for _, id in events if id)
seen["new"] = shown(next(item for item in account.calendar.view(start=start, end=end) if item.id == changed))
account.calendar.unsubscribe(subscription)
try:
    Account("nobody@example.com", credentials=credentials, autodiscover=True, access_type=IMPERSONATION)
except Exception as error:  # the test compares the name
    seen["nobody"] = type(error).__name__
wanted = [UTC, EWSTimeZone("Europe/Berlin"), EWSTimeZone("America/New_York")]
zones = account.protocol.get_timezones(timezones=wanted, return_full_timezone_data=True)
seen["zones"] = []
for zone in zones:
    _, summer, standard = zone.get_std_and_dst(for_year=2026)
    begins = [summer.iso_month, summer.occurrence, str(summer.time)] if summer.bias else []
    seen["zones"].append([zone.id, standard.bias_in_minutes, *begins])
print(json.dumps(seen))
