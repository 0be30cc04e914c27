"""Public OAuth clients, as anyone installs them, get tokens and use them; nothing is adapted to Tollgate but the address."""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.integrations.base_client.errors import OAuthError
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidClientError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from server import AUDIENCE, Server

# requests-oauthlib refuses plain HTTP otherwise.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

ENDPOINTS = [("/oauth/token", "v5"), ("/v5/oauth/token", "v5"), ("/v4/token", "v4")]


class OauthClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)

    def use(self, session):
        """A token opens both versions of the API."""
        for path in ["/v4/apps", "/v5/apps"]:
            answer = session.get(self.server.url + path)
            self.assertEqual((answer.status_code, answer.json()["total"]), (200, 0))

    def test_authlib(self):
        for path, version in ENDPOINTS:
            for method in ["client_secret_basic", "client_secret_post"]:
                with self.subTest(path=path, method=method):
                    client_id, secret = self.server.client(version)
                    session = AuthlibSession(client_id, secret, token_endpoint_auth_method=method)
                    with session:
                        token = session.fetch_token(self.server.url + path, grant_type="client_credentials")
                        self.assertEqual((token["token_type"], token["expires_in"]), ("Bearer", 86400))
                        self.use(session)

    def test_authlib_hears_why(self):
        client_id, _ = self.server.client("v5")
        with AuthlibSession(client_id, "wrong") as session, self.assertRaises(OAuthError) as raised:
            session.fetch_token(self.server.url + "/oauth/token", grant_type="client_credentials")
        self.assertEqual(raised.exception.error, "invalid_client")
        client_id, secret = self.server.client("v5")
        with AuthlibSession(client_id, secret, scope="apps") as session, self.assertRaises(OAuthError) as raised:
            session.fetch_token(self.server.url + "/oauth/token", grant_type="client_credentials")
        self.assertEqual(raised.exception.error, "invalid_scope")

    def test_requests_oauthlib(self):
        for path, version in ENDPOINTS:
            with self.subTest(path=path):
                client_id, secret = self.server.client(version)
                with OAuth2Session(client=BackendApplicationClient(client_id=client_id)) as session:
                    session.fetch_token(
                        self.server.url + path, auth=HTTPBasicAuth(client_id, secret), audience=AUDIENCE
                    )
                    self.use(session)
                with OAuth2Session(client=BackendApplicationClient(client_id=client_id)) as session:
                    session.fetch_token(
                        self.server.url + path,
                        client_id=client_id,
                        client_secret=secret,
                        include_client_id=True,
                        audience=AUDIENCE,
                    )
                    self.use(session)

    def test_requests_oauthlib_hears_why(self):
        client_id, _ = self.server.client("v5")
        with OAuth2Session(client=BackendApplicationClient(client_id=client_id)) as session:
            with self.assertRaises(InvalidClientError):
                session.fetch_token(self.server.url + "/oauth/token", auth=HTTPBasicAuth(client_id, "wrong"))

    def test_javascript(self):
        modules = os.environ.get("TOLLGATE_NODE_MODULES")
        if not modules or not shutil.which("node"):
            self.skipTest("openid-client and oauth4webapi (npm) are not installed")
        # Modules are looked for beside the script.
        script = Path(self.server.directory) / "oauth_clients.mjs"
        shutil.copy(Path(__file__).with_name("oauth_clients.mjs"), script)
        (script.parent / "node_modules").symlink_to(modules)
        (v4, secret_v4), (v5, secret_v5) = self.server.client("v4"), self.server.client("v5")
        arguments = [self.server.url, v4, secret_v4, v5, secret_v5]
        ran = subprocess.run(["node", script, *arguments], capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)


if __name__ == "__main__":
    unittest.main()
