"""The document as the runs need it. `narrow`, for valid requests: what a document cannot say, said of one server: which
organization, days, zones and hosts there are, that names in a list differ, that a client stands in the header or in the body.
Each line there is a rule that our own tests show. `lighten`, for invalid ones: without the largest sizes, whose requests of a
megabyte would take most of the time; our own tests send those, too."""

# Sizes above these are not generated.
ITEMS, CHARACTERS = 20, 300

DAYS = ["2026-01-01", "2026-02-28"]
LATER_DAYS = ["2026-03-01", "2026-12-31"]
PRICES = "app_id,ad_location,name,ad_type,country,price\n"


def narrow(document, organization):
    """Makes every request that the document allows one that this server accepts, or knows no object for."""
    schemas, paths = document["components"]["schemas"], document["paths"]
    for operation in operations(paths):
        bodies = operation.get("requestBody", {}).get("content", {})
        # A form is not typed, so the document knows no more of it than that it has fields.
        if "application/json" in bodies:
            bodies.pop("application/x-www-form-urlencoded", None)
        if "text/csv" in bodies:
            bodies["text/csv"]["schema"] = {"type": "string", "enum": [PRICES]}
        parameters = operation.get("parameters", [])
        operation["parameters"] = [parameter for parameter in parameters if parameter["name"] not in LEFT_OUT]
        for parameter in operation["parameters"]:
            parameter["schema"].update(PARAMETERS.get(parameter["name"], {}))
            if parameter["name"] == "filter":
                for name, field in parameter["schema"]["properties"].items():
                    compared(name, field)
    for name in ["TokenBody", "TokenForm"]:
        for header in ["client_id", "client_secret"]:
            schemas[name]["properties"].pop(header)
    for name in ["NewIntegration", "IntegrationChange", "NewFilterGroup", "FilterGroupChange", "NewApiKey"]:
        schemas[name]["properties"]["organization"] = {"const": organization}
    for name in ["IntegrationChange", "FilterGroupChange"]:
        for ours in ["id", "integration"]:
            schemas[name]["properties"].pop(ours)
    schemas["NewApiKey"]["properties"]["user"] = {"const": None}
    for name in ["NewIntegration", "IntegrationChange"]:
        integration(schemas[name]["properties"])
    for name in ["NewFilterGroup", "FilterGroupChange"]:
        # The parameters of a filter are those of its type, as the catalogue of filters has them.
        properties = schemas[name]["properties"]
        filters = properties["filters"]["items"]["properties"]
        filters.update(params={"type": "null"}, type={"enum": WITHOUT_PARAMETERS}, applies_to={"type": "null"})
        # A preset brings filters of its own.
        for preset in ["click_filter_preset_id", "conversion_filter_preset_id"]:
            properties.pop(preset)
    for prices in schemas["AutoCpmChange"]["properties"].values():
        prices["maxItems"] = 1
    for name in ["NewCampaign", "CampaignChange"]:
        campaign(schemas[name]["properties"])
    # Another app would be another campaign.
    schemas["CampaignChange"]["properties"].pop("app_id")
    for name in ["NewPostback", "PostbackChange"]:
        postback(schemas[name]["properties"])
    # One of the four says who is meant, and an integration must be there.
    identifiers = schemas["NewPrivacyRequest"]["properties"]
    for name in ["ip", "user_id", "external_transaction_id", "integration_ids"]:
        identifiers.pop(name)
    schemas["NewPrivacyRequest"]["required"] = ["device_id"]
    common_filters(paths)
    for name in ["NewClickExport", "NewConversionExport", "NewImpressionExport"]:
        properties = schemas[name]["properties"]
        properties.update({name: properties[name] | PARAMETERS[name] for name in ["start_date", "end_date", "extra_parameters"]})
        # What a filter's value may be stands with the parameter of the same name.
        properties["filter"] = {"const": {}}
    for schema in requested(document):
        if schema.get("type") in ("array", ["array", "null"]):
            schema["maxItems"] = min(schema.get("maxItems", ITEMS), max(ITEMS, schema.get("minItems", 0)))
        if isinstance(schema.get("maxLength"), int):
            schema["maxLength"] = min(schema["maxLength"], max(CHARACTERS, schema.get("minLength", 0)))


def lighten(document):
    """Leaves out limits on sizes above which generating takes longer than answering. What is left is legal without them."""
    for schema in requested(document):
        if isinstance(schema.get("maxItems"), int) and schema["maxItems"] > ITEMS:
            del schema["maxItems"]
        if isinstance(schema.get("maxLength"), int) and schema["maxLength"] > CHARACTERS:
            del schema["maxLength"]


def requested(document):
    """Every object that says something of requests, each once."""
    asked = [[operation.get(part) for part in ("parameters", "requestBody")] for operation in operations(document["paths"])]
    seen = set()
    while asked:
        value = asked.pop()
        if isinstance(value, list):
            asked += value
        elif isinstance(value, dict):
            yield value
            name = str(value.get("$ref", "")).removeprefix("#/components/schemas/")
            if name and name not in seen:
                seen.add(name)
                asked.append(document["components"]["schemas"][name])
            asked += value.values()


