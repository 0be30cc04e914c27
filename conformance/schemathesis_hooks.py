"""What schemathesis cannot know of the API."""

import itertools
import json
import os
import time

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.generation.meta import CoverageScenario, TestPhase
from schemathesis.openapi.checks import RejectedPositiveData

from documents import lighten, narrow

# Whose requests are made, where they are valid; empty where they are not.
FACTS = json.loads(os.environ.get("TOLLGATE_FACTS", "{}"))
# Codes of errors that speak of what is stored, which no document can: a list that is not there, a name that is taken.
STORED = {
    "default_group", "default_list_immutable", "default_orientation", "email_taken", "existing_fixed_cpm", "id_taken",
    "immutable_field", "last_owner", "not_enough_earnings", "not_restorable", "other_campaign", "parent_missing", "too_many_ad_locations",
    "too_many_campaigns", "too_many_ever", "too_many_postbacks", "unknown_app", "unknown_list",
}
# No run takes the priorities that an earlier one gave in the same integration.
PRIORITIES = itertools.count(1000 + int(time.time()) % 100_000 * 10_000)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Valid requests are made of a document that also says what only this server knows."""
    if FACTS:
        narrow(raw_schema, **FACTS)
    else:
        lighten(raw_schema)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """What is no failure: a legal request that is refused for what is stored; and a header that nobody knows, which does
    not matter (RFC 9110, 5.1). An object that exists limits what may be done with it: an app that is live stays live, an
    export that has come to an end is not canceled, the last owner stays. Most ids are made up and answered with 404, but
    some are learned from answers."""
    if isinstance(failure, RejectedPositiveData):
        is_change = case.method != "GET" and bool(case.path_parameters) and response.status_code in (400, 409)
        codes = codes_of(response)
        return not is_change and (not codes or not codes <= STORED)
    if not isinstance(failure, AcceptedNegativeData) or case.meta is None:
        return True
    phase = case.meta.phase.data
    unexpected = getattr(phase, "scenario", None) == CoverageScenario.OBJECT_UNEXPECTED_PROPERTIES
    location = getattr(phase, "parameter_location", None)
    return not (unexpected and location is not None and location.is_in_header)


def codes_of(response):
    """The codes of an error's parts, in each dialect."""
    try:
        body = response.json()
    except ValueError:
        return set()
    lists = [body.get(name) for name in ("detail", "errors")] if isinstance(body, dict) else []
    parts = [part for one in lists if isinstance(one, list) for part in one]
    return {part.get("type") or part.get("code") for part in parts if isinstance(part, dict)}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Where links between operations are followed: no Idempotency-Key, because with one the creation of an object that was
    deleted since is answered with its first answer, as it must be, and the object is not there. No id in a creation: it is
    ignored, so that what was read can be sent again, and schemathesis would take it for the new object's. And a filter group
    belongs to the integration of the path, with a priority that no other one has; so it does wherever requests are valid, since
    ids of integrations that exist are learned from answers."""
    if FACTS:
        belong(case)
    if case.meta is None or case.meta.phase.name != TestPhase.STATEFUL:
        return
    case.headers.pop("Idempotency-Key", None)
    if not case.path.startswith("/api/v2/") or not isinstance(case.body, dict):
        return
    if case.method == "POST":
        case.body.pop("id", None)


def belong(case):
    """Puts what is sent to an integration's filter groups into that integration."""
    if not case.path.startswith("/api/v2/integrations/") or not isinstance(case.body, dict):
        return
    if "integration_id" in case.path_parameters:
        if "integration" in case.body:
            case.body["integration"] = case.path_parameters["integration_id"]
        if "priority" in case.body:
            case.body["priority"] = next(PRIORITIES)
