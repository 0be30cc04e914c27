"""The traffic of the bench: addresses, user agents, devices and NDJSON bodies, the same ones on every machine.

It writes the files the load scripts read. Devices keep their address and user agent and click few offers of few publishers,
so that counters meet returning users and not only strangers.
"""

import json
import random
import urllib.parse

ADDRESSES, AGENTS, DEVICES = 50_000, 300, 200_000
OFFERS, PUBLISHERS, SUB_IDS = 50, 200, 2_000
BODIES, EVENTS_PER_BODY = 2_000, 100
SEED = 20240229

# First octets given to access providers in many countries.
OCTETS = [24, 31, 37, 41, 58, 60, 62, 67, 71, 73, 75, 76, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95,
          98, 102, 105, 109, 110, 112, 114, 117, 119, 121, 122, 123, 124, 125, 126, 151, 171, 175, 176, 177, 178, 179, 180, 181,
          182, 183, 186, 187, 188, 189, 190, 196, 197, 200, 201, 210, 212, 213, 217, 219, 220, 221, 222]
MODELS = ["SM-S918B", "SM-S921B", "SM-A546B", "SM-A155F", "SM-A127F", "SM-G991B", "SM-A057F", "Pixel 6", "Pixel 7", "Pixel 7a",
          "Pixel 8", "Pixel 8 Pro", "2201117TG", "2312DRA50G", "23021RAAEG", "M2101K6G", "CPH2387", "CPH2591", "V2206", "V2249",
          "RMX3630", "RMX3834", "moto g54 5G", "moto g(30)", "XQ-DC54", "Infinix X6833B", "TECNO KI5k", "LE2113", "CPH2449", "SM-X200"]
REFERERS = ["https://games.example/level", "https://news.example/story", "https://video.example/watch", "https://app.example/offerwall",
            "https://weather.example/today", "https://recipes.example/pasta"]


def user_agents():
    """300 user agents as browsers and apps send them; each is of a device, system and browser that shipped together."""
    webkit = "AppleWebKit/537.36 (KHTML, like Gecko)"
    found = []
    for at, model in enumerate(MODELS):
        system = f"Linux; Android {11 + at % 5}; {model}"
        for chrome in (131, 128, 124, 120):
            found.append(f"Mozilla/5.0 ({system}) {webkit} Chrome/{chrome}.0.0.0 Mobile Safari/537.36")
        found.append(f"Mozilla/5.0 ({system}; wv) {webkit} Version/4.0 Chrome/{121 + at % 9}.0.6{at:03}.{at + 40} Mobile Safari/537.36")
        if model.startswith("SM-"):
            for browser, chrome in ((27, 125), (25, 121)):
                found.append(f"Mozilla/5.0 ({system}) {webkit} SamsungBrowser/{browser}.0 Chrome/{chrome}.0.0.0 Mobile Safari/537.36")
    apple = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
    for major, minor in [(m, n) for m in (15, 16, 17, 18) for n in range(1, 7)]:
        system = f"CPU iPhone OS {major}_{minor} like Mac OS X"
        found.append(f"Mozilla/5.0 (iPhone; {system}) {apple} Version/{major}.{minor} Mobile/15E148 Safari/604.1")
        found.append(f"Mozilla/5.0 (iPhone; {system}) {apple} Mobile/15E148")
        found.append(f"Mozilla/5.0 (iPad; CPU OS {major}_{minor} like Mac OS X) {apple} Version/{major}.{minor} Mobile/15E148 Safari/604.1")
    for version in range(110, 132):
        found.append(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/{version}.0.0.0 Safari/537.36")
        found.append(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
        found.append(f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {webkit} Chrome/{version}.0.0.0 Safari/537.36")
    for version in ("16.6", "17.1", "17.4", "17.6", "18.1"):
        found.append(f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {apple} Version/{version} Safari/605.1.15")
    # Desktops stand last; the cut keeps every phone.
    return found[:AGENTS]


def addresses(chance):
    found = set()
    while len(found) < ADDRESSES:
        found.add(f"{chance.choice(OCTETS)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}")
    return sorted(found, key=lambda _: chance.random())


def uuid(chance):
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


class Traffic:
    """All of it in memory, deterministic; `write` puts it where the load scripts find it."""

    def __init__(self, bodies=BODIES):
        chance = random.Random(SEED)
        self.agents = user_agents()
        self.addresses = addresses(chance)
        self.devices = [uuid(chance) for _ in range(DEVICES)]
        self.bodies = [self._body(chance) for _ in range(bodies)]

    def _event(self, chance):
        device = chance.randrange(DEVICES)
        publisher = (device * 37 + chance.randrange(5) * 41) % PUBLISHERS
        return {
            "kind": "click",
            "offer": f"offer-{(device * 13 + chance.randrange(5) * 7) % OFFERS}",
            "publisher": f"publisher-{publisher}",
            "sub_id": f"sub-{publisher + PUBLISHERS * chance.randrange(SUB_IDS // PUBLISHERS)}",
            "click_ip": self.addresses[device % ADDRESSES],
            "user_agent": self.agents[device // PUBLISHERS % len(self.agents)],
            "device_id": self.devices[device],
            "referer": f"{chance.choice(REFERERS)}/{chance.randrange(1000)}",
        }

    def _body(self, chance):
        rows = (json.dumps(self._event(chance), separators=(",", ":")) for _ in range(EVENTS_PER_BODY))
        return ("\n".join(rows) + "\n").encode()

    def write(self, folder):
        quoted = [urllib.parse.quote(agent, safe="") for agent in self.agents]
        for name, rows in (("addresses", self.addresses), ("agents", quoted), ("devices", self.devices)):
            (folder / f"{name}.txt").write_text("\n".join(rows) + "\n")
        with open(folder / "bodies.bin", "wb") as out:
            for body in self.bodies:
                out.write(b"%d\n" % len(body) + body)