def operations(paths):
    for methods in paths.values():
        yield from (methods[name] for name in methods if name in ("get", "post", "put", "patch", "delete"))


# Parameters that do not go with all values of the others: the second of two cursors, a cut that was not taken yet, the
# catalogue that is asked for alone, what an import's columns are.
LEFT_OUT = ["page[before]", "as_of", "catalogue", "map", "set"]

# What a parameter may be, by its name.
PARAMETERS = {
    "start_date": {"enum": DAYS},
    "end_date": {"enum": LATER_DAYS},
    "request_date": {"enum": DAYS},
    "dateMin": {"enum": DAYS},
    "dateMax": {"enum": LATER_DAYS},
    "timezone": {"enum": ["UTC", "Europe/Berlin", "America/New_York"]},
    # A name that no field has. That there are none is written as nothing, which is the same as leaving the parameter out.
    "extra_parameters": {"items": {"type": "string", "pattern": "^x[0-9]{1,9}$"}, "minItems": 1},
}


# Types of filters that need no parameter.
WITHOUT_PARAMETERS = ["device_id", "bot", "proxy", "attribution", "session_time", "third_party_rejection", "install_time"]
TABLES = ["click-table", "conversion-table", "impression-table"]


def common_filters(paths):
    """Which filters a grouped report may have depends on its kind: those that every kind has. What it is sorted by depends on
    kind and keys: figures that every report has."""
    def schema(report, name):
        parameters = paths[f"/api/v2/reports/v2/{report}"]["get"]["parameters"]
        return next(parameter["schema"] for parameter in parameters if parameter["name"] == name)

    common = set.intersection(*(set(schema(table, "filter")["properties"]) for table in TABLES))
    grouped = schema("grouped", "filter")["properties"]
    for name in set(grouped) - common:
        del grouped[name]
    figures = ["total", "approved", "rejected", "monitored", "revenue", "payout"]
    schema("grouped", "sort")["items"]["enum"] = [*figures, *(f"-{name}" for name in figures)]


def compared(name, field):
    """What a filter's value may be."""
    if field["type"] in ("integer", "number"):
        # Amounts have at most six decimals, which a schema of numbers can hardly say.
        field.update(type="integer", minimum=-1_000_000, maximum=1_000_000)
    if name.endswith(("_time", "_at")):
        field["enum"] = ["2026-01-01 00:00:00", "2026-01-01T00:00:00.000Z", "1767225600"]


URL = {"type": ["string", "null"], "pattern": r"^https://[a-z]{1,9}\.example/[a-z0-9?=&]{0,20}$"}
HOST = {"type": "string", "pattern": r"^(\*\.)?[a-z]{1,9}\.example$"}


def integration(properties):
    properties["time_zone"] = {"enum": ["UTC", "Europe/Berlin", "America/New_York"]}
    # Analytics tell nothing of days whose events are not all kept.
    for name in ["retention_days", "click_retention_days", "conversion_retention_days", "impression_retention_days"]:
        properties[name] = {"enum": [None, 36500]}
    for name in ["redirect_url", "fallback_url", "preview_url", "rtb_endpoint"]:
        properties[name] = URL
    properties["allowed_hosts"]["items"] = HOST
    properties["trusted_sources"]["items"] = {"enum": ["192.0.2.7", "192.0.2.0/24", "2001:db8::/32"]}
    properties["links"]["maxItems"] = 1
    for name in ["redirect_url", "fallback_url"]:
        properties["links"]["items"]["properties"][name] = URL
    # An offer of a group needs a link of its own.
    properties["offer_groups"]["maxItems"] = 0


def campaign(properties):
    """Bids belong to billing by bid, the last day to the first one, ids and types of what exists to itself."""
    for ours in ["id", "campaign_type"]:
        properties.pop(ours)
    properties.update(billing={"const": "cpm"}, bids={"const": []}, promote_in={"const": []})
    properties.update(date_min={"enum": [None, *DAYS]}, date_max={"enum": [None, *LATER_DAYS]})
    properties["creatives"]["maxItems"] = 1


def postback(properties):
    """Reasons belong to rejections, names to events, a form to a POST. Ids are those of the path."""
    for ours in ["id", "integration_id"]:
        properties.pop(ours)
    given = {
        "on": {"const": "approved"},
        "reasons": {"const": None},
        "event_types": {"const": ["conversion"]},
        "event_names": {"const": None},
        "method": {"enum": ["GET", None]},
        "body": {"const": None},
        "url": {"type": "string", "pattern": URL["pattern"]},
    }
    ids = {"type": ["array", "null"], "items": {"type": "string", "pattern": "^[a-z0-9]{1,20}$"}, "uniqueItems": True}
    given.update(dict.fromkeys(["offer_ids", "publisher_ids", "advertiser_ids"], ids))
    properties.update({name: schema for name, schema in given.items() if name in properties})
