"""`target/py/bin/python tests/benches/side_by_side.py`: `otj lint` beside check-jsonschema and Ajv, on the same files and the same
schema, in one run. Needs `cargo build --release`, and what ci/test installs into target/py and target/npm.

Every document stands in a file of its own, since check-jsonschema reads one a file. Each program is started as a user would start
it, once for all files, its start included; the best of some runs counts. The others check the schema alone; otj also names,
references, rules, secrets and test cases. That all three found the same number of wrong files is checked.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA = ROOT / "schema/otj.schema.json"

HEAD = """apiVersion: otj/v1
kind: CalDavIntegration
metadata: {name: cloud}
spec:
  url: https://cloud.example.com/dav/
  calendarPath: "/rooms/{{ room.email }}/"
---
apiVersion: otj/v1
kind: Profile
metadata: {name: hq}
spec:
  integration: cloud
  cisco: {username: otj, password: {file: passwords, key: codecs}}
"""
GROUP = """apiVersion: otj/v1
kind: EndpointGroup
metadata: {{name: site {site}}}
spec:
  profile: hq
  timeZone: Europe/Oslo
  overrides: {{upcomingDays: {days}}}
  poly: {{username: "{{{{ endpoint.name }}}}", password: {{file: passwords, key: "{{{{ endpoint.name }}}}"}}}}
"""
RULE = """apiVersion: otj/v1
kind: Rule
metadata: {{name: rule {number}}}
spec:
  profile: hq
  priority: {number}
  type: Regex
  match: '\\d{{4,9}}@v{number}\\.example\\.com'
"""
CASE = """apiVersion: otj/v1
kind: RuleTest
metadata: {{name: case {number}}}
spec:
  profile: hq
  cases:
    - name: a number
      event: {{body: "12345@v{number}.example.com"}}
      expect: {{alias: "12345@v{number}.example.com"}}
"""
ENDPOINT = """# Room {index} on the second floor.
apiVersion: otj/v1
kind: Endpoint
metadata:
  name: room-{index:05}
  description: A meeting room with a screen
  labels: {{floor: "2", site: s{site}}}
spec:
  group: site {site}
  {email}: room-{index:05}@example.com
  startBufferMinutes: 10
  {device}
"""


def texts(count, wrong_every):
    """`count` documents: one group for 97 endpoints, at most 99 rules and cases, as in benches/lint.rs."""
    yield from HEAD.split("---\n")
    left = count - 2
    pairs = min(99, left // 20)
    for number in range(1, pairs + 1):
        yield RULE.format(number=number)
        yield CASE.format(number=number)
    left -= 2 * pairs
    sites = -(-left // 98)
    for site in range(sites):
        yield GROUP.format(site=site, days=1 + site % 7)
    for index in range(left - sites):
        poly = index % 2
        device = "poly: {model: StudioX}" if poly else f"cisco: {{address: room-{index:05}.codecs.example.com}}"
        email = "roomEmial" if wrong_every and index % wrong_every == 0 else "roomEmail"
        yield ENDPOINT.format(index=index, site=index % sites, email=email, device=device)


def write(directory, count, wrong_every):
    for number, text in enumerate(texts(count, wrong_every)):
        (directory / f"{number:05}.yaml").write_text(text)
    return number + 1


def run(command, directory):
    """Wall seconds, peak MiB, exit code and stdout of one run."""
    with tempfile.TemporaryFile() as out:
        begun = time.perf_counter()
        child = subprocess.Popen(command, cwd=directory, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        took = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return took, usage.ru_maxrss / 1024, child.returncode, out.read().decode()


def wrong_files(name, text):
    """How many files a program found wrong."""
    if name == "Ajv":
        return json.loads(text)["wrong"]
    if name == "check-jsonschema":
        return len({error["filename"] for error in json.loads(text)["errors"]})
    return len({finding["file"] for finding in json.loads(text)["diagnostics"] if finding["severity"] == "error"})


def version(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1].strip()


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("--documents", type=int, default=10_000)
    options.add_argument("--runs", type=int, default=5, help="of otj; the others run fewer times when they are slow")
    options.add_argument("--otj", type=pathlib.Path, default=ROOT / "target/release/otj")
    options = options.parse_args()
    otj = str(options.otj.resolve())
    jsonschema = str(pathlib.Path(sys.executable).with_name("check-jsonschema"))
    npm = json.loads((ROOT / "target/npm/package-lock.json").read_text())["packages"]
    node = shutil.which("node")
    names = {
        "otj": f"otj lint {version([otj, '--version'])}",
        "check-jsonschema": f"check-jsonschema {version([jsonschema, '--version'])}",
        "Ajv": f"Ajv {npm['node_modules/ajv']['version']} + js-yaml {npm['node_modules/js-yaml']['version']}, node {version([node, '--version'])}",
    }
    for title, wrong_every in (("all right", 0), ("every tenth endpoint wrong", 10)):
        with tempfile.TemporaryDirectory(prefix="otj-") as scratch:
            directory = pathlib.Path(scratch)
            count = write(directory, options.documents, wrong_every)
            files = sorted(file.name for file in directory.iterdir())
            commands = {
                "otj": [otj, "lint", "--format", "json", "."],
                "check-jsonschema": [jsonschema, "--schemafile", str(SCHEMA), "--output-format", "json", *files],
                "Ajv": [node, str(ROOT / "tests/browser/validate.mjs"), str(SCHEMA), "."],
            }
            measured = {}
            for name, command in commands.items():
                took, memory, code, text = run(command, directory)
                if code not in (0, 1):
                    sys.exit(f"{names[name]} ended with {code}: {text[:2000]}")
                for _ in range(options.runs - 1 if took < 5 else 1):
                    took = min(took, run(command, directory)[0])
                measured[name] = took, memory, wrong_files(name, text)
        wrongs = {wrong for _, _, wrong in measured.values()}
        if len(wrongs) != 1 or (0 in wrongs) != (wrong_every == 0):
            sys.exit(f"they disagree about what is wrong: {({name: one[2] for name, one in measured.items()})}")
        print(f"\n{count} documents in as many files, {title} ({wrongs.pop()} wrong)\n")
        print("| program | seconds | documents/s | MiB | otj is faster |")
        print("|---|---:|---:|---:|---:|")
        for name, (took, memory, _) in measured.items():
            ratio = "" if name == "otj" else f"{took / measured['otj'][0]:.1f}×"
            print(f"| {names[name]} | {took:.3f} | {count / took:,.0f} | {memory:.0f} | {ratio} |")


main()
