"""Runs schemathesis against a Tollgate of its own, with every check: with ids it makes up, with ids of objects that exist,
and along the links between operations. Arguments go to every run of schemathesis.

SCHEMATHESIS_SECONDS (default 60) bounds each run. The same document gives the same requests.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from server import AUDIENCE, Server

HERE = Path(__file__).resolve().parent
APP = {
    "nickname": "example app",
    "orientations": ["portrait"],
    "is_live": False,
    "is_test_mode_on": False,
    "is_directed_at_kids_under_13": "NO",
    "platform": "android",
}
LOCATION = {
    "name": "example",
    "ad_type": "rewarded",
    "type": "fixed_cpm",
    "country_targeting": [{"country": "default", "price": 5.0}],
}
# The key that the runs use must not be revoked by them; our own tests revoke keys.
KEPT = ["--exclude-operation-id", "revoke_api_key"]
LIST = {"title": "example", "type": "iab_content_taxonomy_1.0", "elements": ["IAB1-1"]}


class Caller:
    """Makes the objects that some runs ask for."""

    def __init__(self, server):
        self.url = server.url
        self.headers = {"Content-Type": "application/json"}
        client_id, secret = server.client("v5")
        client = {"client_id": client_id, "client_secret": secret, "audience": AUDIENCE}
        self.token = self.post("/oauth/token", {**client, "grant_type": "client_credentials"})["access_token"]
        self.headers["Authorization"] = f"Bearer {self.token}"
        self.key = {"Content-Type": "application/json", "API-KEY": server.made["api_key"]}
        self.organization = server.made["organization_id"]

    def post(self, path, body, headers=None):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers or self.headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


def parameters(caller):
    """What the configuration of some runs has besides: ids of objects that exist."""
    app = caller.post("/v5/apps", APP)["id"]
    location = caller.post(f"/v5/apps/{app}/ad-locations", LOCATION)["uuid"]
    ids = {"app_id": app, "ad_location_id": location, "list_id": caller.post("/v5/lists", LIST)["id"]}
    ids.update({"kind": "app", "id": app, "version": 1})
    integration = caller.post("/api/v2/integrations", {"name": "example"}, caller.key)["created_item_id"]
    group = {"integration": integration, "organization": caller.organization, "name": "example", "priority": 1}
    path = f"/api/v2/integrations/{integration}/filter-groups"
    ids.update({"integration_id": integration, "filter_group_id": caller.post(path, group, caller.key)["created_item_id"]})
    postback = {"name": "example", "on": "approved", "url": "https://partner.example/"}
    path = f"/tollgate/v1/integrations/{integration}/postbacks"
    ids["postback_id"] = caller.post(path, postback, caller.key)["id"]
    path = f"/api/v2/download-center/{integration}/clicks"
    export = caller.post(path, {"fields": ["ip"], "extra_parameters": []}, caller.key)
    ids.update({"export_id": export["id"], "artifact_name": export["artifact"]["name"]})
    campaign = caller.post("/tollgate/v1/campaigns", {"name": "example", "app_id": app}, caller.key)
    ids["campaign_id"] = campaign["id"]
    ids["api_key_id"] = caller.post("/api/v2/api-keys", {"name": "example"}, caller.key)["created_item_id"]
    lines = [f'"path.{name}" = {json.dumps(value)}' for name, value in ids.items()]
    lines += [f'"query.{name}" = {json.dumps(integration)}' for name in ["integration", "integration_id"]]
    return "\n".join(lines) + "\n"


def run(server, variables, configuration, arguments):
    """One run; answers whether all was well."""
    file = Path(server.directory) / "schemathesis.toml"
    file.write_text(configuration)
    seconds = os.environ.get("SCHEMATHESIS_SECONDS", "60")
    program = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    command = [*program, "--config-file", file, "run", server.url + "/openapi.json", "--max-time", seconds]
    ran = subprocess.run([*command, *arguments], env=variables, cwd=server.directory, timeout=float(seconds) + 120)
    return ran.returncode == 0


def main():
    server = Server(requests_per_second=1_000_000, requests_burst=10_000_000)
    try:
        caller = Caller(server)
        variables = dict(os.environ, TOLLGATE_URL=server.url, TOLLGATE_TOKEN=caller.token)
        variables["TOLLGATE_API_KEY"] = server.made["api_key"]
        for version in ["v4", "v5"]:
            names = f"TOLLGATE_{version.upper()}_ID", f"TOLLGATE_{version.upper()}_SECRET"
            variables.update(zip(names, server.client(version)))
        legacy = server.made["legacy"]
        variables.update(TOLLGATE_USER_ID=legacy["user_id"], TOLLGATE_USER_SIGNATURE=legacy["user_signature"])
        variables["SCHEMATHESIS_HOOKS"] = "schemathesis_hooks"
        variables["PYTHONPATH"] = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
        common = (HERE / "schemathesis.toml").read_text()
        invalid, valid = ["--mode", "negative"], ["--mode", "positive"]
        facts = dict(variables, TOLLGATE_FACTS=json.dumps({"organization": caller.organization}))
        phases = ["--phases", "examples,coverage,fuzzing", *KEPT]
        good = run(server, facts, common, [*valid, *phases, *sys.argv[1:]])
        good &= run(server, variables, common, [*invalid, *phases, *sys.argv[1:]])
        # The same with ids of objects that exist.
        with_ids = common + parameters(caller)
        good &= run(server, variables, with_ids, [*invalid, *phases, *sys.argv[1:]])
        # What exists limits what is legal: an app that is live stays live, a name that is taken is taken. So nothing can say
        # here what must be accepted; all other checks hold.
        stays = ["--exclude-method", "DELETE", "--exclude-checks", "positive_data_acceptance"]
        good &= run(server, variables, with_ids, [*valid, *phases, *stays, *sys.argv[1:]])
        # Each version by itself: what is deleted under one is gone under the other, which no check expects. Links lead to
        # what exists, too.
        for other in ["/v4/", "/v5/"]:
            links = ["--phases", "stateful", "--exclude-checks", "positive_data_acceptance", "--exclude-path-regex", f"^({other}|/oauth/)"]
            good &= run(server, facts, common, [*valid, *links, *KEPT, *sys.argv[1:]])
        logged = [line for line in server.logged().splitlines() if "ERROR" in line or "panicked" in line]
        for line in logged:
            print("the server logged:", line)
        return 0 if good and not logged else 1
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
