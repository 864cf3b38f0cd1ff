"""The script that k6 is given: it imports the user's, and says how many do it for how long, beside a calibration. Pure."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

CALIBRATING: Final = 2
PAUSE: Final = 0.08  # seconds between two requests of a calibrating user, as of our own generator
GRACEFUL: Final = 65  # seconds that requests under way may take at the end: k6 ends each after 60 unless told otherwise
LOAD, CALIBRATION = "load", "calibration"
BEGAN, TRUTH = "certify_began", "certify_true"
# What a script may say of how requests are sent; how many there are is the profile's to say.
_KEPT: Final = (
    "batch",
    "batchPerHost",
    "discardResponseBodies",
    "dns",
    "hosts",
    "maxRedirects",
    "noConnectionReuse",
    "noVUConnectionReuse",
    "setupTimeout",
    "teardownTimeout",
    "tlsAuth",
    "tlsCipherSuites",
    "tlsVersion",
    "userAgent",
)
_SCRIPT: Final = """\
import * as script from %(script)s;
import http from 'k6/http';
import { sleep } from 'k6';
import { Trend } from 'k6/metrics';

if (typeof script.default !== 'function') {
  throw new Error('the script exports no default function, which is what each user does again and again');
}
const began = new Trend('%(began)s', true);
const truth = new Trend('%(truth)s', true);
const own = script.options || {};
export const options = Object.assign(%(options)s,
  Object.fromEntries(%(kept)s.filter((name) => name in own).map((name) => [name, own[name]])));

export function setup() {
  const data = script.setup ? script.setup() : undefined;
  began.add(0);
  return data;
}
export function teardown(data) {
  if (script.teardown) script.teardown(data);
}
export function certifyLoad(data) {
  return script.default(data);
}
export function certifyCalibrate() {
  truth.add(Number(http.get(__ENV.CERTIFY_CALIBRATION, { responseType: 'text' }).body) / 1000);
  sleep(%(pause)s);
}
"""


def wrapper(script: Path, plan: Mapping[str, Any]) -> str:
    """A module that k6 runs; `plan` is the generator's configuration."""
    load = _arriving(plan) if plan["stages"] else _looping(plan)
    whole = f"{plan['ramp'] + plan['warmup'] + plan['hold']:g}s"
    calibration = {
        "executor": "constant-vus",
        "exec": "certifyCalibrate",
        "vus": CALIBRATING,
        "duration": whole,
        "gracefulStop": "5s",
    }
    options = {"scenarios": {LOAD: load, CALIBRATION: calibration}}
    return _SCRIPT % {
        "script": json.dumps(script.as_uri()),
        "began": BEGAN,
        "truth": TRUTH,
        "options": json.dumps(options),
        "kept": json.dumps(_KEPT),
        "pause": PAUSE,
    }


def _looping(plan: Mapping[str, Any]) -> dict[str, Any]:
    """So many users, who do it again and again."""
    stages = [_stage(plan["ramp"], plan["users"]), _stage(plan["warmup"] + plan["hold"], plan["users"])]
    return {
        "executor": "ramping-vus",
        "exec": "certifyLoad",
        "startVUs": 0,
        "stages": stages,
        "gracefulRampDown": f"{GRACEFUL}s",
        "gracefulStop": f"{GRACEFUL}s",
    }


def _arriving(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Arrivals at a rate; k6 takes whole numbers, so these are thousandths a second."""
    rates = [(round(1000 * stage["rate"]), stage["seconds"]) for stage in plan["stages"]]
    stages = [_stage(plan["ramp"], rates[0][0]), _stage(plan["warmup"], rates[0][0])]
    for rate, seconds in rates:
        stages += [_stage(0, rate), _stage(seconds, rate)]
    return {
        "executor": "ramping-arrival-rate",
        "exec": "certifyLoad",
        "startRate": 0,
        "timeUnit": "1000s",
        "preAllocatedVUs": plan["concurrent"],
        "stages": stages,
        "gracefulStop": f"{GRACEFUL}s",
    }


def _stage(seconds: float, target: int) -> dict[str, Any]:
    return {"duration": f"{seconds:g}s", "target": target}
