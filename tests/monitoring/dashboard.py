#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
# dashboard.py: the dashboard for Grafana, looked at without one. Usage: dashboard.py rules|typescript|names FILE...
#   rules FILE               its queries, as recording rules for `promtool check rules`
#   typescript FILE SCHEMA DIRECTORY
#                            into DIRECTORY, the dashboard as a constant of the type that Grafana's schema says it has
#   names FILE...            the names of metrics that files ask for, one a line
# It also fails if panels overlap or share a number, which no schema knows of.
import json
import re
import sys


def panels(path):
    with open(path) as file:
        dashboard = json.load(file)
    found, cells = [], {}
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert x < 24 and (x, y) not in cells, f"{panel['title']} and {cells.get((x, y))} overlap"
                cells[x, y] = panel["title"]
        found.append(panel)
    numbers = [panel["id"] for panel in found]
    assert len(set(numbers)) == len(numbers), "two panels have one number"
    return found


def rules(path):
    print("groups:\n  - name: dashboard\n    rules:")
    for panel in panels(path):
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "1m")
            print(f"      - record: panel:{panel['id']}:{target['refId'].lower()}")
            print(f"        expr: {json.dumps(expression)}")


def typescript(path, schema, directory):
    panels(path)
    with open(schema) as file:
        types = file.read()
    # JSON has the values of enumerations, not their names.
    types = re.sub(r"export declare enum (\w+) \{(.*?)\}", lambda enum: f"export type {enum[1]} = "
                   + " | ".join(re.findall(r'= ("[^"]*"|\d+)', enum[2])) + ";", types, flags=re.S)
    with open(f"{directory}/schema.d.ts", "w") as file:
        file.write(types)
    with open(path) as file, open(f"{directory}/dashboard.ts", "w") as out:
        out.write(f"import type {{ Dashboard }} from './schema';\nexport const dashboard: Dashboard = {file.read()};\n")


def names(*paths):
    found = set()
    for path in paths:
        with open(path) as file:
            found.update(re.findall(r"\bmemcg_[a-z_]+", file.read()))
    # Names of files, and of the module, which are in the text.
    print("\n".join(sorted(found - {"memcg_knobs"})))


if __name__ == "__main__":
    {"rules": rules, "typescript": typescript, "names": names}[sys.argv[1]](*sys.argv[2:])
