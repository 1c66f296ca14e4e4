#!/usr/bin/env python3
"""Says how many tests have run, and which were skipped and why. Argument: the folder with the reports of Surefire."""

import sys
import xml.etree.ElementTree
from pathlib import Path


def main():
    count, seconds = 0, 0.0
    for report in sorted(Path(sys.argv[1]).glob("TEST-*.xml")):
        for test in xml.etree.ElementTree.parse(report).iter("testcase"):
            count += 1
            seconds += float(test.get("time").replace(",", ""))
            for skipped in test.iter("skipped"):
                print(f"NOT RUN: {test.get('name')}: {skipped.get('message')}")
    if count == 0:
        sys.exit("kotlin-report: no test has run")
    print(f"ok  {count} tests of the Kotlin artefacts in {seconds:.0f} s")


main()
