"""Google's own Python client against a Calendar API at another address.

In: {"api", "key": a service account's, "room", "rooms", "timeMin", "timeMax", "pageSize"}. Out: what it saw.
"""

import json
import sys

from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

asked = json.load(sys.stdin)
scopes = ["https://www.googleapis.com/auth/calendar.readonly"]
credentials = service_account.Credentials.from_service_account_info(asked["key"], scopes=scopes)
calendar = build(
    "calendar", "v3", credentials=credentials, static_discovery=True, client_options={"api_endpoint": asked["api"]}
)
window = {"timeMin": asked["timeMin"], "timeMax": asked["timeMax"]}

events, pages = calendar.events(), []
request = events.list(
    calendarId=asked["room"], singleEvents=True, orderBy="startTime", maxResults=asked["pageSize"], **window
)
while request is not None:
    page = request.execute()
    pages.append([[event.get("summary"), event["start"], event.get("attendees")] for event in page["items"]])
    request = events.list_next(request, page)

busy = calendar.freebusy().query(body={**window, "items": [{"id": room} for room in asked["rooms"]]}).execute()
try:
    events.list(calendarId="nobody@example.com").execute()
    refused = None
except HttpError as error:
    refused = [error.status_code, error.error_details[0]["reason"]]
json.dump({"pages": pages, "busy": busy["calendars"], "refused": refused}, sys.stdout)
