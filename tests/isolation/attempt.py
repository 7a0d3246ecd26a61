"""One pass over the matrix, in a process of its own: an order as JSON in, findings as JSON out.

A process, because taking the application's filters away means loading other statements than those
that stand in the files, before anything else is imported.
"""

import json
import sys
from dataclasses import asdict

import uvloop

from isolation import layers
from isolation.order import Order


def main() -> None:
    order = Order(**json.load(sys.stdin))
    lost = {} if order.filters else layers.rewrite_statements()
    # From here on, and no earlier: stores read their statements while they are imported.
    from isolation.trying import attempt

    findings = uvloop.run(attempt(order, lost))
    json.dump(asdict(findings), sys.stdout)


if __name__ == "__main__":
    main()
