"""Writes templates.json beside itself: what Jinja2 makes of templates. Run with jinja2 3.1: `python3 templates.py`.

tests/it/rules/python.rs holds the rule engine to it. Pexip's own functions and filters are not among them, nor are `1e16`
(here 10000000000000000.0), `+'a'` (here `a`, there an error) and `truncate` to less than its end mark (here the mark, there an assertion).
"""
import json
import pathlib

import jinja2

CONTEXT = {
    "calendar_event": {
        "subject": "Weekly <b>sync</b> &amp; more",
        "organizer_full_name": "Dana Field",
        "organizer_first_name": "Dana",
        "organizer_last_name": "Field",
        "organizer_email": "Dana.Field@Example.com",
        "start_time": {"year": 2026, "month": 7, "day": 5, "hour": 9, "minute": 3, "second": 0},
        "end_time": {"year": 2026, "month": 7, "day": 5, "hour": 10, "minute": 30, "second": 0},
        "is_private": False,
        "body": "Dial alice.vmr@example.com\nor 12 345\n",
        "location": "  Fjord, 2nd floor ",
        "properties": {"item_class": "IPM.Appointment", "is_recurring": True, "n": 7, "f": 2.5, "none": None,
                       "list": ["a", "b", 3], "empty": [], "nested": {"x": [1, {"y": "z"}]}},
    },
    "none_found": None,
}
TEMPLATES = r"""
{{ calendar_event.subject }}
{{ calendar_event.is_private }} {{ not calendar_event.is_private }} {{ none }} {{ true }}
{{ calendar_event.nothing }}|
{{ calendar_event["subject"]|length }}
{{ calendar_event.nothing.deeper }}
{{ none_found[0] }}|
{% if none_found[0] != "example.com" %}other{% endif %}
{% if none_found %}a{% elif calendar_event.location %}b{% else %}c{% endif %}
{{ calendar_event.properties.list }}
{{ calendar_event.properties.nested }}
{{ calendar_event.properties.empty }} {{ [] }} {{ {} }} {{ (1, 2) }} {{ (1,) }}
{{ [true, none, 1.0, "it's", 'say "x"'] }}
{{ {"a": 1, "b": [none]} }}
{{ 1 / 2 }} {{ 4 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 2 ** -1 }}
{{ 1.0 }} {{ 2.50 }} {{ 1e3 }} {{ 0.1 + 0.2 }} {{ 10 * 1.5 }} {{ 123456789012345678 }}
{{ 1 ~ 2 }} {{ "a" ~ none ~ true ~ 1.5 }} {{ "a" + "b" }} {{ "ab" * 3 }} {{ [1] + [2] }}
{{ 1 < 2 < 3 }} {{ "a" < "b" }} {{ 1 == 1.0 }} {{ "1" == 1 }} {{ true == 1 }}
{{ "lic" in calendar_event.body }} {{ "x" not in ["x"] }} {{ "n" in calendar_event.properties }}
{{ 3 if false }}|{{ 3 if true else 4 }}
{{ "abcdef"[1:3] }} {{ "abcdef"[-2:] }} {{ "abcdef"[:-2] }} {{ "abcdef"[::2] }} {{ [1, 2, 3][-1] }} {{ "abc"[0] }}
{{ "abc"[7] }}| {{ [1][7] }}|
{{ -3|abs }} {{ 3.5|abs }} {{ "dANA fIELD"|capitalize }}
{{ none|default("x") }} {{ none|default("x", true) }} {{ missing|default("x") }} {{ ""|default("x", boolean=true) }} {{ missing|default }}|
{{ ""|default("x") }}| {{ 0|default(5, true) }} {{ missing|default(default_value="y") }}
{{ [3, 4]|first }} {{ "abc"|first }} {{ []|first }}| {{ [3, 4]|last }} {{ "abc"|last }}
{{ "3.7"|float }} {{ "x"|float }} {{ "x"|float(1.5) }} {{ 3|float }} {{ " 2 "|float }} {{ none|float }}
{{ "7"|int }} {{ "7.9"|int }} {{ "x"|int }} {{ "x"|int(5) }} {{ "ff"|int(base=16) }} {{ 3.9|int }} {{ "-3.9"|int }} {{ " 8 "|int }} {{ none|int }} {{ true|int }} {{ "0x1A"|int(0, 16) }} {{ "x"|int(default=9) }}
{{ "%s@%s"|format("a", "b") }} {{ "%d"|format(7) }} {{ "%05d"|format(42) }} {{ "%-5s|"|format("a") }} {{ "%5s|"|format("a") }} {{ "%.2f"|format(3.14159) }} {{ "%x"|format(255) }} {{ "%%"|format() }} {{ "%(a)s"|format(a=1) }}
{{ "%s"|format(none) }} {{ "%s"|format(true) }} {{ "%s %s"|format("a") }}
{{ "%d"|format("x") }}
{{ [1, 2]|join }} {{ [1, 2]|join("-") }} {{ "abc"|join(".") }} {{ []|join("x") }}| {{ [none, true, 1.5]|join(",") }}
{{ "äbc"|length }} {{ [1, 2]|length }} {{ {"a": 1}|length }} {{ missing|length }}
{{ "ABC"|lower }} {{ "straße"|upper }} {{ true|lower }} {{ 12|upper }} {{ "İ"|lower|length }}
{{ "aaa"|replace("a", "b") }} {{ "aaa"|replace("a", "b", 2) }} {{ "aaa"|replace("", "-") }} {{ "a1a"|replace(1, 2) }} {{ "aaa"|replace("a", "b", 0) }} {{ 121|replace("1", "3") }}
{{ 42.55|round }} {{ 42.55|round(1, "floor") }} {{ 42.55|round(1) }} {{ 42|round }} {{ 2.5|round }} {{ 3.5|round }} {{ 42.1|round(method="ceil") }} {{ 42.55|round|int }} {{ -2.5|round }} {{ 1234|round(-2) }}
{{ "<p>a  <b>b</b></p>\n c"|striptags }} {{ "a < b"|striptags }} {{ "<!-- <x> -->y"|striptags }} {{ "a &amp;&lt; b"|striptags }} {{ "<a href='>'>x"|striptags }}
{{ "  a b  "|trim }}| {{ "xxaxx"|trim("x") }} {{ "\n a\n"|trim }}|
{{ "abc def ghi"|truncate(7) }} {{ "abc def ghi jkl mno"|truncate(9) }} {{ "abc def ghi jkl mno"|truncate(9, true) }} {{ "abcdefghijklmnop"|truncate(9) }} {{ "abcdefghijklmnop"|truncate(9, true, "") }} {{ "abc def ghi"|truncate(7, leeway=0) }} {{ "abc def ghi jkl"|truncate(9, end="~", leeway=0) }}
{{ calendar_event.start_time.hour }}:{{ "%02d"|format(calendar_event.start_time.minute) }}
{{ calendar_event.organizer_email.split("@")[1].lower() }} {{ calendar_event.location.strip() }}|
{{ "a-b_c".replace("-", "").replace("_", "") }} {{ "a,b,,c".split(",") }} {{ " a  b ".split() }} {{ "a\nb".splitlines() }}
{{ "abc".upper() }} {{ "abc".title() }} {{ "abc".find("c") }} {{ "abc".find("x") }} {{ "abcabc".rfind("c") }} {{ "aXa".count("a") }} {{ "abc".startswith("ab") }} {{ "abc".endswith(("x", "c")) }} {{ "12".isdigit() }} {{ "a1".isalnum() }}
{{ "x".join(["a", "b"]) }} {{ "xxaxx".strip("x") }} {{ "xxaxx".lstrip("x") }} {{ "xxaxx".rstrip("x") }} {{ "a b c".split(" ", 1) }}
{{ calendar_event.properties.get("n") }} {{ calendar_event.properties.get("no") }} {{ calendar_event.properties.get("no", 5) }}
{% for k, v in {"a": 1, "b": 2}.items() %}{{ k }}={{ v }};{% endfor %}
{% for k in {"a": 1, "b": 2} %}{{ k }}{% endfor %}
{% for x in calendar_event.properties.list %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}
{% for x in [] %}a{% else %}none{% endfor %} {% for x in [1, 2, 3] if x != 2 %}{{ x }}{% endfor %}
{% for x in "abc" %}{{ x }}.{% endfor %} {% for x in range(2, 9, 3) %}{{ x }}{% endfor %} {% for x in range(3, 0, -1) %}{{ x }}{% endfor %}
{% set x = 1 %}{% for i in [1, 2] %}{% set x = i %}{% endfor %}{{ x }}
{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set c = "x" if a == 1 else "y" %}{{ c }}
{%- set y = "a" -%}  {{- y -}}  b
{# comment #}a{% raw %}{{ x }}{% endraw %}
{{ missing is defined }} {{ none is defined }} {{ none is none }} {{ 1 is number }} {{ "a" is string }} {{ [] is iterable }} {{ {} is mapping }} {{ [] is sequence }} {{ "a" is sequence }}
{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby(3) }} {{ 9 is divisibleby 3 }} {{ 1 is eq(1) }} {{ 1 is equalto 1 }} {{ 1 is lt 2 }} {{ 2 is in [1, 2] }} {{ true is true }} {{ true is boolean }} {{ 1 is integer }} {{ 1.5 is float }} {{ "a" is lower }} {{ "A" is upper }} {{ none is not none }} {{ 1 is sameas(1) }} {{ missing is undefined }}
{{ "a" "b" }} {{ 'it\'s' }} {{ "tab\there" }} {{ "\x41\u0042" }} {{ "a\\.b" }}
{{ (calendar_event.organizer_email|lower).split("@")|first }}
{{ calendar_event.organizer_full_name }}'s meeting
{% if "example" in calendar_event.organizer_email|lower and not calendar_event.is_private or false %}yes{% endif %}
{{ calendar_event.subject|striptags|upper|replace(" ", "_")|truncate(8, true, "") }}
{{ 1_000 }} {{ 0x10 }} {{ 1.5e2 }} {{ - 3 }} {{ not true }} {{ 2 + 3 * 4 }} {{ (2 + 3) * 4 }} {{ -2 ** 2 }}
{{ +3 }} {{ 1 + +2 }} {{ [+1] }} {{ +3|abs }} {{ 2 - +1 }}{{+ +1 }}
{% with a = 1 %}{{ a }}{% endwith %}{{ a }}|
{{ nothing_called() }}
{{ "a"|nothing }}
{{ 1 + "a" }}
{{ 1 / 0 }}
{% if %}{% endif %}
{{ calendar_event.properties.is_recurring }}
{{ calendar_event.properties.f * 2 }} {{ calendar_event.properties.n / 2 }} {{ calendar_event.properties.none }}
{{ "abc"|upper|lower|capitalize|trim|length + 1 }}
{{ 5|range|join(",") }}
{{ "a" if missing else "b" }} {{ missing or "c" }} {{ "" or "d" }} {{ "e" and "f" }} {{ none or 0 }}
"""

environment = jinja2.Environment()
environment.filters["range"] = lambda value: list(range(value))
rendered = [{"context": CONTEXT}]
for line in TEMPLATES.strip().split("\n"):
    template = line
    try:
        expected = environment.from_string(template).render(CONTEXT)
    except Exception:  # any error is an error there
        expected = None
    rendered.append({"template": template, "expected": expected})
lines = ",\n".join(json.dumps(each) for each in rendered)
pathlib.Path(__file__).with_name("templates.json").write_text(f"[\n{lines}\n]\n")
